"""Thick people across paths: what they consist of, against numpy's cylinders, and what must hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import WAVELENGTH, people, polylines

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import skin_permittivity
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.people.body_screens import Shadows, shadows
from visrftwin_ros.propagation.people.cylinder_diffraction import (
    Cylinders,
    behind_height,
    cylinder_field,
)
from visrftwin_ros.propagation.people.screen_diffraction import Screens

Line = list[tuple[float, float, float]]
LINK: Line = [(0.0, 0.0, 1.2), (6.0, 0.0, 1.2)]


def behind(line: Line, bodies: Bodies) -> Shadows:
    everyone = np.arange(len(bodies))
    segments = path_segments(polylines(line))
    return shadows(segments, bodies, np.zeros_like(everyone), everyone, WAVELENGTH, "thick")


def field_on(line: Line, bodies: Bodies) -> np.ndarray:
    """(N,) each body's factor on the one segment."""
    found = behind(line, bodies)
    field = np.ones(len(bodies), complex)
    field[found.body] = found.field
    return field


def across(
    d1: float, d2: float, half_axes: tuple[float, float], aside: float = 0.0,
    heading: float = 0.0, flatness: float = 1.0,
) -> complex:  # fmt: skip
    """E/E0 behind an endless cylinder of skin, by numpy; of a slanted ray the section's share."""
    ends = [np.array([[x * flatness, -aside]], float) for x in (-d1, d2)]
    body = Cylinders(*ends, np.array([half_axes]), np.array([heading]))
    permittivity = skin_permittivity(WAVELENGTH)
    return cylinder_field(body, WAVELENGTH / flatness, "vertical", permittivity)[0]


def standing(
    d1: float, d2: float, ray: float, parts: dict[str, complex], tilt: float = 0.0,
    flatness: float = 1.0,
) -> complex:  # fmt: skip
    """E/E0 behind an adult of 1.75 m whose head, trunk and legs leave `parts` across: a head over
    0.818 of the height, legs under 0.48 of it, trunk and legs mirrored by the ground."""
    head, shoulders = ((h * 1.75 - ray) * flatness + tilt for h in (1.0, 0.818))
    crotch = 0.48 * 1.75 * flatness - tilt
    feet, mirrored = -ray * flatness, (-1.75 - ray) * flatness - tilt
    pieces = [("head", shoulders, head), ("trunk", feet + crotch, shoulders),
              ("legs", feet - crotch, feet + crotch), ("trunk", mirrored, feet - crotch)]  # fmt: skip
    taken = 0j
    for part, low, high in pieces:
        edges = Screens(*(np.array([v], float) for v in (d1, d2, 0.0, 0.0, low, high)))
        taken += 1 - behind_height(np.array([parts[part]]), edges, WAVELENGTH)[0]
    return 1 - taken


@pytest.mark.parametrize("ray", [0.4, 1.0, 1.2, 1.6])
@pytest.mark.parametrize("aside", [0.0, 0.06, 0.15, 0.25])
def test_who_walks_across_is_head_trunk_and_a_leg_of_numpys(ray, aside) -> None:
    """Standing still and seen from the side, so that one leg hides the other."""
    line = [(0.0, 0.0, ray), (5.0, 0.0, ray)]
    found = behind(line, people((2.0, aside), heading=np.pi / 2))
    parts = {
        "head": across(2, 3, (0.085, 0.085), aside),
        "trunk": across(2, 3, (0.225, 0.125), aside),
        "legs": across(2, 3, (0.06975, 0.06975), aside),
    }
    expected = 1 - found.outline.nearness[0] * (1 - standing(2, 3, ray, parts))
    assert found.field[0] == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("heading", [0.3, 1.1, -2.0])
def test_the_trunk_stands_at_its_heading(heading) -> None:
    """A ray at 1.4 m through a giant: hardly anything but the trunk is near it."""
    tall = people((2.0, 0.1), heading=heading, height=8.0)
    field = field_on([(0.0, 0.0, 3.9), (5.0, 0.0, 3.9)], tall)
    trunk = across(2, 3, (0.125, 0.225), 0.1, heading)
    assert abs(field[0] - trunk) < 0.1 * abs(1 - trunk)


def test_a_slanted_ray_meets_the_section_with_its_horizontal_part() -> None:
    """Down from 3 m to 0.9 m over 4 m of ground, 1.95 m high at the body, over the shoulders."""
    line = [(0.0, 0.0, 2.2), (4.0, 0.0, 0.6)]
    found = behind(line, people((2.0, 0.0), heading=np.pi / 2))
    length = np.hypot(4.0, 1.6)
    flatness, tilt = 4.0 / length, 0.225 * 1.6 / length
    half = length / 2
    parts = {
        "head": across(half, half, (0.085, 0.085), flatness=flatness),
        "trunk": across(half, half, (0.225, 0.125), flatness=flatness),
        "legs": across(half, half, (0.06975, 0.06975), flatness=flatness),
    }
    expected = standing(half, half, 1.4, parts, tilt, flatness)
    assert found.field[0] == pytest.approx(expected, abs=5e-4)


def test_between_the_legs_of_who_walks_across_goes_what_two_cylinders_leave() -> None:
    """The gap of 8 cm counts as an aperture without depth: within 0.2 of the incident field."""
    low = [(0.0, 0.0, 0.4), (2.0, 0.0, 0.4)]
    for aside in (0.0, 0.05, 0.11, 0.2):
        walking = people((1.0, aside), heading=np.pi / 2)
        walking = replace(walking, velocity=np.array([[0.0, 1.3, 0.0]]))
        legs = [across(1, 1, (0.06975, 0.06975), aside + side) for side in (-0.11, 0.11)]
        parts = {
            "head": across(1, 1, (0.085, 0.085), aside),
            "trunk": across(1, 1, (0.225, 0.125), aside),
            "legs": sum(legs) - 1,
        }
        assert abs(field_on(low, walking)[0] - standing(1, 1, 0.4, parts)) < 0.2


def test_an_adult_on_a_link_is_as_deep_as_thick_bodies_are() -> None:
    """The method of moments has 28.4 dB behind 0.45 m across and 0.25 m along, 2 m from both ends,
    where a strip has 20.0; heights over head and shoulders change that by a few decibels."""
    tall = people((2.0, 0.0), height=8.0)
    loss = -20 * np.log10(abs(field_on([(0.0, 0.0, 3.9), (4.0, 0.0, 3.9)], tall)[0]))
    assert loss == pytest.approx(28.4, abs=2.5)


@pytest.mark.parametrize("heading", [0.0, 0.7, np.pi / 2])
def test_a_crossing_walk_is_continuous(heading) -> None:
    """2 mm a step, 0.1 mm through the tangent rays."""
    for step, low, high in ((0.002, -1.0, 1.0), (0.0001, 0.1, 0.25)):
        places = np.arange(low, high, step)
        walk = people(*[(2.5, y) for y in places], heading=heading)
        walk = replace(
            walk, velocity=np.tile([np.cos(heading), np.sin(heading), 0.0], (len(walk), 1))
        )
        for line in (LINK, [(0.0, 0.0, 0.3), (6.0, 0.0, 0.4)], [(0.0, 0.0, 3.0), (6.0, 0.0, 0.5)]):
            field = field_on(line, walk)
            assert np.abs(np.diff(field)).max() < 40 * step


def test_turning_on_the_spot_is_continuous() -> None:
    """Also where a walker's legs part."""
    turn = np.linspace(-np.pi, np.pi, 6000)
    bodies = people(*[(3.0, 0.07)] * len(turn))
    walking = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    bodies = replace(bodies, heading=turn, velocity=walking)
    for line in (LINK, [(0.0, 0.0, 0.3), (6.0, 0.0, 0.4)]):
        assert np.abs(np.diff(field_on(line, bodies))).max() < 0.01


def test_a_body_off_the_path_changes_nothing() -> None:
    reach = 0.225 + 2 * np.sqrt(WAVELENGTH * 3 * 3 / 6)
    off = behind(LINK, people((3.0, reach + 1e-6), (-0.5, 0.0), (6.5, 0.0), (3.0, -4.0)))
    assert len(off.body) == 0
    assert len(behind([(0.0, 0.0, 3.0), (6.0, 0.0, 3.0)], people((3.0, 0.0))).body) == 0


coordinate = st.floats(-3, 3)


@settings(max_examples=60, deadline=None)
@given(place=st.tuples(coordinate, st.floats(-0.5, 0.5)), heading=st.floats(-4, 4),
       turn=st.floats(-4, 4), shift=st.tuples(coordinate, coordinate),
       low=st.floats(0.2, 1.7), high=st.floats(0.2, 3.0))  # fmt: skip
def test_turned_moved_mirrored_or_the_other_way_it_is_the_same(
    place, heading, turn, shift, low, high
) -> None:
    c, s = np.cos(turn), np.sin(turn)

    def moved(x: float, y: float) -> tuple[float, float]:
        return c * x - s * y + shift[0], s * x + c * y + shift[1]

    line: Line = [(-3.5, 0.0, high), (3.5, 0.0, low)]
    body = people(place, heading=heading)
    here = field_on(line, body)
    there = [(*moved(x, y), z) for x, y, z in line]
    assert field_on(there, people(moved(*place), heading=heading + turn)) == pytest.approx(
        here, abs=1e-6
    )
    beside = people((place[0], -place[1]), heading=-heading)
    assert field_on(line, beside) == pytest.approx(here, abs=1e-6)
    assert field_on(line[::-1], body) == pytest.approx(here, abs=1e-6)


def near(middle: float) -> st.SearchStrategy[float]:
    return st.one_of(st.just(middle), st.floats(middle - 1e-6, middle + 1e-6), st.floats(-2, 2))


@settings(max_examples=60, deadline=None)
@given(
    place=st.tuples(near(0.125), near(0.225)),
    heading=near(np.pi / 2),
    sizes=st.tuples(*[st.sampled_from([1e-6, 1e-3, 0.05, 0.25, 0.45, 3.0, 10.0])] * 3),
    ends=st.tuples(near(0.0), near(0.0), near(1.75), near(0.125), near(0.0), near(0.0)),
    frequency=st.sampled_from([0.4e9, 6e9, 60.48e9, 300e9]),
)
def test_whatever_stands_anywhere_has_a_finite_field(
    place, heading, sizes, ends, frequency
) -> None:
    """Grazing and tangent rays, ends inside bodies or on them, steep rays, tiny and huge bodies."""
    width, depth, height = sizes
    body = people(place, heading=heading, width=width, depth=depth, height=height)
    body = replace(body, velocity=np.array([[1.0, 0.2, 0.0]]))
    segments = path_segments(polylines([ends[:3], ends[3:]]))
    first = np.zeros(len(segments), np.intp)
    found = shadows(segments, body, first, first, 299_792_458 / frequency, "thick")
    assert np.isfinite(found.field).all()
    assert (np.abs(found.field) < 4).all()


def test_an_end_inside_a_body_is_deep_in_the_shadow() -> None:
    assert abs(field_on(LINK, people((0.05, 0.0)))[0]) < 0.1
    assert abs(field_on([(3.0, 3.0, 2.5), (3.0, 3.0, 0.1)], people((3.0, 3.0)))[0]) < 0.5


def test_outlines_come_with_the_field() -> None:
    found = behind(LINK, people((2.0, 0.1), heading=0.0))
    outline = found.outline
    expected = (2.0, 4.0, 0.1 - 0.225, 0.1 + 0.225, -1.75 - 1.2, 1.75 - 1.2, 0.125)
    edges = (outline.d1, outline.d2, outline.left, outline.right, outline.bottom, outline.top)
    assert [part[0] for part in (*edges, outline.half_depth)] == pytest.approx(expected)


@given(
    aside=st.floats(-1.0, 1.0),
    along=st.floats(1.5, 4.5),
    heading=st.floats(-3.1, 3.1),
    speed=st.floats(0.0, 1.5),
    ends=st.tuples(st.floats(0.8, 2.5), st.floats(0.8, 2.5)),
)
@settings(max_examples=60, deadline=None)
def test_flat_parts_of_weak_paths_are_screens_with_exact_detours(
    aside: float, along: float, heading: float, speed: float, ends: tuple[float, float]
) -> None:
    """By numpy; the `fresnel` model has the same edges, in Fresnel's own approximation."""
    body = replace(
        people((along, aside)),
        heading=np.array([heading]),
        velocity=np.array([[speed * np.cos(heading), speed * np.sin(heading), 0.0]]),
    )
    segments = path_segments(polylines([(0.0, 0.0, ends[0]), (6.0, 0.0, ends[1])]))
    one = np.zeros(1, np.intp)
    flat = shadows(segments, body, one, one, WAVELENGTH, "thick", flat=True)
    model = shadows(segments, body, one, one, WAVELENGTH, "fresnel")
    assert len(flat.field) == len(model.field)
    np.testing.assert_allclose(flat.field, model.field, atol=0.15)
    if not len(flat.field):
        return

    def to(edge: np.ndarray) -> np.ndarray:
        longer = sum(np.hypot(d, edge) - d for d in (flat.outline.d1, flat.outline.d2))
        return phasor_integrals(np.sign(edge) * np.sqrt(4 * longer / WAVELENGTH))

    o = flat.outline
    axis, head = (o.left + o.right) / 2, min(0.17, body.depth[0], body.width[0]) / 2
    leg = 0.31 * body.width / 2
    trunk, heads = to(o.right) - to(o.left), to(axis + head) - to(axis - head)
    legs = to(axis + o.half_apart + leg) - to(axis - o.half_apart - leg)
    inner = np.maximum(o.half_apart - leg, 0.0)
    legs = legs - (to(axis + inner) - to(axis - inner))
    low, high = to(o.ground - o.crotch), to(o.ground + o.crotch)
    taken = trunk * (low - to(o.bottom) + to(o.shoulders) - high)
    taken = taken + heads * (to(o.top) - to(o.shoulders)) + legs * (high - low)
    np.testing.assert_allclose(flat.field, 1 - o.nearness * 0.5j * taken, atol=1e-4)
