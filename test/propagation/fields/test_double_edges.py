"""Two knife edges in a row against quadrature."""

import numpy as np
import pytest

from visrftwin_ros.propagation.fields.double_edges import beyond, beyond_both


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
