"""What a box takes from a path, against the method of moments and flat screens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up import WAVELENGTH, boxes, polylines
from rectangle_moments import field_round_rectangle

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.people.box_diffraction import BoxShadows, box_shadows
from visrftwin_ros.propagation.people.screen_diffraction import Screens, fresnel_field, loss_db

TALL = 60.0
"""Metres: higher than any first zone here, so that a box is a cylinder."""


def shadow(
    line: list[tuple[float, float, float]], bodies: Bodies, wavelength=WAVELENGTH
) -> BoxShadows:
    segments = path_segments(polylines(line))
    pairs = [(s, b) for s in range(len(segments)) for b in range(len(bodies))]
    return box_shadows(segments, bodies, *np.array(pairs, int).T, wavelength)


def loss(line: list[tuple[float, float, float]], bodies: Bodies, wavelength=WAVELENGTH) -> float:
    """dB over all boxes and segments."""
    return float(
        loss_db(np.prod(shadow(line, bodies, wavelength).field, initial=1.0, keepdims=True))[0]
    )


def cases() -> list[tuple[np.ndarray, float, np.ndarray, np.ndarray]]:
    """Size along and across, heading of the ray, source and receiver in the box's axes; metres."""
    rng = np.random.default_rng(2)
    made = []
    for _ in range(20):
        across, along = rng.uniform(0.3, 1.2, 2)
        heading = rng.uniform(0, 2 * np.pi)
        before, after = rng.uniform(1.5, 5, 2)
        off = rng.uniform(-0.5, 0.5) * across
        ray = np.array([np.cos(heading), np.sin(heading)])
        aside = off * np.array([-ray[1], ray[0]])
        made.append((np.array([along, across]), heading, aside - before * ray, aside + after * ray))
    return made


def test_a_metal_cylinder_takes_between_what_moments_say_of_the_two_polarisations() -> None:
    wavelength = 0.05
    rows = []
    for size, _, source, receiver in cases():
        body = boxes((0.0, 0.0), depth=size[0], width=size[1], height=TALL, underside=-TALL / 2)
        line = [(*source, 0.0), (*receiver, 0.0)]
        moments = [
            float(
                loss_db(
                    field_round_rectangle(source, receiver[None], size, wavelength, polarisation)
                )[0]
            )
            for polarisation in ("along", "across")
        ]
        rows.append((loss(line, body, wavelength), *moments))
    found, along, across = np.array(rows).T
    assert (found < along + 0.5).all()
    assert (found > across - 0.5).all()
    # The field along the edges is 2.8 dB weaker than behind knife edges, that across 3.0 stronger.
    assert np.median(along - found) == pytest.approx(2.8, abs=0.4)
    assert np.median(found - across) == pytest.approx(3.0, abs=0.3)
    assert np.median(np.abs(found - (along + across) / 2)) < 0.6
    assert np.abs(found - (along + across) / 2).max() < 4.5


@pytest.mark.parametrize("polarisation", ["along", "across"])
def test_moments_leave_no_field_inside_the_cylinder(polarisation) -> None:
    inside = np.array([[0.0, 0.0], [0.2, 0.1], [-0.25, -0.1]])
    source = np.array([-2.0, 0.3])
    found = field_round_rectangle(source, inside, np.array([0.7, 0.5]), 0.05, polarisation, 20.0)
    # The receivers inside tell how well the sides are met.
    assert np.abs(found).max() < 0.02


@pytest.mark.long
def test_moments_know_a_wall_that_mirrors() -> None:
    # A wide plate at a source's back: its image adds or subtracts at the receiver.
    source, receiver, wavelength = np.array([-1.0, 0.3]), np.array([-1.4, -0.2]), 0.05
    size = np.array([0.1, 4.0])
    image = np.array([-0.1 - source[0], source[1]])
    direct, mirrored = (np.hypot(*(receiver - place)) for place in (source, image))
    bounce = np.sqrt(direct / mirrored) * np.exp(-2j * np.pi * (mirrored - direct) / wavelength)
    for polarisation, sign in (("along", -1), ("across", 1)):
        found = field_round_rectangle(source, receiver[None], size, wavelength, polarisation, 16.0)
        assert abs(found[0] - (1 + sign * bounce)) < 0.08


def test_a_thin_box_is_a_flat_screen() -> None:
    thin = boxes((5.0, 0.1), depth=1e-3, width=0.5, height=1.5)
    found = shadow([(0, 0, 1), (10, 0, 1)], thin)
    screen = Screens(*(np.array([edge]) for edge in (5.0, 5.0, -0.15, 0.35, -2.5, 0.5)))
    assert abs(found.field[0] - fresnel_field(screen, WAVELENGTH)[0]) < 0.01
    sides = ("d1", "d2", "left", "right", "bottom", "top")
    edges = [getattr(found.outline, name) for name in sides]
    np.testing.assert_allclose(np.ravel(edges), [5, 5, -0.15, 0.35, -2.5, 0.5], atol=1e-9)


def test_a_box_that_is_deep_along_the_ray_shadows_more_than_a_thin_one() -> None:
    line = [(0, 0, 1), (10, 0, 1)]
    losses = [
        loss(line, boxes((5.0, 0.0), depth=d, width=0.6, height=9.0)) for d in (0.01, 0.3, 1.0, 3.0)
    ]
    assert (np.diff(losses) > 1).all()


def test_the_field_is_steady_as_a_box_turns_and_passes() -> None:
    line = [(0, 0, 1), (10, 0, 1)]
    sides = np.arange(-1.5, 1.5, 0.002)
    for heading in (0.0, 0.4, np.pi / 2):
        path = polylines(line)
        segments = path_segments(path)
        bodies = boxes(
            *[(5.0, y) for y in sides], depth=1.2, width=0.7, height=1.6, heading=heading
        )
        field = np.ones(len(sides), complex)
        found = box_shadows(
            segments, bodies, np.zeros(len(sides), int), np.arange(len(sides)), WAVELENGTH
        )
        field[found.row] = found.field
        assert np.abs(np.diff(field)).max() < 0.08
        assert loss_db(field).max() > 20
        np.testing.assert_array_equal(field[[0, -1]], 1.0)


def test_the_field_under_a_raised_box_comes_back_as_it_is_raised() -> None:
    line = [(0, 0, 0.4), (10, 0, 0.4)]
    losses = [
        loss(line, boxes((5.0, 0.0), depth=0.6, width=3.0, height=1.0, underside=u))
        for u in (0, 0.2, 0.5, 0.8)
    ]
    assert losses[0] > 25
    assert losses[0] > losses[1] > losses[2]
    assert abs(losses[3]) < 0.5


def test_a_box_on_the_floor_and_one_a_hair_above_it_are_the_same() -> None:
    line = [(0, 0, 1), (10, 0, 1.4)]
    found = [shadow(line, boxes((5.0, 0.3), underside=u)).field[0] for u in (0.0, 1e-6)]
    assert abs(found[0] - found[1]) < 1e-4


def test_a_ray_straight_down_is_cut_by_a_raised_box_and_not_beside_it() -> None:
    lid = boxes((0.0, 0.0), depth=0.8, width=0.5, height=0.1, underside=1.0)
    assert loss([(0, 0, 3), (0, 0, 0.2)], lid) > 20
    assert loss([(0.6, 0, 3), (0.6, 0, 0.2)], lid) == pytest.approx(0, abs=0.1)
    assert loss([(0, 0, 3), (0, 0, 1.4)], lid) == pytest.approx(0, abs=0.1)


def test_an_antenna_above_a_box_loses_only_what_goes_down_over_its_edge() -> None:
    own = boxes((4.0, 0.0), depth=0.8, width=0.5, height=0.3, underside=0.05)
    assert loss([(0, 0, 3), (4, 0, 0.6)], own) == pytest.approx(0, abs=0.1)
    assert loss([(0, 0, 0.6), (4, 0, 0.6)], own) == pytest.approx(0, abs=0.5)
    grazing = loss([(2.0, 0, 0.05), (4, 0, 0.41)], own)  # 0.012 m below the front edge
    assert 6 < grazing < 12
    assert loss([(2.0, 0, 0.05), (4, 0, 0.37)], own) > grazing


def test_a_box_beyond_the_ends_or_far_aside_is_no_pair() -> None:
    line = [(0, 0, 1), (10, 0, 1)]
    for place in ((14.0, 0.0), (-4.0, 0.0), (5.0, 3.0)):
        assert len(shadow(line, boxes(place)).row) == 0


def test_a_body_turned_about_has_the_same_shadow() -> None:
    line = [(0, 0, 1), (10, 0.5, 2)]
    one = boxes((5.0, 0.3), heading=0.7)
    other = replace(one, heading=one.heading + np.pi)
    np.testing.assert_allclose(shadow(line, one).field, shadow(line, other).field, rtol=1e-9)
