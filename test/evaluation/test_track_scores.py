"""The score of tracks: figures worked out by hand, and the PETS targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.track_scores import (
    TRUTH_HEADER,
    TrackScore,
    Truth,
    read_truth,
    score_files,
    score_tracks,
)
from visrftwin_ros.perception.sources.video_tracks import track_recording
from visrftwin_ros.perception.tracking.tracks_file import Tracks, write_tracks
from visrftwin_ros.site.model import Camera


def tracks(rows: list[tuple[int, str, float]]) -> Tracks:
    """Tracks on the x axis from (frame, id, x)."""
    frame, ids, x = zip(*rows, strict=True) if rows else ((), (), ())
    zero = np.zeros((len(rows), 2))
    place = np.column_stack([np.array(x, float), np.zeros(len(rows))])
    return Tracks(np.array(frame, int), tuple(ids), place, zero, zero[:, 0] + 1.7, zero[:, 0] + 0.9)


def truth(rows: list[tuple[int, str, float]]) -> Truth:
    made = tracks(rows)
    return Truth(made.frame, made.ids, made.position)


TWO = truth([(k, name, x) for k in (1, 5, 10, 15) for name, x in (("a", 0.0), ("b", 5.0))])


def test_perfect_tracks_score_full() -> None:
    rows = [(k, name, x) for k in range(1, 16) for name, x in (("1", 0.0), ("2", 5.0))]
    score = score_tracks(tracks(rows), TWO)
    assert (score.recall, score.precision, score.mota, score.idf1, score.switches) == (
        1,
        1,
        1,
        1,
        0,
    )
    assert score.error_median == 0 and score.truth == score.tracked == score.matched == 8


def test_misses_ghosts_and_errors_are_counted() -> None:
    rows = [(k, "1", 0.3) for k in (1, 5, 10, 15)] + [(1, "2", 5.1), (5, "9", 6.5)]
    score = score_tracks(tracks(rows), TWO)
    assert score.recall == pytest.approx(5 / 8) and score.precision == pytest.approx(5 / 6)
    assert score.error_median == pytest.approx(0.3) and score.error_p90 == pytest.approx(0.3)
    assert score.mota == pytest.approx(1 - (3 + 1) / 8) and score.idf1 == pytest.approx(2 * 5 / 14)


def test_a_swap_is_two_switches_and_halves_the_identity_score() -> None:
    rows = [(k, n, x) for k in (1, 5) for n, x in (("1", 0.0), ("2", 5.0))]
    rows += [(k, n, x) for k in (10, 15) for n, x in (("2", 0.0), ("1", 5.0))]
    score = score_tracks(tracks(rows), TWO)
    assert score.switches == 2 and score.recall == 1
    assert score.idf1 == pytest.approx(0.5) and score.mota == pytest.approx(1 - 2 / 8)


def test_pairs_have_the_least_total_distance_and_none_beyond_the_limit() -> None:
    score = score_tracks(
        tracks([(1, "1", 0.9), (1, "2", 1.05)]), truth([(1, "a", 0.0), (1, "b", 1.0)])
    )
    assert score.matched == 2 and score.error_p90 == pytest.approx(0.1 * 0.05 + 0.9 * 0.9, abs=0.1)
    assert score_tracks(tracks([(1, "1", 1.01)]), truth([(1, "a", 0.0)])).matched == 0


def test_frames_without_truth_do_not_count() -> None:
    rows = [(k, "1", 0.0) for k in (2, 3, 4)] + [(1, "1", 0.0), (1, "2", 5.0)]
    score = score_tracks(tracks(rows), TWO, frames=(1, 4))
    assert (score.frames, score.tracked, score.recall, score.precision) == (1, 2, 1, 1)


def test_no_tracks_score_nothing_and_raise_nothing() -> None:
    score = score_tracks(tracks([]), TWO)
    assert (score.recall, score.precision, score.idf1, score.mota) == (0, 0, 0, 0)
    assert np.isnan(score.error_median)


def test_truth_without_the_frames_asked_for_is_an_error() -> None:
    with pytest.raises(TwinError, match="none of the frames"):
        score_tracks(tracks([]), TWO, frames=(100, 200))


def test_files_score_as_their_contents_do_and_a_wrong_truth_is_named(tmp_path: Path) -> None:
    write_tracks(tracks([(1, "1", 0.25)]), tmp_path / "tracks.csv")
    row = "1,a,0,0,1,1,1,0.0,0.0"
    (tmp_path / "truth.csv").write_text(",".join(TRUTH_HEADER) + "\n" + row + "\n")
    score = score_files(tmp_path / "tracks.csv", tmp_path / "truth.csv")
    assert score["recall"] == 1 and score["error_median"] == pytest.approx(0.25)
    (tmp_path / "truth.csv").write_text(
        ",".join(TRUTH_HEADER) + "\n" + row.replace("0.0", "nan") + "\n"
    )
    with pytest.raises(TwinError, match=r"truth\.csv: line 2"):
        score_files(tmp_path / "tracks.csv", tmp_path / "truth.csv")


def pets_score(test_data: Path, kind: str, weights: str, first: int = 1) -> TrackScore:
    calibration = yaml.safe_load((test_data / "pets/camera.yaml").read_text())
    camera = Camera(name="view1", frame_rate=7.0, **calibration)
    made = track_recording(
        camera,
        test_data / "pets/vtest.avi",
        kind,
        test_data / "detector" / weights if weights else "",
        frames=65,
        progress=False,
    )
    return score_tracks(made, read_truth(test_data / "pets/gt_dev.csv"), frames=(first, 65))


@pytest.mark.parametrize("weights", ["yolov8n_int8_openvino_model", "yolov8n_dequant.pt"])
def test_yolo_at_640_px_reaches_the_pets_targets(test_data: Path, weights: str) -> None:
    score = pets_score(test_data, "yolo", weights)
    assert score.recall >= 0.93 and score.precision >= 0.90, score
    assert score.error_median <= 0.15 and score.error_p90 <= 0.35, score
    assert score.switches == 0 and score.idf1 >= 0.85, score


def test_motion_reaches_the_pets_target_after_learning_the_background(test_data: Path) -> None:
    score = pets_score(test_data, "motion", "", first=20)
    assert score.recall >= 0.75 and score.precision >= 0.75, score
