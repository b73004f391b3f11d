"""The graph on a campaign: real processes in the campaign's time, over its end and again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import graph_listener
import numpy as np
import pytest
import yaml
from made_campaign import paths

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import LidarCloud, Snapshot
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.site.loading import find_site_file, load_site
from visrftwin_ros.site.model import Site

START = 1_600_000_000_000_000_000
"""Of another year: what runs on the wall's clock shows."""
SECOND = 1_000_000_000
FRAMES = 36
PERIOD = round(SECOND / 7)
SPEED = 1.0
Line = dict[str, Any]


def made_site(folder: Path) -> Site:
    """The camera of PETS, a LiDAR, an AP and a robot that TF places, on plain ground."""
    pets = yaml.safe_load(find_site_file("pets_campus").read_text())
    content = {
        "name": "crossing",
        "propagation": {"max_depth": 1, "samples": 3000, "diffuse": False, "diffraction": False},
        "scene": [s for s in pets["scene"] if s["name"] in ("ground", "brick_building")],
        "access_points": [ap for ap in pets["access_points"] if ap["name"] == "ap_lamp"],
        "robots": [{"name": "rover", "antenna_height": 0.8}],
        "cameras": pets["cameras"],
        # Elsewhere: bare ground where the camera sees people would prove that nobody is there.
        "lidars": [{"name": "mast", "position": [25.0, 20.0, 3.0], "max_range": 8.0}],
    }
    folder.mkdir()
    (folder / "site.yaml").write_text(yaml.safe_dump(content))
    return load_site(str(folder))


def write_bag(bag: Path, site: Site, video: Path) -> None:
    """Pictures at 7 fps, a robot that drives along x, sweeps over bare ground, and a sounder."""
    camera = site.camera()
    random = np.random.default_rng(1)
    sweep = np.column_stack([random.uniform(1, 5, (2000, 2)), np.full(2000, -3.0)])
    with CampaignWriter(bag, {"site": site.name, "gain_reference": "relative"}) as writer:
        for number, image in Recording(video).frames():
            if number > FRAMES:
                break
            stamp = START + (number - 1) * PERIOD
            for k in range(3):
                at = stamp + k * PERIOD // 3
                place = np.array([-8.0 + SPEED * (at - START) / SECOND, -7.0, 0.0])
                unturned = np.array([0.0, 0.0, 0.0, 1.0])
                writer.transform(at, "world", "rover/base_link", place, unturned)
            writer.image("view1", stamp, camera.optical_frame, image)
            writer.camera_info(camera, stamp, camera.optical_frame)
            zero = np.zeros(len(sweep), np.int64)
            cloud = LidarCloud(sweep + random.normal(0, 0.01, sweep.shape), zero * 1.0, zero, zero)
            writer.cloud("mast", "points", stamp, "mast", cloud)
            sounding = Snapshot(stamp, "ap_lamp", "rover", 60.48e9, 2e9, paths(3), -85.0)
            writer.snapshot(sounding, "world")


@dataclass(frozen=True)
class CampaignRun:
    """What the listener heard over rounds of the bag. restarted: nodes that died."""

    lines: list[Line]
    restarted: list[str]

    def of(self, topic: str) -> list[Line]:
        return [line for line in self.lines if line["topic"] == topic]

    @cached_property
    def rounds(self) -> list[list[Line]]:
        """Fresh channels, round by round."""
        fresh = [x for x in self.of("channels") if not x["links"][0]["stale"]]
        back = np.flatnonzero(np.diff([x["stamp"] for x in fresh]) < -SECOND) + 1
        ends = [0, *back.tolist(), len(fresh)]
        return [fresh[first:end] for first, end in pairwise(ends)]


@pytest.fixture(scope="module")
def run(
    video: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CampaignRun]:
    folder = tmp_path_factory.mktemp("campaign")
    site = made_site(folder / "site")
    write_bag(folder / "bag", site, video)
    table = node_table(
        site,
        str(site.folder),
        bag=str(folder / "bag"),
        weights=str(weights),
        viewer=False,
        loop=True,
    )
    out = folder / "messages.jsonl"
    script = Path(graph_listener.__file__)
    listener = subprocess.Popen([sys.executable, str(script), str(out), "view1"])
    graph = Graph(table)
    try:
        graph.start()
        # Two whole rounds after the first in which the robot's paths became known.
        wait(graph, lambda: rounds_heard(out) >= 1 and robot_known(out), 150.0)
        known = rounds_heard(out)
        wait(graph, lambda: rounds_heard(out) >= known + 2, 60.0)
    finally:
        graph.stop()
        # All that it heard is written, and nothing comes any more.
        listener.kill()
        listener.wait()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    yield CampaignRun(lines, graph.restarted)


def rounds_heard(out: Path) -> int:
    """Rounds of the bag whose pictures have all been seen."""
    if not out.exists():
        return 0
    last = START + (FRAMES - 3) * PERIOD
    times = [json.loads(x)["stamp"] for x in out.read_text().splitlines() if '"camera"' in x[:20]]
    late = np.array([stamp >= last for stamp in times], bool)
    return int(np.count_nonzero(np.diff(late.astype(int), prepend=0) > 0))


def robot_known(out: Path) -> bool:
    """Whether a channel of the robot has been predicted."""
    lines = [x for x in out.read_text().splitlines() if '"channels"' in x[:24]]
    return bool(lines) and json.loads(lines[-1])["links"][0]["path_count"] > 0


def wait(graph: Graph, condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        code = graph.poll()
        assert code is None, f"the graph ended with code {code}"
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.3)


def test_every_stage_works_in_the_campaigns_time(run: CampaignRun) -> None:
    assert run.restarted == []
    pictures = {START + k * PERIOD for k in range(FRAMES)}
    for topic in ("detections", "people", "channels", "beams"):
        fresh = {x["stamp"] for x in run.of(topic) if x["stamp"] in pictures}
        assert len(fresh) >= 0.7 * FRAMES, topic
        times = [x["stamp"] for x in run.of(topic)]
        assert max(times) < START + 60 * SECOND, f"{topic} ran on the wall's clock"


def test_people_of_the_pictures_are_tracked(run: CampaignRun) -> None:
    """Five walk here; the tracker starts again with every round of five seconds."""
    counts = [len(x["people"]) for x in run.of("people") if not x["stale"]]
    assert np.median(counts) >= 2


def test_the_moving_robots_channel_is_predicted_where_tf_says(run: CampaignRun) -> None:
    """Free-space loss over the way from the AP to the robot, within the two-ray fading."""
    found = []
    for line in (x for part in run.rounds[-2:] for x in part):
        (link,) = line["links"]
        if link["reason"] or not np.isfinite(link["path_loss_db"]):
            continue
        x = -8.0 + SPEED * (line["stamp"] - START) / SECOND
        way = np.linalg.norm(np.array([x, -7.0, 0.8]) - [-13.5, -10.42, 3.4])
        free = 20 * np.log10(4 * np.pi * way * 60.48e9 / 299792458.0)
        found.append((link["path_loss_db"] - link["shadow_loss_db"] - free, way))
    apart, ways = np.array(found).T
    assert len(apart) > FRAMES // 2
    assert np.ptp(ways) > 2.0  # it drove
    assert np.abs(apart).max() < 3.0


def test_latency_is_counted_in_the_campaigns_time(run: CampaignRun) -> None:
    latencies = [x["latency"] for part in run.rounds[-2:] for x in part]
    assert 0.0 <= np.median(latencies) < 0.5


def test_the_next_round_starts_afresh_and_says_so(run: CampaignRun) -> None:
    levels: dict[str, list[list[Any]]] = {}
    for line in run.of("diagnostics"):
        for name, level in line["levels"].items():
            levels.setdefault(name, []).append(level)
    for node in ("people_tracker", "channel_predictor", "beam_selector", "view1/people_detector"):
        said = [text for level, text in levels.get(f"{node}: time", []) if level == 1]
        assert said and "went back" in said[0], node
    assert len(run.rounds) >= 3
    assert len(run.rounds[-2]) >= 0.7 * FRAMES
    people = run.of("people")
    back = next(
        k for k in range(1, len(people)) if people[k]["stamp"] < people[k - 1]["stamp"] - SECOND
    )
    before = {p["id"] for x in people[:back] for p in x["people"]}
    after = {p["id"] for x in people[back:] for p in x["people"]}
    assert after and not before & after


def test_the_sweeps_are_taken(run: CampaignRun) -> None:
    levels = [x["levels"].get("mast/lidar_people: clouds") for x in run.of("diagnostics")]
    assert [0, "clouds arrive"] in levels
    assert not [level for level in levels if level and level[0] == 2]
