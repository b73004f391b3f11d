"""The benches of detector, tracker, LiDAR and sensors run from the command line, on a small load."""

from __future__ import annotations

import json
from functools import partialmethod
from pathlib import Path

import pytest

from visrftwin_ros.benchmarks.simulated.sensor_scene import Scene
from visrftwin_ros.cli import main


def answer(command: str, capsys: pytest.CaptureFixture[str]) -> dict:
    assert main(command.split()) == 0
    return json.loads(capsys.readouterr().out)


def test_the_tracker_is_timed_with_all_people(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer("bench tracker --rounds 5", capsys)
    assert found["tracks"] == 50 and found["sensors"] == 4
    step = found["step"]
    assert step["count"] == found["in_order"]["count"] + found["replayed"]["count"]
    assert 0 < step["median_ms"] <= step["p99_ms"]


def test_people_in_the_simulated_lidar_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer("bench lidar --walkers 3 --sweeps 15 --learning 0.5", capsys)
    assert found["points"] == 128 * 1024 and found["sweeps"] >= 8
    assert found["error_median_m"] < 0.2


def test_a_lidar_that_only_learns_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "lidar", "--beams", "16", "--sweeps", "2"]) == 2
    assert "all 2 sweeps taught the background" in capsys.readouterr().err


def test_every_set_of_sensors_is_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = partialmethod(Scene.lidar_arrivals, columns=128, learning=0.5)
    monkeypatch.setattr(Scene, "lidar_arrivals", coarse)
    file = tmp_path / "rows.json"
    assert main(f"bench sensors --people 1 --seconds 2 --json {file}".split()) == 0
    rows = json.loads(file.read_text())
    assert len(rows) == 17 and len(capsys.readouterr().out.splitlines()) == 2 + 17
    assert {row["embeddings"] for row in rows} == {True, False}


def test_the_detector_is_timed_on_a_recording(
    test_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"
    video = test_data / "pets" / "vtest.avi"
    command = f"bench detector --site pets_campus --video {video} --weights {weights} --frames 3"
    found = answer(command, capsys)
    assert found["px"] == 320 and found["images"] == 3 and found["boxes_mean"] > 1
    assert found["network"]["median_ms"] <= found["detect"]["median_ms"]
