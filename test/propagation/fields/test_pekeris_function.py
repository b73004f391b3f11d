"""Pekeris' function against printed values, its residues and the plane mirror."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ai_zeros, airy

from visrftwin_ros.propagation.fields.pekeris_function import pekeris

SOFT, HARD = (0.0, 1.0), (1.0, 0.0)


def found(xi: float, slope: complex, value: complex) -> complex:
    return complex(
        pekeris(*(np.array([v]) + d for v, d in ((xi, 0.0), (slope, 0j), (value, 0j))))[0]
    )


def test_on_the_shadow_boundary_it_has_the_printed_values() -> None:
    """p*(0) and q*(0), Logan, General Research in Diffraction Theory, LMSC 288087 (1959)."""
    turn = np.exp(1j * np.pi / 6)
    assert found(0.0, *SOFT) == pytest.approx(0.354 * turn, abs=5e-4)
    assert found(0.0, *HARD) == pytest.approx(-0.307 * turn, abs=5e-4)


@pytest.mark.parametrize("xi", [1.5, 3.0, 8.0, 15.0])
def test_in_the_shadow_it_is_the_sum_of_the_creeping_waves(xi) -> None:
    """The residue series of Pathak (1979), over the zeros of Ai and of its slope."""
    zeros, slope_zeros, _, _ = ai_zeros(30)
    turn = np.exp(1j * np.pi / 6)
    soft = (np.exp(zeros * xi * turn) / airy(zeros)[1] ** 2).sum()
    hard = (np.exp(slope_zeros * xi * turn) / -slope_zeros / airy(slope_zeros)[0] ** 2).sum()
    pole = 1 / (2 * np.sqrt(np.pi) * xi)
    for law, series in ((SOFT, soft), (HARD, hard)):
        right = -turn / (2 * np.sqrt(np.pi)) * series
        assert found(xi, *law) - pole == pytest.approx(right, abs=1e-9)


def test_deep_in_the_shadow_only_the_pole_is_left() -> None:
    for xi in (25.0, 400.0):
        assert found(xi, *SOFT) == pytest.approx(1 / (2 * np.sqrt(np.pi) * xi), rel=1e-9)


def test_a_large_impedance_is_soft_and_a_small_one_hard() -> None:
    assert found(0.7, 1.0, -1e9j) == pytest.approx(found(0.7, *SOFT), abs=1e-6)
    assert found(0.7, 1.0, -1e-9j) == pytest.approx(found(0.7, *HARD), abs=1e-6)


@pytest.mark.parametrize(("law", "mirror"), [(SOFT, -1.0), (HARD, 1.0)])
def test_towards_the_light_it_becomes_a_plane_mirror(law, mirror) -> None:
    """PBM (3): -sqrt(-4/xi) exp(-j xi^3/12) exp(-j pi/4) p* goes to the plane's coefficient."""
    xi = -4.0
    field = -np.sqrt(-4 / xi) * np.exp(-1j * xi**3 / 12 - 0.25j * np.pi) * found(xi, *law)
    assert field == pytest.approx(mirror, abs=0.1)
