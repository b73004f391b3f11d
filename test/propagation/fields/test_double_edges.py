"""Two knife edges in a row against quadrature, closed forms and ITU-R P.526."""

import numpy as np
import pytest
from scipy.integrate import quad

from visrftwin_ros.propagation.fields.double_edges import beyond, beyond_both, beyond_correlated
from visrftwin_ros.propagation.people.screen_diffraction import knife_edge_loss_db, loss_db


def test_the_way_over_two_edges_is_the_integral_over_their_correlation() -> None:
    """Plackett's identity (Biometrika 41 (1954)): the derivative of a quadrant of the normal
    distribution by the correlation is its density; here with complex arguments, by quadrature."""
    node, weight = np.polynomial.legendre.leggauss(1500)
    random = np.random.default_rng(5)
    for u1, u2, rho in zip(
        *random.normal(size=(2, 40)) * 3, random.uniform(-0.95, 0.95, 40), strict=True
    ):
        half = np.arcsin(rho) / 2
        angle = half * (node + 1)
        turn = (u1 * u1 - 2 * u1 * u2 * np.sin(angle) + u2 * u2) / np.cos(angle) ** 2
        more = half / (2 * np.pi) * (weight * np.exp(-0.5j * np.pi * turn)).sum()
        root = np.sqrt(1 - rho**2)
        found = beyond_both(u1, u2, (u2 - rho * u1) / root, (u1 - rho * u2) / root)
        assert found == pytest.approx(beyond(u1) * beyond(u2) + more, abs=1e-7)


@pytest.mark.parametrize(("u1", "u2"), [(0.7, -0.4), (2.0, 3.0), (-1.0, -0.2), (4.0, -5.0)])
def test_of_edges_in_one_plane_the_higher_is_left(u1: float, u2: float) -> None:
    far = 1e9
    found = beyond_both(u1, u2, far * np.sign(u2 - u1), far * np.sign(u1 - u2))
    assert found == pytest.approx(beyond(max(u1, u2)), abs=1e-7)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_two_edges_on_the_ray_take_what_sheppard_says(rho: float) -> None:
    """1/4 + asin(rho) / (2 pi) of a normal distribution (Sheppard 1899), whatever its scale."""
    slope = (1 - rho) / np.sqrt(1 - rho**2)
    found = beyond_both(1e-8, 1e-8, slope * 1e-8, slope * 1e-8)
    assert found == pytest.approx(0.25 + np.arcsin(rho) / (2 * np.pi), abs=1e-6)


def by_plackett(first: float, second: float, correlation: float) -> complex:
    """The same by the derivative to the correlation (Plackett, Biometrika 41, 1954), which starts
    from two edges that know nothing of each other, by adaptive quadrature."""

    def slope(angle: float) -> complex:
        square = first**2 + second**2 - 2 * first * second * np.sin(angle)
        return complex(np.exp(-0.5j * np.pi * square / np.cos(angle) ** 2) / (2 * np.pi))

    parts = [
        quad(lambda a, p=part: p(slope(a)), 0, np.arcsin(correlation), limit=2000)[0]
        for part in (np.real, np.imag)
    ]
    return complex(beyond(first) * beyond(second) + parts[0] + 1j * parts[1])


def test_the_double_integral_of_correlated_edges_by_another_way() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.uniform(-4, 4, (2, 60))
    correlation = rng.uniform(0.05, 0.97, 60)
    for case in zip(first, second, correlation, strict=True):
        assert beyond_correlated(*case) == pytest.approx(by_plackett(*case), abs=1e-7)


@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.9, 0.999])
def test_two_edges_that_graze_the_ray_leave_what_is_known_in_closed_form(correlation) -> None:
    # 1/4 + asin(rho) / 2 pi: a quarter far apart, a half for one edge.
    found = beyond_correlated(0.0, 0.0, correlation)
    assert found == pytest.approx(0.25 + np.arcsin(correlation) / (2 * np.pi), abs=2e-6)


def test_edges_in_one_place_are_one_edge() -> None:
    for v in np.linspace(-3, 20, 24):
        assert beyond_correlated(v, v, 1.0) == pytest.approx(beyond(v), abs=2e-4)


def test_an_edge_far_below_the_ray_changes_nothing() -> None:
    for v in np.linspace(-3, 8, 12):
        assert beyond_correlated(v, -1e3, 0.8) == pytest.approx(beyond(v), abs=1e-3)


def test_one_edge_loses_what_p_526_says() -> None:
    v = np.array([0.0, 1.0, 2.4])
    found = loss_db(np.array([beyond(one) for one in v]))
    np.testing.assert_allclose(found, knife_edge_loss_db(v), atol=0.2)


def test_deep_edges_lose_what_p_526_corrects_for_two() -> None:
    # P.526-15 section 4.4.1: each edge from the other, and 10 lg of the spreading between them.
    a, b, c, h, wavelength = 20.0, 8.0, 12.0, 1.5, 0.005
    alone = [
        h * np.sqrt(2 / wavelength * (1 / near + 1 / (a + b + c - near))) for near in (a, a + b)
    ]
    correlation = np.sqrt(a * c / ((a + b) * (b + c)))
    found = loss_db(np.array([beyond_correlated(*alone, correlation)]))[0]
    up, down = h - h * a / (a + b), h - h * c / (b + c)
    first = up * np.sqrt(2 / wavelength * (1 / a + 1 / b))
    second = down * np.sqrt(2 / wavelength * (1 / b + 1 / c))
    spread = 10 * np.log10((a + b) * (b + c) / (b * (a + b + c)))
    expected = knife_edge_loss_db(np.array([first, second])).sum() + spread
    assert found == pytest.approx(expected, abs=0.3)
