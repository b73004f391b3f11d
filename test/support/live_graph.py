"""One run of the live graph with a listener beside it, and the same video off line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import UInt8

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.commands.channel_table import predict_tracks
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.perception.detection.detector import make_detector
from visrftwin_ros.perception.sources import video_tracks
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Camera, Site
from visrftwin_ros.twin.engine import TwinEngine

SITE = "pets_campus"
FRAMES = 90
SILENCE = 2.6
"""Seconds that the graph is watched after the last image."""
SECOND_REPLAY = 35
"""Frames of the replay after the silence."""
MOST_MISSED = FRAMES // 10
"""Images at the start that may have reached no detector."""
Line = dict[str, Any]


@dataclass(frozen=True)
class LiveRun:
    """Every message of one run of the graph, in the order in which the listener got them.

    restarted: nodes that died. start: stamp of frame 1 of the first replay.
    """

    lines: list[Line]
    restarted: list[str]
    site: Site
    start: int

    def of(self, topic: str) -> list[Line]:
        return [line for line in self.lines if line["topic"] == topic]

    @cached_property
    def image_stamps(self) -> list[int]:
        return sorted(line["stamp"] for line in self.of("camera"))

    @property
    def period(self) -> float:
        return 1e9 / self.site.camera().frame_rate

    @cached_property
    def last(self) -> int:
        """Stamp of the first replay's last frame, plus 1 us for the period's rounding."""
        return self.start + round((FRAMES - 1) * self.period) + 1000

    @cached_property
    def resumed(self) -> int:
        """Stamp of the second replay's first image that reached the detector: the two processes
        first have to find each other."""
        seen = [line["stamp"] for line in self.of("detections")]
        return min(stamp for stamp in seen if stamp > self.last + 1_000_000_000)

    def fresh_lines(self, topic: str) -> list[Line]:
        """The messages of the first replay, the stale ones left out."""
        return [
            line
            for line in self.of(topic)
            if self.start <= line["stamp"] <= self.last
            and not (line.get("stale") or any(link["stale"] for link in line.get("links", [])))
        ]

    def fresh(self, topic: str) -> dict[int, Line]:
        """Frame number of the first replay -> its message, the stale ones left out."""
        return {
            round((line["stamp"] - self.start) / self.period) + 1: line
            for line in self.fresh_lines(topic)
        }


@dataclass(frozen=True)
class OfflineRun:
    """What the same video gives without ROS: people by frame, channel rows by frame and link."""

    people: dict[int, People]
    channels: dict[tuple[int, str, str], dict[str, Any]]


def run_live(video: Path, weights: Path, out: Path) -> LiveRun:
    """The nodes as processes on a replay, a silence and a second replay; `out`: the messages."""
    from visrftwin_ros.demo.graph_recorder import GraphRecorder

    site = load_site(SITE)
    *others, camera = node_table(
        site, SITE, video=str(video), weights=str(weights), viewer=False, rate=1.0
    )
    assert camera.executable == "camera_replay"
    first = {"autostart": False, "exit_at_end": True, "frames": FRAMES}
    again = {"exit_at_end": True, "frames": SECOND_REPLAY}
    graph = Graph([*others, replace(camera, parameters={**camera.parameters, **first})])
    replay = Graph([replace(camera, parameters={**camera.parameters, **again})])
    script = Path(__file__).with_name("graph_listener.py")
    listener = subprocess.Popen([sys.executable, str(script), str(out), site.camera().name])
    recorder = GraphRecorder(site.camera())
    try:
        graph.start()
        wait_for(lambda: recorder.all_active([s.full_name for s in others]), [graph], 90.0)
        wait_for(lambda: recorder.start(camera.full_name), [graph], 20.0)
        wait_for(lambda: camera.full_name in graph.finished, [graph], 60.0)
        silent_since = time.monotonic()
        wait_for(lambda: time.monotonic() - silent_since > SILENCE, [graph], 60.0)
        replay.start()
        wait_for(lambda: camera.full_name in replay.finished, [graph, replay], 60.0)
        time.sleep(0.4)
    finally:
        recorder.close()
        replay.stop()
        graph.stop()
        listener.send_signal(signal.SIGINT)
        listener.wait(timeout=10)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    start = stamp_of_frame_1(lines, site.camera(), video, weights)
    return LiveRun(lines, graph.restarted + replay.restarted, site, start)


def stamp_of_frame_1(lines: list[Line], camera: Camera, video: Path, weights: Path) -> int:
    """By what the boxes show: a camera's topic is best effort, and its first images may have
    reached nobody. The detector finds the same in the same image."""
    first = min((x for x in lines if x["topic"] == "detections"), key=lambda x: int(x["stamp"]))
    detector = make_detector("yolo", weights, fixed_camera(camera)).detector
    found = np.array(first["boxes"]).reshape(-1, 4)
    for number, image in islice(Recording(video).frames(), MOST_MISSED):
        boxes = detector.detect(image, 0).box
        if boxes.shape == found.shape and np.allclose(boxes, found, atol=0.01):
            return int(first["stamp"]) - round((number - 1) * 1e9 / camera.frame_rate)
    raise AssertionError(f"the first boxes heard are of none of the first {MOST_MISSED} images")


def run_offline(
    live_run: LiveRun, video: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> OfflineRun:
    """The off-line core on the frames that reached the live tracker, its robots driven by the same
    clock. The others are left out as images that could not be decoded are."""
    camera = live_run.site.camera()
    tracked = set(live_run.fresh("people"))

    class WhatCameThrough(Recording):
        def frames(self) -> Iterator[tuple[int, UInt8[np.ndarray, "h w 3"]]]:
            return ((number, image) for number, image in super().frames() if number in tracked)

    monkeypatch.setattr(video_tracks, "Recording", WhatCameThrough)
    people = dict(
        video_tracks.people_in_recording(
            camera, video, "yolo", weights, frames=len(tracked), progress=False
        )
    )
    engine = TwinEngine(live_run.site, cache_folder("paths"), threads=2)
    try:
        # Who was there stays in the channels until the next image, as in the live predictor.
        there, latest = {}, people[min(people)]
        for frame in range(1, max(people) + 1):
            there[frame] = latest = people.get(frame, latest)
        rows = predict_tracks(
            engine, Tracks.from_people(there.items()), live_run.start, camera.frame_rate
        )
        channels = {(int(str(r["frame"])), str(r["tx"]), str(r["rx"])): r for r in rows}
    finally:
        engine.close()
    return OfflineRun(people, channels)


def wait_for(condition: Callable[[], bool], graphs: list[Graph], seconds: float) -> None:
    """Until `condition`; fails where a graph gives up or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        for graph in graphs:
            code = graph.poll()
            assert code is None, f"the graph ended with code {code}"
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {condition}"
        time.sleep(0.05)
