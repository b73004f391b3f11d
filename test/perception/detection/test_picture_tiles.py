"""Parts of large pictures that are looked at closer: where they lie, and what comes of it on real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from walking_scene import CAMERA, PETS

from visrftwin_ros.cameras.camera_models import FisheyeCamera, PanoramaCamera
from visrftwin_ros.cameras.pinhole import CameraModel, PinholeCamera
from visrftwin_ros.evaluation.track_scores import read_truth, score_tracks
from visrftwin_ros.perception.detection.picture_tiles import (
    SMALLEST_PERSON,
    Boxes,
    Sight,
    together,
)
from visrftwin_ros.perception.measurements.feet import Feet
from visrftwin_ros.perception.sources.video_tracks import track_recording

LEVEL = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""World (x right, y forward, z up) to a camera that looks along y."""


def mast(kind: str, size: tuple[int, int], down: float = 0.0, height: float = 4.0) -> CameraModel:
    """Looks along y, turned `down` (rad), from over the origin."""
    cosine, sine = np.cos(down), np.sin(down)
    rotation = np.array([[1.0, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) @ LEVEL
    translation = -rotation @ np.array([0.0, 0.0, height])
    if kind == "panorama":
        return PanoramaCamera("m", size, rotation, translation)
    matrix = np.array([[1500.0, 0, size[0] / 2], [0, 1500.0, size[1] / 2], [0, 0, 1]])
    if kind == "fisheye":
        return FisheyeCamera("m", size, matrix, rotation, translation, np.zeros(0))
    return PinholeCamera("m", size, matrix, rotation, translation, np.zeros(0))


@pytest.mark.parametrize("kind", ["pinhole", "fisheye", "panorama"])
def test_who_stands_at_the_reach_is_as_high_as_said(kind: str) -> None:
    camera = mast(kind, (3840, 1920), height=0.85)
    sight = Sight.of(camera, camera.size, 640, 0)
    ends = np.array([[0.0, sight.reach, 0.0], [0.0, sight.reach, 1.7]])
    (foot, head), seen = camera.project(ends)
    assert seen.all() and sight.scale == pytest.approx(1 / 6)
    assert (foot[1] - head[1]) * sight.scale == pytest.approx(SMALLEST_PERSON, rel=0.02)
    assert len(sight.tiles) == 0 and f"up to {sight.reach:.0f} m" in sight.told()


@pytest.mark.parametrize(
    ("kind", "size", "down", "most"),
    [
        ("pinhole", (3840, 2160), 0.1, 8),
        ("pinhole", (2560, 1440), 0.3, 2),
        ("fisheye", (3000, 3000), 0.2, 12),
        ("panorama", (4096, 2048), 0.0, 8),
    ],
)
def test_everybody_too_small_for_the_whole_is_whole_in_a_tile(
    kind: str, size: tuple[int, int], down: float, most: int
) -> None:
    camera = mast(kind, size, down)
    sight = Sight.of(camera, size, 640, most)
    assert 0 < len(sight.tiles) <= most and sight.tile_reach > 1.3 * sight.reach
    draw = np.random.default_rng(1)
    turn = draw.uniform(-np.pi, np.pi, 4000)
    away = draw.uniform(1.05 * sight.reach, sight.tile_reach, 4000)
    feet = np.column_stack([away * np.sin(turn), away * np.cos(turn), np.zeros(4000)])
    foot, seen = camera.project(feet)
    head, also = camera.project(feet + [0, 0, 1.7])
    half = 0.5 * np.abs(foot[:, 1] - head[:, 1]) * 0.45
    low = np.column_stack([head[:, 0] - half, head[:, 1]])
    high = np.column_stack([foot[:, 0] + half, foot[:, 1]])
    shown = seen & also & (low > 2).all(axis=1) & (high < np.array(size) - 2).all(axis=1)
    assert shown.sum() > 100
    inside = (low[:, None] >= sight.tiles[:, :2]).all(axis=2)
    inside &= (high[:, None] <= sight.tiles[:, 2:]).all(axis=2)
    assert inside[shown].any(axis=1).all()
    scale = min(640 / (sight.tiles[:, 2:] - sight.tiles[:, :2]).max(), 1.0)
    assert sight.tile_reach == pytest.approx(sight.reach / sight.scale * scale)


def test_of_a_moving_camera_tiles_are_all_over_the_picture() -> None:
    sight = Sight.of(None, (3840, 2160), 640, 16)
    covered = np.zeros((2160, 3840), bool)
    for left, top, right, bottom in sight.tiles:
        covered[top:bottom, left:right] = True
    assert covered.all() and np.isnan(sight.reach)


def test_no_tiles_where_nobody_is_too_small_or_the_picture_is_no_larger() -> None:
    overhead = mast("pinhole", (3840, 2160), down=np.pi / 2)
    assert len(Sight.of(overhead, overhead.size, 640, 8).tiles) == 0
    assert len(Sight.of(CAMERA, (640, 480), 640, 8).tiles) == 0
    assert len(Sight.of(None, (640, 480), 640, 8).tiles) == 0


def boxes(*corners: tuple[float, float, float, float], score: float = 0.5) -> Boxes:
    box = np.array(corners, float).reshape(-1, 4)
    feet = Feet(np.column_stack([box[:, [0, 2]].mean(axis=1), box[:, 3]]), np.zeros(len(box), bool))
    return Boxes(box, np.full(len(box), score), np.zeros(len(box), int), feet)


def test_whom_a_tiles_edge_cuts_is_left_to_its_neighbour() -> None:
    tile = np.array([100, 0, 300, 200])
    found = boxes((0, 20, 30, 90), (60, 20, 90, 90), (40, 0, 60, 60), (170, 20, 199, 90))
    kept = found.of_tile(tile, (300, 400))
    # Cut by the left edge, which is within the picture; the top and right ones are the picture's own.
    np.testing.assert_allclose(kept.corners[:, 0], [160, 140, 270])
    np.testing.assert_allclose(kept.feet.point[0], [175, 90])


def test_each_person_counts_once_and_the_large_ones_by_the_whole() -> None:
    sight = Sight.of(None, (2560, 1440), 640, 16)
    whole = boxes((100, 100, 400, 900), (1000, 500, 1020, 550), score=0.4)
    # The same small person, seen better; another one; and half of the large one.
    closer = boxes((1001, 500, 1021, 551), (1500, 500, 1530, 570), (100, 100, 400, 500), score=0.9)
    found = together(whole, [closer], sight, 0.5)
    np.testing.assert_allclose(sorted(found.corners[:, 0]), [100, 1001, 1500])
    assert sorted(found.score) == [0.4, 0.9, 0.9]
    other = replace(closer, number=np.full(3, 2))
    assert len(together(whole, [other], sight, 0.5).score) == 4


def test_on_real_pictures_tiles_win_back_what_a_small_input_loses(test_data: Path) -> None:
    pets = test_data / "pets"
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"
    tracks = track_recording(
        PETS, pets / "vtest.avi", "yolo", weights, frames=65, tiles=2, progress=False
    )
    score = score_tracks(tracks, read_truth(pets / "gt_dev.csv"), frames=(1, 65))
    # The whole picture alone: 0.955, 0.833, 0.434 m (docs/validation.md).
    assert score.recall > 0.96 and score.mota > 0.9 and score.error_p90 < 0.4
