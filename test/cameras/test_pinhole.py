"""The camera: world to image and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from walking_scene import CAMERA, PETS

from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.errors import TwinError

BARREL = np.array([-0.25, 0.08, 0.001, -0.0005, 0.0])


@st.composite
def cameras(draw: st.DrawFn) -> PinholeCamera:
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
    return PinholeCamera.from_pose("drawn", (640, 480), matrix, distortion, pose)


@settings(deadline=None)
@given(cameras(), st.floats(0, 639), st.floats(0, 479))
def test_a_ground_point_projects_back_to_its_pixel(
    camera: PinholeCamera, u: float, v: float
) -> None:
    pixel = np.array([[u, v]])
    point, valid = camera.ground_points(pixel)
    assume(valid[0] and np.linalg.norm(point[0] - camera.center[:2]) < 1e4)
    back, in_front = camera.project(np.array([[*point[0], 0.0]]))
    assert in_front[0]
    np.testing.assert_allclose(back, pixel, atol=0.02)


@settings(deadline=None)
@given(cameras(), st.floats(0, 639), st.floats(0, 479), st.floats(0.3, 2.5))
def test_height_is_recovered_from_the_top_of_an_upright_body(
    camera: PinholeCamera, u: float, v: float, height: float
) -> None:
    foot, valid = camera.ground_points(np.array([[u, v]]))
    assume(valid[0] and np.linalg.norm(foot[0] - camera.center[:2]) < 60)
    assume(height < 0.8 * camera.center[2])
    top, in_front = camera.project(np.array([[*foot[0], height]]))
    assume(in_front[0] and np.all(np.abs(top - [320, 240]) < 400))
    # Seen along the body's own axis a row tells no height: leave the nearly nadir views out.
    rows = camera.projection_jacobian(np.array([[*foot[0], height]]))[0, 1, 2]
    assume(abs(rows) > 5)
    assert camera.height_above(foot, top)[0] == pytest.approx(height, abs=0.02)


@settings(deadline=None)
@given(cameras(), st.floats(0, 639), st.floats(0, 479))
def test_the_ground_jacobian_is_the_slope_of_the_ground_point(
    camera: PinholeCamera, u: float, v: float
) -> None:
    ideal = np.array([[u, v]])
    point, valid = camera.plane_points(ideal, np.zeros(1))
    assume(valid[0] and np.linalg.norm(point[0] - camera.center[:2]) < 100)
    slope = camera.ground_jacobian(point)[0]
    for axis in range(2):
        step = np.zeros((1, 2))
        step[0, axis] = 1e-3
        ahead, behind = (
            camera.plane_points(ideal + sign * step, np.zeros(1))[0] for sign in (1, -1)
        )
        np.testing.assert_allclose(slope[:, axis], (ahead - behind)[0] / 2e-3, rtol=1e-3, atol=1e-6)


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


def test_ground_covariance_grows_with_distance_along_the_view() -> None:
    places = np.array([[-12.0, -12.0], [5.0, 0.0]])
    covariance = CAMERA.ground_covariance(places, np.tile(np.eye(2) * 4.0, (2, 1, 1)))
    near, far = (np.sqrt(np.linalg.eigvalsh(block)) for block in covariance)
    assert near[1] < far[1] and far[1] > 2 * far[0]


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


def test_a_pose_and_a_site_describe_the_same_camera() -> None:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = CAMERA.rotation.T, CAMERA.center
    again = PinholeCamera.from_pose(PETS.name, CAMERA.size, CAMERA.matrix, np.zeros(0), pose)
    points = np.array([[-8.0, -6.0, 0.0], [-10.0, -12.0, 1.7]])
    np.testing.assert_allclose(again.project(points)[0], CAMERA.project(points)[0], atol=1e-9)
