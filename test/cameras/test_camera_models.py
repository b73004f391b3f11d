"""Lenses: every model goes from the ground to the image and back, and has the slope it says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from many_cameras import SECOND, START, looking_at
from walking_scene import body_boxes

from visrftwin_ros.cameras.camera_models import Intrinsics, fixed_camera, info_intrinsics
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.site.model import Camera

MATRIX = np.array([[420.0, 0, 480], [0, 410.0, 360], [0, 0, 1]])
LENSES = {
    "pinhole": Intrinsics("pinhole", (960, 720), MATRIX, np.zeros(0)),
    "plumb_bob": Intrinsics("pinhole", (960, 720), MATRIX, np.array([-0.2, 0.03, 0, 0, 0])),
    "rational": Intrinsics(
        "pinhole", (960, 720), MATRIX, np.array([0.2, 0.1, 0, 0, 0.01, 0.4, 0.1, 0.02])
    ),
    "fisheye": Intrinsics("fisheye", (960, 720), MATRIX, np.array([-0.02, 0.004, -0.001, 0.0001])),
    "equidistant": Intrinsics("fisheye", (960, 720), MATRIX, np.zeros(0)),
    "panorama": Intrinsics("equirectangular", (1600, 800), np.eye(3), np.zeros(0)),
}
lenses = st.sampled_from(sorted(LENSES))
coordinates = st.floats(-9.0, 9.0)


def camera(name: str, yaw: float = 0.0) -> CameraModel:
    """At (0, -12, 5), looking at the origin, turned by a yaw."""
    posed = looking_at(name, (0.0, -12.0, 5.0), (0.0, 0.0))
    turn = np.asarray(cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0])
    return LENSES[name].posed(name, turn @ posed.rotation, turn @ posed.translation)


@settings(max_examples=150, deadline=None)
@given(lenses, coordinates, coordinates, st.floats(-0.3, 0.3))
def test_a_ground_point_comes_back_from_its_pixel(
    name: str, x: float, y: float, yaw: float
) -> None:
    model = camera(name, yaw)
    pixels, seen = model.project(np.array([[x, y, 0.0]]))
    if not seen[0] or np.any(np.abs(pixels[0] - np.array(model.size) / 2) > model.size):
        return
    ground, valid = model.ground_points(pixels)
    if not valid[0]:  # a polynomial that bends back has no inverse out there
        assert name in ("plumb_bob", "rational")
        return
    np.testing.assert_allclose(ground[0], [x, y], atol=1e-3)


@settings(max_examples=100, deadline=None)
@given(lenses, coordinates, coordinates, st.floats(0.0, 2.2), st.floats(-0.4, 0.4))
def test_the_slope_is_that_of_the_projection(
    name: str, x: float, y: float, z: float, yaw: float
) -> None:
    model = camera(name, yaw)
    point, step = np.array([x, y, z]), 1e-5
    ahead = model.undistorted_projection(point + step * np.eye(3))[0]
    behind = model.undistorted_projection(point - step * np.eye(3))[0]
    numeric = ((ahead - behind) / (2 * step)).T
    if np.abs(numeric).max() < 1e4:  # not where a panorama's columns start again
        slope = model.projection_jacobian(point[None])[0]
        np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-3)


def test_fisheye_agrees_with_opencv() -> None:
    model = camera("fisheye")
    points = np.random.default_rng(0).uniform([-8, -6, 0], [8, 9, 2], (40, 3))
    rvec = cv2.Rodrigues(model.rotation)[0]
    lens = LENSES["fisheye"]
    expected = cv2.fisheye.projectPoints(
        points[:, None], rvec, model.translation, lens.matrix, lens.distortion
    )[0].reshape(-1, 2)
    np.testing.assert_allclose(model.project(points)[0], expected, atol=1e-6)


def test_a_panorama_sees_behind_itself_and_a_pinhole_does_not() -> None:
    behind = np.array([[0.0, -20.0, 0.0]])
    assert camera("panorama").project(behind)[1][0]
    pixels, seen = camera("pinhole").project(behind)
    assert not seen[0] and np.isnan(pixels).all()


@pytest.mark.parametrize("name", sorted(LENSES))
def test_rays_above_the_horizon_meet_no_ground(name: str) -> None:
    model = camera(name)
    sky = model.center + np.array([[0.0, 10.0, 4.0]])
    pixels, seen = model.project(sky)
    assert seen[0]
    points, valid = model.ground_points(pixels)
    assert not valid[0] and np.isnan(points).all()


def tracked_around(model: CameraModel, path: np.ndarray) -> tuple[PeopleTracker, np.ndarray]:
    """A tracker after the exact boxes of one walker on a path (K, 2), 10 a second."""
    tracker, ids = PeopleTracker(), set()
    for k, place in enumerate(path):
        boxes = body_boxes(place[None], camera=model)  # type: ignore[arg-type]
        stamp = START + k * SECOND // 10
        seen = Detections(stamp, model.name, model.size, boxes, np.array([0.8]), ("",))
        people = tracker.update(seen, model)
        ids |= set(people.ids)
    assert ids == {"1"}
    return tracker, people.position


@pytest.mark.parametrize("name", ["rational", "fisheye", "panorama"])
def test_a_walker_is_followed_through_every_lens(name: str) -> None:
    path = np.array([-4.0, 0.0]) + np.arange(60)[:, None] * [0.12, 0.02]
    _, position = tracked_around(camera(name), path)
    np.testing.assert_allclose(position, path[-1:], atol=0.15)


def test_a_walker_keeps_the_name_over_the_seam_of_a_panorama() -> None:
    """Behind the camera, where the columns start again."""
    path = np.array([-4.0, -20.0]) + np.arange(70)[:, None] * [0.12, 0.0]
    model = camera("panorama")
    columns = model.project(np.column_stack([path, np.zeros(70)]))[0][:, 0]
    assert np.abs(np.diff(columns)).max() > 1000
    _, position = tracked_around(model, path)
    np.testing.assert_allclose(position, path[-1:], atol=0.15)


@pytest.mark.parametrize(
    ("model", "numbers", "named"),
    [
        ("martian", {}, "'martian'; known: plumb_bob"),
        ("plumb_bob", {"matrix": np.zeros((3, 3))}, "holds no calibration"),
        ("plumb_bob", {"distortion": np.zeros(3) + 0.1}, "3 distortion coefficients"),
        ("equidistant", {"distortion": np.zeros(5)}, "fisheye camera has none or 4"),
        ("plumb_bob", {"matrix": MATRIX * np.nan}, "holds no calibration"),
    ],
)
def test_a_camera_info_that_is_no_calibration_is_named(
    model: str, numbers: dict[str, np.ndarray], named: str
) -> None:
    values = {"matrix": MATRIX, "distortion": np.zeros(0), **numbers}
    with pytest.raises(TwinError, match=named):
        info_intrinsics("cam", model, (960, 720), values["matrix"], values["distortion"])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"rvec": (0, 0, 0)}, "both `rvec` and `t`"),
        ({"fx": 100.0}, "fy, cx, cy missing"),
        ({"model": "equirectangular", "distortion": [0.1]}, "panorama has no"),
        ({"model": "fisheye", "distortion": [0.1] * 5}, "5 distortion coefficients"),
    ],
)
def test_a_site_camera_that_is_half_described_is_named(fields: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Camera(name="cam", image_width=64, image_height=48, **fields)


def test_a_moving_camera_is_no_fixed_one() -> None:
    moving = Camera(name="glasses", image_width=64, image_height=48)
    with pytest.raises(TwinError, match="does not give rvec and t"):
        fixed_camera(moving)
