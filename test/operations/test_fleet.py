"""Every twin is one line: who speaks, what is wrong, and who has been lost, within five seconds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from node_bench import NodeBench

from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.site_frames import SiteFrames
from visrftwin_ros.operations.fleet import LOST_AFTER, Fleet

BYTES_A_SECOND = 50_000
"""Most that watching one site may take."""


@pytest.fixture
def bench(ros: None) -> Iterator[NodeBench]:
    bench = NodeBench()
    yield bench
    bench.close()


def healthy(*roots: str) -> Fleet:
    fleet = Fleet()
    for root in roots:
        fleet.hear(f"{root}channel_predictor: people", 0, "people arrive", {"people": "3"}, 0.0)
        fleet.hear(f"{root}beam_selector: links", 0, "6 links have beams", {}, 0.0)
        fleet.hear(f"{root}view1/people_detector: images", 0, "images arrive", {}, 0.0)
    return fleet


def test_each_twin_has_a_line_of_its_own() -> None:
    fleet = healthy("", "hall/", "hall/east/")
    fleet.hear("hall/part_2/channel_predictor: people", 0, "people arrive", {"people": "3"}, 0.0)
    fleet.hear("lidar_driver: temperature", 2, "too hot", {}, 0.0)  # of no twin
    assert [state.line() for state in fleet.states(1.0)] == [
        "/: 3 nodes; 3 people; 6 links have beams; well",
        "/hall: 4 nodes; 3 people; 6 links have beams; well",
        "/hall/east: 3 nodes; 3 people; 6 links have beams; well",
    ]


def test_what_is_wrong_is_told_worst_first_and_a_viewer_does_not_count() -> None:
    fleet = healthy("hall/")
    fleet.hear("hall/channel_predictor: links", 1, "ap-cart: no pose", {}, 0.0)
    fleet.hear("hall/view1/people_detector: images", 2, "no JPEG", {}, 0.0)
    fleet.hear("hall/twin_viewer: page", 2, "no page", {}, 0.0)
    (state,) = fleet.states(1.0)
    assert not state.well
    assert state.line().endswith("error hall/view1/people_detector images: no JPEG (and 1 more)")


def test_a_lost_host_is_named_within_five_seconds_and_comes_back() -> None:
    fleet = healthy("hall/")
    for now in (1.0, 2.0, 3.0, 4.0, 5.0):
        for name in ("channel_predictor: people", "beam_selector: links"):
            fleet.hear(f"hall/{name}", 0, "", {}, now)
    assert LOST_AFTER < 5.0
    (state,) = fleet.states(5.0)
    assert (state.nodes, state.lost) == (2, ("hall/view1/people_detector",))
    fleet.hear("hall/view1/people_detector: images", 0, "images arrive", {}, 5.5)
    assert fleet.states(5.5)[0].lost == ()


def test_the_command_hears_twins_that_run(bench: NodeBench, tmp_path: Path) -> None:
    arrays = bench.heard(DiagnosticArray, "/diagnostics", raw=True)
    for root in ("/hall", "/yard"):
        bench.active(BeamSelector, "beam_selector", root, site="pets_campus")
        bench.active(SiteFrames, "site_frames", root, site="pets_campus")
    command = [sys.executable, "-m", "visrftwin_ros.cli", "fleet", "--json", "--watch"]
    file = tmp_path / "said"
    with file.open("w") as said:
        process = subprocess.Popen([*command, "--seconds", "1"], stdout=said)
    expected = [("/hall", 2), ("/yard", 2)]

    def told() -> bool:
        lines = file.read_text().splitlines()
        return any([(t["name"], t["nodes"]) for t in json.loads(n)] == expected for n in lines)

    try:
        assert bench.until(told, 60.0), file.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    arrays.clear()
    bench.spin(1.0)
    assert sum(map(len, arrays)) < 2 * BYTES_A_SECOND
