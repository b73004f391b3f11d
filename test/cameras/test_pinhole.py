"""The camera: world to image and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from posed_cameras import posed_camera
from scipy.spatial.transform import Rotation
from walking_scene import CAMERA

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError

BARREL = np.array([-0.25, 0.08, 0.001, -0.0005, 0.0])


@st.composite
def cameras(draw: st.DrawFn) -> CameraModel:
    """Cameras 2 to 20 m up that look down by 5 to 80 degrees, with and without distortion."""
    pitch, yaw = draw(st.floats(np.radians(5), np.radians(80))), draw(st.floats(-np.pi, np.pi))
    roll = draw(st.floats(-0.3, 0.3))
    optical = np.array(
        [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    )  # columns: image right, down, forward in x y z
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("zyx", [yaw, pitch, roll]).as_matrix() @ optical
    pose[:3, 3] = draw(st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(2, 20)))
    focal = draw(st.floats(300, 2000))
    matrix = np.array([[focal, 0, 320.0], [0, focal, 240.0], [0, 0, 1]])
    distortion = draw(st.sampled_from([np.zeros(0), BARREL]))
    return posed_camera("drawn", (640, 480), matrix, distortion, pose)


@settings(deadline=None)
@given(cameras(), st.floats(0, 639), st.floats(0, 479))
def test_a_ground_point_projects_back_to_its_pixel(camera: CameraModel, u: float, v: float) -> None:
    pixel = np.array([[u, v]])
    point, valid = camera.ground_points(pixel)
    assume(valid[0] and np.linalg.norm(point[0] - camera.center[:2]) < 1e4)
    back, in_front = camera.project(np.array([[*point[0], 0.0]]))
    assert in_front[0]
    np.testing.assert_allclose(back, pixel, atol=0.02)


def test_the_pets_camera_stands_where_its_calibration_says() -> None:
    np.testing.assert_allclose(CAMERA.center, [-29.43, -19.79, 7.33], atol=0.01)


def test_pixels_at_and_above_the_horizon_have_no_ground_point() -> None:
    far = CAMERA.center[:2] + 1e7 * (np.array([-5.0, -8.0]) - CAMERA.center[:2])
    horizon = CAMERA.project(np.array([[*far, 0.0]]))[0][0]
    pixels = horizon + np.array([[0.0, -1.0], [0.0, -200.0], [np.nan, 0.0], [0.0, 30.0]])
    points, valid = CAMERA.ground_points(pixels)
    assert valid.tolist() == [False, False, False, True]
    assert np.isnan(points[:3]).all() and np.isfinite(points[3]).all()


def test_a_point_behind_the_camera_has_no_pixel() -> None:
    behind = CAMERA.center - 3.0 * CAMERA.rotation[2]
    pixels, in_front = CAMERA.project(behind[None])
    assert not in_front[0] and np.isnan(pixels).all()


def test_a_pixel_far_outside_the_lens_is_marked_and_not_made_up() -> None:
    barrel = replace(CAMERA, distortion=np.array([-0.4, 0.0, 0.0, 0.0]))
    assert np.isnan(barrel.undistorted(np.array([[9000.0, 9000.0]]))).all()
    assert not barrel.ground_points(np.array([[9000.0, 9000.0]]))[1][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": np.diag([-1.0, 1.0, 1.0])}, "must be positive"),
        ({"rotation": np.diag([1.0, 1.0, 2.0])}, "not orthonormal"),
        ({"translation": np.array([0.0, np.nan, 0.0])}, "NaN"),
        ({"distortion": np.zeros(3)}, "3 distortion coefficients"),
    ],
)
def test_a_wrong_calibration_is_named(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(TwinError, match=message):
        replace(CAMERA, **change)
