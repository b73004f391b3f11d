"""A real Ctrl-C to a real command: what was done is kept and is not taken for the whole."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from visrftwin_ros.commands.channel_table import CHANNEL_COLUMNS
from visrftwin_ros.lab import shipped
from visrftwin_ros.perception.tracking.tracks_file import read_tracks

YARD = {
    "name": "yard",
    "propagation": {"samples": 5000, "max_depth": 1},
    "cameras": [
        {"name": "pole", "image_width": 640, "image_height": 480, "fx": 500, "fy": 500,
         "cx": 320, "cy": 240, "rvec": [1.5708, 0, 0], "t": [0, 2, 10], "frame_rate": 10}
    ],
    "scene": [{"name": "floor", "kind": "ground", "size": [40, 40], "material": "concrete"}],
    "access_points": [{"name": "west", "position": [-8, 0, 2]}],
    "robots": [{"name": "stays", "position": [0, 0]}],
}  # fmt: skip


def stopped(arguments: list[str], when: Callable[[], bool]) -> str:
    """What the command says when Ctrl-C comes as soon as `when` is true."""
    command = [sys.executable, "-m", "visrftwin_ros.cli", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not when() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    # Where it came while Python ran a string, as dataclasses do, it ends by the signal: 130 in a shell.
    assert process.returncode in (130, -signal.SIGINT), said
    return said.splitlines()[-1]


def has_rows(file: Path) -> Callable[[], bool]:
    return lambda: file.exists() and file.read_text().count("\n") > 30


def test_tracks_up_to_the_last_frame_done_are_kept(test_data: Path, tmp_path: Path) -> None:
    out, partial = tmp_path / "tracks.csv", tmp_path / "tracks.partial.csv"
    arguments = ["track", "--site", "pets_campus", "--detector", "motion", "--out", str(out)]
    arguments += ["--video", str(test_data / "pets" / "vtest.avi")]
    said = stopped(arguments, has_rows(partial))
    assert said == f"visrftwin: stopped; what was done until then is in {partial}"
    assert not out.exists()
    assert 0 < read_tracks(partial).frame.max() < 795


def test_channels_of_whole_frames_are_kept(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(YARD))
    rows = "".join(f"{k},1,{-8 + 0.001 * k:.3f},1,0.01,0,1.75,0.9\n" for k in range(1, 10_000))
    (tmp_path / "tracks.csv").write_text("frame,id,x,y,vx,vy,height,score\n" + rows)
    out, partial = tmp_path / "channels.csv", tmp_path / "channels.partial.csv"
    arguments = ["predict", "--site", str(tmp_path), "--out", str(out)]
    arguments += ["--tracks", str(tmp_path / "tracks.csv")]
    said = stopped(arguments, has_rows(partial))
    assert said == f"visrftwin: stopped; what was done until then is in {partial}"
    assert not out.exists()
    with partial.open() as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0]) == CHANNEL_COLUMNS and None not in table[-1].values()
    frames = np.array([int(row["frame"]) for row in table])
    np.testing.assert_array_equal(frames, np.arange(1, len(frames) + 1))
    assert len(frames) < 9_999


def test_an_evaluation_keeps_what_was_scored_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "scores"
    arguments = ["evaluate", str(shipped.BAG), "--site", shipped.SITE, "--out", str(out)]
    arguments += ["--predictors", "free_space,twin"]

    def scored() -> bool:
        metrics = out / "metrics.json"
        return metrics.exists() and "free_space" in json.loads(metrics.read_text())["predictors"]

    said = stopped(arguments, scored)
    assert said == f"visrftwin: stopped; {out} holds what was scored until then, not complete"
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["complete"] is False
    assert list(metrics["predictors"]) == ["free_space"]
