"""A swept room becomes its walls, floor, ceiling and table; who walked through it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scanned_room import NOISE, PLACES, SIZE, TABLE, YAW, person, room_scan, to_room
from scipy.spatial.transform import Rotation

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.place_map import MappedSurface, MapSettings, PlaceMap, map_place
from visrftwin_ros.mapping.planes import Plane, fitted
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.mapping.squaring import squared, upright
from visrftwin_ros.mapping.static_points import standing
from visrftwin_ros.mapping.thinning import Cloud
from visrftwin_ros.scene.surface_samples import surface_samples


def quiet(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def scan() -> Scan:
    return room_scan(3)


@pytest.fixture(scope="module")
def place(scan: Scan) -> PlaceMap:
    return map_place(scan, MapSettings(), quiet)


def of_kind(place: PlaceMap, kind: str) -> list[MappedSurface]:
    return [s for s in place.surfaces if s.kind == kind]


def within(points: np.ndarray, low: np.ndarray, high: np.ndarray, margin: float) -> np.ndarray:
    return np.asarray(((points > low - margin) & (points < high + margin)).all(axis=1))


def test_floor_ceiling_and_four_walls_lie_where_they_are_within_a_centimetre(
    place: PlaceMap,
) -> None:
    (floor,), (ceiling,) = of_kind(place, "floor"), of_kind(place, "ceiling")
    assert np.abs(floor.vertices[:, 2]).max() < 0.01
    assert np.abs(ceiling.vertices[:, 2] - SIZE[2]).max() < 0.01
    sides = set()
    for wall in of_kind(place, "wall"):
        corners = to_room(wall.vertices)
        axis = int(np.argmin(np.ptp(corners[:, :2], axis=0)))
        side = round(float(corners[0, axis] / SIZE[axis]))
        assert np.abs(corners[:, axis] - side * SIZE[axis]).max() < 0.01
        sides.add((axis, side))
    assert sides == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_surfaces_meet_in_the_rooms_edges(place: PlaceMap) -> None:
    (floor,) = of_kind(place, "floor")
    (ceiling,) = of_kind(place, "ceiling")
    assert ceiling.area == pytest.approx(SIZE[0] * SIZE[1], rel=0.05)
    for wall in of_kind(place, "wall"):
        assert wall.vertices[:, 2].min() == pytest.approx(floor.vertices[0, 2], abs=0.005)
        assert np.ptp(wall.vertices[:, 2]) == pytest.approx(SIZE[2], abs=0.02)


def test_walls_are_square_to_each_other_in_a_world_that_is_not(place: PlaceMap) -> None:
    assert place.direction == pytest.approx(YAW, abs=2e-3)
    assert all(wall.snapped for wall in of_kind(place, "wall"))


def test_the_table_is_there(place: PlaceMap) -> None:
    low, high = TABLE
    tops = [
        s
        for s in of_kind(place, "panel")
        if np.abs(s.vertices[:, 2] - high[2]).max() < 0.02
        and within(to_room(s.vertices), low, high, 0.07).all()
    ]
    assert sum(top.area for top in tops) == pytest.approx(np.prod((high - low)[:2]), rel=0.15)


def test_nothing_is_where_only_somebody_walked(place: PlaceMap) -> None:
    samples = to_room(
        np.concatenate([surface_samples(s.vertices, s.faces, 0.05) for s in place.surfaces])
    )
    for sweep in range(len(PLACES)):
        low, high = person(sweep)
        assert not within(samples, low + [0, 0, 0.15], high, 0.0).any()


def test_most_of_a_walker_is_told_from_what_stands(scan: Scan) -> None:
    kept = standing(scan)
    points = to_room(scan.points)
    of_walker = np.zeros(len(scan), bool)
    for sweep in range(len(PLACES)):
        low, high = person(sweep)
        of_walker |= (scan.view == sweep) & within(points, low + [0, 0, 0.1], high, 0.03)
    assert of_walker.sum() > 500
    assert kept[of_walker].mean() < 0.1
    assert kept[~of_walker].mean() > 0.99


def test_a_surface_knows_the_spread_of_its_points(place: PlaceMap) -> None:
    """Cells hold several points or parts of the noise's slice, so that it is not the noise itself."""
    for wall in of_kind(place, "wall"):
        assert 0.3 * NOISE < wall.point_sd < 1.5 * NOISE
        assert wall.sd < 0.5 * NOISE


def flat(normal: np.ndarray, seed: int = 1) -> tuple[Cloud, Plane]:
    """A wall of 4 x 2.5 m across `normal`."""
    rng = np.random.default_rng(seed)
    across = np.cross([0, 0, 1.0], normal)
    up = np.cross(normal, across)
    places = rng.uniform([-2, 0], [2, 2.5], (3000, 2))
    points = places @ np.stack([across / np.linalg.norm(across), up])
    points += rng.normal(0, 0.005, 3000)[:, None] * normal
    cloud = Cloud(points, np.tile(normal, (3000, 1)), True, 0.05)
    return cloud, fitted(cloud, np.arange(3000), normal)


@pytest.mark.parametrize(("degrees", "turned"), [(0.3, True), (2.0, False), (8.0, False)])
def test_only_a_wall_that_is_as_good_as_square_is_made_so(degrees: float, turned: bool) -> None:
    angle = np.deg2rad(degrees)
    cloud, plane = flat(np.array([np.cos(angle), np.sin(angle), 0.0]))
    made = squared(plane, cloud, 0.0)
    assert (abs(made.normal[1]) < 1e-12) == turned
    assert made.sd < plane.sd + 0.01


def test_a_camera_held_askew_still_gives_an_upright_place(scan: Scan) -> None:
    askew = Rotation.from_euler("xyz", [95.0, 12.0, 30.0], degrees=True)
    turned = replace(scan.turned(askew.as_matrix()), up=askew.apply([0.2, -0.1, 1.0]))
    place = map_place(turned, MapSettings(cell=0.08), quiet)
    floor = max(of_kind(place, "floor"), key=lambda s: s.area)
    assert np.ptp(floor.vertices[:, 2]) < 1e-6
    assert place.turn @ askew.apply([0, 0, 1.0]) == pytest.approx([0, 0, 1], abs=3e-3)
    assert abs(place.direction) < 5e-3


def test_without_a_level_surface_nothing_says_what_is_up() -> None:
    _, plane = flat(np.array([1.0, 0.0, 0.0]))
    with pytest.raises(TwinError, match="which way is up"):
        upright([plane], np.array([0.0, 0.0, 1.0]))


def test_views_that_share_no_place_are_refused(scan: Scan) -> None:
    one = scan.where(scan.view == 0)
    assert one.seen_from is not None
    views = [(one.points, one.seen_from[0]), (one.points + 40.0, one.seen_from[0] + 40.0)]
    apart = joined(views, up=None, noise=0.01, source="two rooms", left_out=())
    with pytest.raises(TwinError, match=r"two rooms: 0\.0 % of the place is seen in two views"):
        map_place(apart, MapSettings(), quiet)


def test_one_view_is_refused_and_says_what_was_left_out() -> None:
    views = [(np.zeros((5, 3)), np.zeros(3))]
    with pytest.raises(TwinError, match=r"1 of its views can be used.*left out: sweep 3: late"):
        joined(views, up=None, noise=0.01, source="bag", left_out=["sweep 3: late"])
