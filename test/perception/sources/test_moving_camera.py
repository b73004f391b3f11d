"""A camera whose pose comes from TF: how far off it is taken to be, and what that does to tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from many_cameras import START, line, looking_at, seen_by
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.camera_models import FisheyeCamera, PanoramaCamera
from visrftwin_ros.cameras.pinhole import CameraModel, PinholeCamera
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.tracking.camera_turn import CameraTurn, turn_slope
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.perception.tracking.walker_filter import expected_rows
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.site.model import Camera

SIGMA = np.radians(0.5)
EYES = looking_at("eyes", (0.0, -9.0, 1.65), (0.0, 0.0))


def test_only_a_pose_from_tf_is_doubted_and_by_as_much_as_the_site_says() -> None:
    lens = {"image_width": 960, "image_height": 720, "fx": 600, "fy": 600, "cx": 480, "cy": 360}
    transforms = TransformBuffer()
    moving = Camera(name="eyes", frame_rate=10, **lens)
    transforms.move("eyes_optical_frame", "world", START, Pose(np.zeros(3), Rotation.identity()))
    for sigma in (moving.turn_sigma, 0.0):
        camera = moving.model_copy(update={"turn_sigma": sigma})
        source = CameraSource(camera, "world", transforms)
        assert source.at(START, last_try=False).turn_sigma == sigma
    pose = {"rvec": (0.1, 0.2, 0.3), "t": (1.0, 2.0, 3.0)}
    fixed = CameraSource(Camera(name="door", frame_rate=10, **lens, **pose), "world", transforms)
    assert moving.turn_sigma > 0 and fixed.at(START, last_try=False).turn_sigma == 0.0


def eyes(kind: type[CameraModel]) -> CameraModel:
    """At EYES' place, of each kind of lens."""
    named = {"name": "eyes", "size": (961, 721)}
    named |= {"rotation": EYES.rotation, "translation": EYES.translation, "turn_sigma": SIGMA}
    if kind is not PanoramaCamera:
        matrix = np.array([[600.0, 0, 480], [0, 500.0, 360], [0, 0, 1]])
        named |= {"matrix": matrix, "distortion": np.zeros(0)}
    return kind(**named)


@pytest.mark.parametrize("kind", [PinholeCamera, FisheyeCamera, PanoramaCamera])
def test_the_slope_by_a_turn_is_that_of_a_camera_that_is_turned(kind: type[CameraModel]) -> None:
    camera = eyes(kind)
    mean = np.array([[-1.0, 1.5, 0, 0, 1.8], [2.5, 0.0, 0, 0, 1.6]])
    slope = turn_slope(mean, camera)
    still = CameraTurn.unknown(camera, START)
    for axis in range(3):
        angle = 1e-5 * np.eye(3)[axis]
        rows = [
            expected_rows(mean, replace(still, angle=sign * angle).of(camera))[0]
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(slope[..., axis], (rows[0] - rows[1]) / 2e-5, atol=0.05)
    # Up to a tilt of the picture both ends of a body move alike: how tall it appears is not in doubt.
    doubt = replace(still, covariance=SIGMA**2 * np.outer(*[EYES.rotation[0]] * 2))
    noise = doubt.noise(mean, camera)[0]
    assert np.array([0, 1, -1]) @ noise @ np.array([0, 1, -1]) < 0.2 * noise[1, 1]


def test_people_whose_places_are_known_tell_the_turn() -> None:
    camera = eyes(PinholeCamera)
    draw = np.random.default_rng(5)
    mean = np.column_stack(
        [draw.uniform(-4, 4, 6), draw.uniform(-3, 6, 6), np.zeros((6, 2)), np.full(6, 1.7)]
    )
    true = np.radians([0.6, -0.3, 0.4])
    before = CameraTurn.unknown(camera, START)
    seen = expected_rows(mean, replace(before, angle=true).of(camera))[0]
    rows, *_ = expected_rows(mean, camera)
    doubt, used = np.tile(0.5**2 * np.eye(3), (6, 1, 1)), np.ones((6, 3), bool)
    told = before.told_by(seen - rows, turn_slope(mean, camera), doubt, used)
    assert np.abs(told.angle - true).max() < np.radians(0.05)
    assert np.sqrt(told.covariance.diagonal()).max() < np.radians(0.2) < SIGMA
    # It is forgotten; the doubt comes back.
    later = told.at(START + 10**10, camera)
    assert np.linalg.norm(later.angle) < 0.05 * np.linalg.norm(told.angle)
    np.testing.assert_allclose(later.covariance, before.covariance, atol=0.01 * SIGMA**2)


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
    assert len(ids_after_a_jump(SIGMA)) == 2 < len(ids_after_a_jump(0.0))
    assert ids_after_a_jump(1e-200) == ids_after_a_jump(0.0)
