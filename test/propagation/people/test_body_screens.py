from dataclasses import replace

import numpy as np
import pytest
from made_up import WAVELENGTH, people, polylines

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.people.body_screens import inside_bodies, shadows

LINK = [(0.0, 0.0, 1.2), (10.0, 0.0, 1.2)]


def field_on(line: list[tuple[float, float, float]], bodies: Bodies) -> np.ndarray:
    """(N,) each body's factor on the one segment."""
    segments = path_segments(polylines(line))
    everyone = np.arange(len(bodies))
    found = shadows(segments, bodies, np.zeros_like(everyone), everyone, WAVELENGTH, "fresnel")
    field = np.ones(len(bodies), complex)
    field[found.body] = found.field
    return field


def exact(
    d1: float,
    d2: float,
    half_width: float,
    ray: float,
    aside: float = 0.0,
    legs: tuple[tuple[float, float], ...] = ((-0.13950, 0.13950),),
) -> complex:
    """Kirchhoff's integral over head, trunk, legs and the mirrored trunk of an adult of 1.75 m,
    summed point by point: a head 0.17 m wide over 0.818 of the height, legs under 0.48 of it."""
    head, shoulders, crotch = 1.75 - ray, 0.818 * 1.75 - ray, 0.48 * 1.75
    trunk = phases(d1, d2, aside - half_width, aside + half_width)
    taken = trunk * phases(d1, d2, crotch - ray, shoulders)
    taken += trunk * phases(d1, d2, -1.75 - ray, -crotch - ray)
    taken += phases(d1, d2, aside - 0.085, aside + 0.085) * phases(d1, d2, shoulders, head)
    for inner, outer in legs:
        leg = phases(d1, d2, aside + inner, aside + outer)
        taken += leg * phases(d1, d2, -crotch - ray, crotch - ray)
    return 1 - 1j * (d1 + d2) / (WAVELENGTH * d1 * d2) * taken


def phases(d1: float, d2: float, start: float, end: float) -> complex:
    """Sum of exp(-j pi x^2 (d1 + d2) / (lambda d1 d2)) dx."""
    x = np.linspace(start, end, 40_001)
    return complex(np.trapezoid(np.exp(-1j * np.pi * x**2 * (d1 + d2) / (WAVELENGTH * d1 * d2)), x))


def test_a_person_on_the_link_is_a_screen_with_head_and_mirrored_feet() -> None:
    found = field_on(LINK, people((4.0, 0.0)))  # heading +x: shoulders across the link
    assert found[0] == pytest.approx(exact(4, 6, 0.225, 1.2), abs=1e-4)
    assert -20 * np.log10(abs(found[0])) > 15


def test_who_walks_across_the_link_shows_the_side() -> None:
    found = field_on(LINK, people((4.0, 0.0), heading=np.pi / 2))
    assert found[0] == pytest.approx(exact(4, 6, 0.125, 1.2, legs=((-0.06975, 0.06975),)), abs=1e-4)


def test_a_body_beside_the_link_by_more_than_two_zones_changes_nothing() -> None:
    reach = 0.225 + 2 * np.sqrt(WAVELENGTH * 5 * 5 / 10)
    assert field_on(LINK, people((5.0, reach + 1e-6)))[0] == 1
    assert field_on(LINK, people((5.0, reach - 0.1)))[0] != 1


def test_within_the_first_zone_the_field_is_the_models_own() -> None:
    aside = 0.225 + 0.99 * np.sqrt(WAVELENGTH * 5 * 5 / 10)
    found = field_on(LINK, people((5.0, aside)))
    assert found[0] == pytest.approx(exact(5, 5, 0.225, 1.2, aside), abs=1e-4)


def test_past_the_neck_a_ray_is_shadowed_less_than_by_a_board() -> None:
    high = [(0.0, 0.0, 1.6), (4.0, 0.0, 1.6)]
    beside_the_head = field_on(high, people((2.0, 0.2)))[0]
    assert beside_the_head == pytest.approx(exact(2, 2, 0.225, 1.6, 0.2), abs=1e-4)
    assert abs(beside_the_head) > 0.5 > 2.5 * abs(field_on(high, people((2.0, 0.0)))[0])


def test_a_low_ray_meets_two_legs_of_who_walks_across_and_passes_between() -> None:
    low = [(0.0, 0.0, 0.4), (2.0, 0.0, 0.4)]
    standing = people((1.0, 0.0), heading=np.pi / 2)
    walking = replace(standing, velocity=np.array([[0.0, 1.3, 0.0]]))
    legs = ((-0.17975, -0.04025), (0.04025, 0.17975))  # 0.22 m apart, 0.1395 m wide
    assert field_on(low, standing)[0] == pytest.approx(
        exact(1, 1, 0.125, 0.4, legs=((-0.06975, 0.06975),)), abs=1e-4
    )
    between = field_on(low, walking)[0]
    assert between == pytest.approx(exact(1, 1, 0.125, 0.4, legs=legs), abs=1e-4)
    assert abs(between) > 0.5 > abs(field_on(low, people((1.0, 0.0)))[0])


def test_a_walk_across_has_no_steps() -> None:
    offset = np.arange(-1.0, 1.0, 0.002)
    field = field_on(LINK, people(*[(5.0, y) for y in offset]))
    assert np.abs(np.diff(field)).max() < 0.05
    assert field[0] == 1 and field[-1] == 1


def test_a_ray_over_the_head_is_free() -> None:
    high = [(0.0, 0.0, 3.0), (10.0, 0.0, 3.0)]
    assert field_on(high, people((5.0, 0.0)))[0] == 1


def test_a_slanted_ray_is_cut_only_where_it_is_low() -> None:
    slanted = [(0.0, 0.0, 4.0), (10.0, 0.0, 1.0)]
    near_ap, near_robot = field_on(slanted, people((2.0, 0.0), (9.0, 0.0)))
    assert near_ap == 1
    assert abs(near_robot) < 0.3


def test_behind_the_antenna_is_no_blockage() -> None:
    assert field_on(LINK, people((-0.5, 0.0), (10.5, 0.0))).tolist() == [1, 1]


def test_a_vertical_ray_goes_through_who_stands_on_it() -> None:
    lift = [(3.0, 3.0, 2.5), (3.0, 3.0, 0.1)]
    under, beside = field_on(lift, people((3.0, 3.0), (4.5, 3.0)))
    assert abs(under) < 0.5
    assert beside == 1


def test_an_end_inside_a_body_is_seen_and_finite() -> None:
    bodies = people((0.05, 0.0), (5.0, 5.0))
    ends = np.array([[0.0, 0.0, 1.2], [10.0, 0.0, 1.2], [0.05, 0.0, 1.8]])
    assert inside_bodies(ends, bodies).tolist() == [[True, False], [False, False], [False, False]]
    assert np.isfinite(field_on(LINK, bodies)).all()
    assert abs(field_on(LINK, bodies)[0]) < 0.3


def test_a_body_stands_as_far_from_a_mirror_image_as_the_unfolded_path_says() -> None:
    wall = [(0.0, 0.0, 1.2), (10.0, 0.0, 1.2), (10.0, 4.0, 1.2)]
    found = field_on(wall, people((4.0, 0.0)))
    assert found[0] == pytest.approx(exact(4, 10, 0.225, 1.2), abs=1e-4)
