"""Ellipses and trails of tracks, and their boxes on images."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.perception.measurements.body_boxes import bodies_on_image
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.viewing.tracks import Trails, covariance_ellipses

SECOND = 1_000_000_000


def test_an_ellipse_lies_where_the_covariance_says() -> None:
    covariance = np.array([[[0.25, 0.1], [0.1, 0.09]]])
    place = np.array([[3.0, -2.0]])
    (ellipse,) = covariance_ellipses(place, covariance)
    off = ellipse[:, :2] - place
    distance = np.einsum("ki,ij,kj->k", off, np.linalg.inv(covariance[0]), off)
    np.testing.assert_allclose(distance, 4.0)
    np.testing.assert_allclose(ellipse[0], ellipse[-1])


def test_a_broken_covariance_draws_a_point() -> None:
    (ellipse,) = covariance_ellipses(np.zeros((1, 2)), np.full((1, 2, 2), np.nan))
    assert np.isfinite(ellipse).all() and np.ptp(ellipse, axis=0).max() == 0


def test_a_trail_holds_the_last_seconds_and_ends_at_the_person() -> None:
    trails = Trails()
    for k in range(100):
        (trail,) = trails.updated(k * SECOND // 10, ["1"], np.array([[0.1 * k, 0.0]]))
    np.testing.assert_allclose(trail[-1, :2], [9.9, 0.0])
    assert 3.8 <= trail[0, 0] <= 4.0


def test_trails_of_those_who_left_are_forgotten_and_time_may_jump() -> None:
    trails = Trails()
    for k in range(300):
        trails.updated(k * SECOND, [str(k)], np.zeros((1, 2)))
    assert len(trails) <= 7
    (trail,) = trails.updated(0, ["299"], np.array([[5.0, 5.0]]))
    np.testing.assert_allclose(trail[:, :2], 5.0)


def test_standing_still_grows_no_trail() -> None:
    trails = Trails()
    for k in range(100):
        (trail,) = trails.updated(k * SECOND // 100, ["1"], np.zeros((1, 2)))
    assert len(trail) == 2


def test_bodies_show_where_the_camera_sees_them_and_nowhere_else() -> None:
    camera = fixed_camera(load_site("pets_campus").camera())
    centre = camera.ground_points(np.array([[384.0, 300.0]]))[0][0]
    behind = camera.center[:2] - 3 * (centre - camera.center[:2])
    corners, shown = bodies_on_image(camera, np.array([centre, behind]), np.full(2, 1.7))
    assert shown.tolist() == [True, False]
    left, top, right, bottom = corners[0]
    assert left < 384 < right and top < bottom and abs(bottom - 300) < 1
