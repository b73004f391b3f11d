"""The referees of several bodies on one path, against printed figures, theory and each other."""

from __future__ import annotations

import numpy as np
import pytest
from body_pairs import body_pairs
from cylinder_cases import WAVELENGTH, loss_db
from ellipse_moments import field_round_ellipse, field_round_ellipses
from exact_cylinder import field_round_cylinder
from strip_pairs import field_behind_strips

from visrftwin_ros.propagation.people.screen_diffraction import fresnel_field, vertical_screen

PERSON = np.array([-0.225, 0.225])
ENDS = np.array([-2.0, 0.03]), np.array([2.0, 0.01])
PAIR = np.array([[-0.2, 0.0], [0.2, 0.05]]), np.array([[0.1, 0.1], [0.12, 0.08]])


@pytest.mark.parametrize(("apart", "both", "product"), [(0.5, 27.3, 36.6), (2.0, 35.2, 37.6)])
def test_two_strips_cost_what_is_printed_for_the_double_integral(apart, both, product) -> None:
    distances = np.array([3.0 - apart / 2, 3.0 + apart / 2])
    strips = np.stack([PERSON, PERSON])
    alone = [field_behind_strips(6.0, distances[i : i + 1], strips[:1], WAVELENGTH) for i in (0, 1)]
    together = field_behind_strips(6.0, distances, strips, WAVELENGTH)
    assert loss_db(together) == pytest.approx(both, abs=0.05)
    assert loss_db(alone[0] * alone[1]) == pytest.approx(product, abs=0.05)


def test_each_strip_alone_is_the_fresnel_integral() -> None:
    for distance, offset in ((2.0, 0.0), (4.0, 0.1)):
        screen = vertical_screen(distance, 6.0 - distance, 0.45, np.inf, offset, None)
        found = field_behind_strips(6.0, np.array([distance]), PERSON[None] + offset, WAVELENGTH)
        assert found == pytest.approx(complex(fresnel_field(screen, WAVELENGTH)[0]), abs=1e-9)


def test_a_strip_before_a_much_wider_one_hardly_adds() -> None:
    distances, strips = np.array([2.9, 3.1]), np.array([PERSON, [-1.0, 1.0]])
    alone = field_behind_strips(6.0, distances[1:], strips[1:], WAVELENGTH, 2000)
    together = field_behind_strips(6.0, distances, strips, WAVELENGTH, 2000)
    assert loss_db(together) == pytest.approx(loss_db(alone), abs=3.0)


def test_moments_of_one_among_several_are_the_series_and_the_ellipse() -> None:
    circle, ellipse = np.array([[0.1, 0.1]]), np.array([[0.12, 0.07]])
    at = np.zeros((1, 2))
    exact = field_round_cylinder(*ENDS, 0.1, WAVELENGTH, along_axis=True)
    assert field_round_ellipses(*ENDS, at, circle, WAVELENGTH) == pytest.approx(exact, abs=1e-8)
    alone = field_round_ellipse(*ENDS, ellipse[0], WAVELENGTH)
    assert field_round_ellipses(*ENDS, at, ellipse, WAVELENGTH) == pytest.approx(alone, abs=1e-8)


@pytest.mark.long
def test_moments_of_two_bodies_have_converged_and_are_reciprocal() -> None:
    few, many = (field_round_ellipses(*ENDS, *PAIR, WAVELENGTH, points) for points in (5.0, 6.5))
    assert few == pytest.approx(many, abs=1e-8)
    assert field_round_ellipses(*ENDS[::-1], *PAIR, WAVELENGTH) == pytest.approx(many, abs=1e-8)


def test_no_field_is_left_on_either_of_two_metal_bodies() -> None:
    """1 mm off them at a wavelength of 5 cm: before the first a standing wave, 2 sin(k d), beside
    the second, in half shadow, a twentieth of what is there without it."""
    before, beside = (
        abs(field_round_ellipses(ENDS[0], np.array(place), *PAIR, 0.05, 60.0))
        for place in ([-0.301, 0.0], [0.2, 0.131])
    )
    assert before == pytest.approx(2 * np.sin(2 * np.pi * 0.001 / 0.05), abs=0.01)
    assert beside < 0.03


def test_the_kept_fields_of_pairs_are_those_of_the_moments() -> None:
    cases = body_pairs()
    for pair in (4, 15, 29):
        assert cases.fields[pair] == pytest.approx(cases.by_moments(pair), abs=1e-6)
