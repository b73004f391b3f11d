"""What a plane sweep and semi-global matching find, against places that are known and sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from painted_room import FACE, ROOM, all_pixels, meets, picture, pinhole, shade, taken

from visrftwin_ros.cameras.camera_models import FisheyeCamera, PanoramaCamera
from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.stereo.picture_depth import compared_with, points_of_pictures
from visrftwin_ros.vision.stereo.pinhole_views import OUTSIDE, PinholeView, pinhole_views
from visrftwin_ros.vision.stereo.plane_sweep import inverse_depths, sweep_costs
from visrftwin_ros.vision.stereo.semi_global import aggregated


def off(points: np.ndarray) -> np.ndarray:
    """m from the room's nearest wall."""
    return np.abs(points[:, None] - ROOM).min(axis=(1, 2))


def rays(view: PinholeView) -> np.ndarray:
    """In the world, of each pixel."""
    pixels = all_pixels(*view.grey.shape[::-1])
    return view.points(pixels, np.ones(len(pixels))) - view.center


@pytest.mark.parametrize("bent", [None, np.array([-0.12, 0.03, 0.001, -0.001])])
def test_a_painted_room_is_found_to_two_centimetres(bent: np.ndarray | None) -> None:
    told: list[tuple[int, int]] = []
    seen = points_of_pictures(taken(bent=bent), lambda *done: told.append(done))
    points = np.concatenate([points for points, _ in seen])
    wrong = off(points)
    assert told[-1] == (8, 8)
    assert len(points) > 0.3 * 8 * 200 * 150
    assert np.median(wrong) < 0.02
    assert (wrong < 0.07).mean() > 0.9
    assert {tuple(np.round(place, 6)) for _, place in seen} == {
        tuple(np.round(p.camera.center, 6)) for p in taken(bent=bent)
    }


def test_pictures_from_one_place_give_no_depth() -> None:
    place = np.array([-1.0, 0.0, 1.2])
    same = [picture(c, all_pixels(*c.size)) for c in (pinhole(place, 0.1 * k) for k in range(5))]
    with pytest.raises(
        TwinError, match=r"no place is in 5 of 5 views .* are their poses in metres"
    ):
        points_of_pictures(same, lambda *_: None)


def test_a_view_is_compared_with_what_shows_the_same_from_another_side() -> None:
    views = [view for one in taken() for view in pinhole_views(one, 200)]
    behind = pinhole(np.array([-1.0, 0.0, 1.2]), np.pi)
    views.append(next(pinhole_views(picture(behind, all_pixels(200, 150)), 200)))
    chosen = compared_with(0, views)
    assert 8 not in chosen
    assert 0 not in chosen
    assert len(chosen) == 6
    assert compared_with(8, views) == ()


def test_costs_are_least_at_the_true_depth_and_follow_the_projection() -> None:
    one, two, three = (next(pinhole_views(p, 200)) for p in taken(3))
    inverse = inverse_depths(1.0, 8.0, 57)
    costs = sweep_costs(one, [two, three], inverse)
    points, axis, _ = meets(one.center, rays(one))
    depth = ((points - one.center) @ one.rotation[2]).reshape(one.grey.shape)
    wall = (axis == 0).reshape(one.grey.shape)
    wall[:10], wall[-10:], wall[:, :20], wall[:, -20:] = False, False, False, False
    found = inverse[costs[wall].argmin(axis=-1)]
    assert np.median(np.abs(found - 1 / depth[wall])) <= (inverse[0] - inverse[1]) / 2
    assert (costs[wall].min(axis=-1) < 0.2).mean() > 0.9


def test_costs_are_summed_along_eight_lines() -> None:
    """Against the recursion written out in floating point (Hirschmueller 2008, eq. 13), pixel by pixel."""
    rng = np.random.default_rng(4)
    costs = rng.random((5, 6, 7)).astype(np.float32)
    grey = rng.uniform(0, 40, (5, 6)).astype(np.float32)
    step, jump, edge = 0.05, 0.4, 6.0
    total = np.zeros(costs.shape)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if (dy, dx) == (0, 0):
                continue
            known: dict[tuple[int, int], np.ndarray] = {}

            def line(y: int, x: int, dy: int = dy, dx: int = dx, known: dict = known) -> np.ndarray:  # type: ignore[type-arg]
                if (y, x) not in known:
                    own = costs[y, x].astype(float)
                    py, px = y - dy, x - dx
                    if 0 <= py < 5 and 0 <= px < 6:
                        before = line(py, px, dy, dx, known)
                        most = max(jump / (1 + abs(grey[y, x] - grey[py, px]) / edge), 1.5 * step)
                        ways = [
                            min(
                                [before[d], before.min() + most]
                                + [before[e] + step for e in (d - 1, d + 1) if 0 <= e < 7]
                            )
                            for d in range(7)
                        ]
                        own = own + np.array(ways) - before.min()
                    known[y, x] = own
                return known[y, x]

            for y in range(5):
                for x in range(6):
                    total[y, x] += line(y, x)
    got = aggregated(costs, grey, np.float32(step), np.float32(jump), np.float32(edge))
    np.testing.assert_allclose(got, total / 8, atol=1e-5)


def drawn_where_it_should_be(view: PinholeView) -> float:
    """Grey, mean difference to what is really there."""
    there = view.grey.ravel() >= 0
    return float(np.abs(shade(view.center, rays(view)) - view.grey.ravel())[there].mean())


def test_a_panorama_is_four_pinholes_round_the_horizon() -> None:
    turn = FACE
    place = np.array([0.0, 0.3, 1.3])
    camera = PanoramaCamera("round", (1024, 512), turn, -turn @ place)
    faces = list(pinhole_views(picture(camera, all_pixels(1024, 512)), 256))
    assert len(faces) == 4
    looks = np.array([face.rotation[2] for face in faces])
    right_angles = [[1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1]]
    np.testing.assert_allclose(looks @ looks.T, right_angles, atol=1e-9)
    for face in faces:
        np.testing.assert_allclose(face.center, place, atol=1e-9)
        assert drawn_where_it_should_be(face) < 6


def test_the_middle_of_a_fisheye_picture_is_a_pinhole() -> None:
    turn, place = FACE, np.array([0.0, 0.3, 1.3])
    matrix = np.array([[150.0, 0, 255.5], [0, 150.0, 255.5], [0, 0, 1]])
    camera = FisheyeCamera("wide", (512, 512), matrix, turn, -turn @ place, np.zeros(4))
    (view,) = pinhole_views(picture(camera, all_pixels(512, 512)), 200)
    assert drawn_where_it_should_be(view) < 9


def test_what_a_bent_lens_does_not_show_is_outside() -> None:
    camera = pinhole(np.array([-1.0, 0.0, 1.2]), 0.0, np.array([0.3, 0.0, 0.0, 0.0]))
    view = next(pinhole_views(picture(camera, all_pixels(*camera.size)), 200))
    assert (view.grey[[0, 0, -1, -1], [0, -1, 0, -1]] == OUTSIDE).all()
    assert (view.grey[40:-40, 40:-40] >= 0).all()


def test_beyond_its_range_a_lens_polynomial_shows_nothing() -> None:
    """With k1 = -0.5 the radius in the image falls again from 0.82 focal lengths on; corners are at 1.04."""
    camera = pinhole(np.array([-1.0, 0.0, 1.2]), 0.0, np.array([-0.5, 0.0, 0.0, 0.0]))
    straight = picture(pinhole(np.array([-1.0, 0.0, 1.2]), 0.0), all_pixels(*camera.size))
    view = next(pinhole_views(PosedPicture("bent", camera, straight.bgr), 200))
    v, u = np.mgrid[:150, :200]
    radius = np.hypot(u - 99.5, v - 74.5) / 120
    assert (view.grey[radius > 0.85] == OUTSIDE).all()
    assert (view.grey[radius < 0.6] >= 0).all()
