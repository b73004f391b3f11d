"""Two knife edges, one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from visrftwin_ros.propagation.people.screen_diffraction import knife_edge_loss_db, loss_db
from visrftwin_ros.propagation.people.two_edges import field_past_edge, field_past_two_edges


def by_plackett(first: float, second: float, correlation: float) -> complex:
    """The same by the derivative to the correlation (Plackett, Biometrika 41, 1954), which starts
    from two edges that know nothing of each other."""

    def slope(angle: float) -> complex:
        square = first**2 + second**2 - 2 * first * second * np.sin(angle)
        return complex(np.exp(-0.5j * np.pi * square / np.cos(angle) ** 2) / (2 * np.pi))

    parts = [
        quad(lambda a, p=part: p(slope(a)), 0, np.arcsin(correlation), limit=2000)[0]
        for part in (np.real, np.imag)
    ]
    apart = np.prod(field_past_edge(np.array([first, second])))
    return complex(apart + parts[0] + 1j * parts[1])


def test_the_double_integral_by_another_way() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.uniform(-4, 4, (2, 60))
    correlation = rng.uniform(0.05, 0.97, 60)
    expected = [by_plackett(*case) for case in zip(first, second, correlation, strict=True)]
    found = field_past_two_edges(first, second, correlation)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.9, 0.999])
def test_two_edges_that_graze_the_ray_leave_what_is_known_in_closed_form(correlation) -> None:
    # 1/4 + asin(rho) / 2 pi: a quarter far apart, a half for one edge.
    found = field_past_two_edges(np.zeros(1), np.zeros(1), np.array([correlation]))
    assert found[0] == pytest.approx(0.25 + np.arcsin(correlation) / (2 * np.pi), abs=1e-4)


def test_edges_in_one_place_are_one_edge() -> None:
    v = np.linspace(-3, 20, 24)
    found = field_past_two_edges(v, v, np.ones(24))
    np.testing.assert_allclose(found, field_past_edge(v), atol=2e-4)


def test_an_edge_far_below_the_ray_changes_nothing() -> None:
    v = np.linspace(-3, 8, 12)
    found = field_past_two_edges(v, np.full(12, -1e3), np.full(12, 0.8))
    np.testing.assert_allclose(found, field_past_edge(v), atol=1e-3)


def test_one_edge_loses_what_p_526_says() -> None:
    v = np.array([0.0, 1.0, 2.4])
    found = loss_db(field_past_edge(v))
    np.testing.assert_allclose(found, knife_edge_loss_db(v), atol=0.2)


def test_deep_edges_lose_what_p_526_corrects_for_two() -> None:
    # P.526-15 section 4.4.1: each edge from the other, and 10 lg of the spreading between them.
    a, b, c, h, wavelength = 20.0, 8.0, 12.0, 1.5, 0.005
    alone = [
        h * np.sqrt(2 / wavelength * (1 / near + 1 / (a + b + c - near))) for near in (a, a + b)
    ]
    correlation = np.sqrt(a * c / ((a + b) * (b + c)))
    found = loss_db(field_past_two_edges(*np.array([*alone, correlation])[:, None]))[0]
    up, down = h - h * a / (a + b), h - h * c / (b + c)
    first = up * np.sqrt(2 / wavelength * (1 / a + 1 / b))
    second = down * np.sqrt(2 / wavelength * (1 / b + 1 / c))
    spread = 10 * np.log10((a + b) * (b + c) / (b * (a + b + c)))
    expected = knife_edge_loss_db(np.array([first, second])).sum() + spread
    assert found == pytest.approx(expected, abs=0.3)
