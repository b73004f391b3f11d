"""A camera whose pose comes from TF: how far off it is taken to be, and what that does to tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from many_cameras import START, line, looking_at, seen_by
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.camera_models import FisheyeCamera, PanoramaCamera
from visrftwin_ros.cameras.pinhole import CameraModel, PinholeCamera
from visrftwin_ros.perception.sources.camera_source import TURN_SIGMA, CameraSource
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.perception.tracking.walker_filter import shaken
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.site.model import Camera

EYES = looking_at("eyes", (0.0, -9.0, 1.65), (0.0, 0.0))


def test_only_a_pose_from_tf_is_doubted() -> None:
    lens = {"image_width": 960, "image_height": 720, "fx": 600, "fy": 600, "cx": 480, "cy": 360}
    transforms = TransformBuffer()
    moving = CameraSource(Camera(name="eyes", frame_rate=10, **lens), "world", transforms)
    transforms.move("eyes_optical_frame", "world", START, Pose(np.zeros(3), Rotation.identity()))
    assert moving.at(START, last_try=False).turn_sigma == TURN_SIGMA > 0
    pose = {"rvec": (0.1, 0.2, 0.3), "t": (1.0, 2.0, 3.0)}
    fixed = CameraSource(Camera(name="door", frame_rate=10, **lens, **pose), "world", transforms)
    assert fixed.at(START, last_try=False).turn_sigma == 0.0


@pytest.mark.parametrize("kind", [PinholeCamera, FisheyeCamera, PanoramaCamera])
def test_a_turn_moves_the_middle_by_that_many_pixels(kind: type[CameraModel]) -> None:
    place = np.array([[0.0, 0.0, 8.0]])
    named = {"name": "eyes", "size": (961, 721), "translation": np.zeros(3)}
    if kind is not PanoramaCamera:
        matrix = np.array([[600.0, 0, 480], [0, 500.0, 360], [0, 0, 1]])
        named |= {"matrix": matrix, "distortion": np.zeros(0)}
    level = kind(rotation=np.eye(3), **named)
    for axis, sign in ((1, 1.0), (0, -1.0)):
        turn = Rotation.from_rotvec(1e-3 * np.eye(3)[axis]).as_matrix()
        moved = kind(rotation=turn, **named).project(place)[0] - level.project(place)[0]
        column = 1 - axis
        assert moved[0, column] == pytest.approx(
            sign * 1e-3 * level.pixels_per_radian[column], rel=1e-4
        )


def test_both_rows_of_a_body_move_together() -> None:
    assert not shaken(EYES).any()
    doubt = shaken(replace(EYES, turn_sigma=0.01))
    np.testing.assert_allclose(doubt, [[36, 0, 0], [0, 36, 36], [0, 36, 36]])
    # Their difference, how tall somebody appears, is not in doubt.
    assert np.array([0, 1, -1]) @ doubt @ np.array([0, 1, -1]) == pytest.approx(0.0)


def ids_after_a_jump(sigma: float) -> set[str]:
    """Of two people who stand, seen by eyes whose pose jumps by more than a degree after two seconds."""
    draw = np.random.default_rng(3)
    walkers = [line((-1.0, 1.5), (0.0, 0.0)), line((1.5, 3.0), (0.0, 0.0))]
    turned = Rotation.from_rotvec([np.radians(1.2), 0, 0]).as_matrix()
    tracker, ids = PeopleTracker(), set[str]()
    for k in range(40):
        found = seen_by(EYES, walkers, 0.1 * k, draw)
        pose = turned if k >= 20 else np.eye(3)
        told = replace(
            EYES,
            rotation=pose @ EYES.rotation,
            translation=pose @ EYES.translation,
            turn_sigma=sigma,
        )
        ids |= set(tracker.update(found, told).ids)
    return ids


def test_a_pose_that_jumps_makes_nobody_twice_where_it_is_doubted() -> None:
    assert len(ids_after_a_jump(TURN_SIGMA)) == 2 < len(ids_after_a_jump(0.0))
