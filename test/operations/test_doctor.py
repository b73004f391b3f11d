"""The doctor names what is wrong before a twin starts and while one runs, and scripts can tell."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from visrftwin_ros.operations.doctor import look_at_machine
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import NodeSpec


def doctor(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "visrftwin_ros.cli", "doctor", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def wrong(site: str = "pets_campus", weights: str = "") -> dict[str, str]:
    found = look_at_machine(site, weights, 39123, 39124)
    return {finding.subject: finding.said for finding in found if finding.wrong}


def test_a_sound_machine_has_nothing_wrong() -> None:
    assert wrong() == wrong("lobby") == {}


@pytest.mark.parametrize(
    ("site", "weights", "subject", "said"),
    [
        ("atlantis", "", "site", "atlantis"),
        ("lobby", "none", "weights", "panorama may move"),
        ("pets_campus", "/no/net.onnx", "weights of view1", "/no/net.onnx: not there"),
    ],
)
def test_what_cannot_start_is_named(site: str, weights: str, subject: str, said: str) -> None:
    assert said in wrong(site, weights)[subject]


def test_wrong_surroundings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "EVERYWHERE")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(tmp_path / "none.xml"))
    found = wrong()
    assert "expected one of LOCALHOST" in found["DDS range"]
    assert "no such file" in found["DDS profile"]


@pytest.mark.timeout(200)
def test_a_running_graph_is_looked_at() -> None:
    code, said = doctor("--site", "pets_campus", "--seconds", "2")
    assert (code, "no node of a twin was heard" in said) == (0, True), said
    specs = [
        NodeSpec(name, "", {"site": "pets_campus"}) for name in ("site_frames", "people_detector")
    ]
    graph = Graph(specs)
    graph.start()
    try:
        deadline = time.monotonic() + 90.0
        while "2 nodes: people_detector, site_frames" not in said:
            assert time.monotonic() < deadline, said
            code, said = doctor("--site", "pets_campus", "--seconds", "3")
    finally:
        graph.stop()
    assert code == 1
    assert "WRONG people_detector: images: no image arrives" in said
    # The nodes of an earlier test may still count as publishers: DDS keeps a killed one for 20 s.
    assert "topic /channels: 0.0 a second from" in said
