"""Compiled Fresnel integrals against tabled values and scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import fresnel, wofz

from visrftwin_ros.propagation.fields.fresnel_auxiliary import (
    auxiliary,
    phasor,
    phasor_integral,
    short_of_one,
)


@pytest.mark.parametrize(
    ("x", "cosine", "sine"),
    [(0.5, 0.4923442, 0.0647324), (1.0, 0.7798934, 0.4382591), (2.0, 0.4882534, 0.3434157),
     (5.0, 0.5636312, 0.4991914)],
)  # fmt: skip
def test_it_has_the_printed_values(x, cosine, sine) -> None:
    """Abramowitz and Stegun, table 7.7."""
    assert phasor_integral(x) == pytest.approx(cosine - 1j * sine, abs=1e-7)
    assert phasor_integral(-x) == pytest.approx(-cosine + 1j * sine, abs=1e-7)


def test_the_integral_is_within_its_stated_error_everywhere() -> None:
    x = np.concatenate([np.linspace(-12, 12, 5001), [0.0, np.nextafter(8, 0), 8.0, 1e3, 1e6]])
    sine, cosine = fresnel(x)
    found = np.array([phasor_integral(v) for v in x])
    assert np.abs(found - (cosine - 1j * sine)).max() < 4e-8
    assert [phasor_integral(end) for end in (np.inf, -np.inf)] == [0.5 - 0.5j, -0.5 + 0.5j]


@pytest.mark.parametrize("x", [0.01, 0.7, 3.3, 7.99, 8.01, 40.0])
def test_what_is_short_of_one_keeps_its_digits(x) -> None:
    exact = 0.5 * (1 + 1j) * wofz(np.exp(0.75j * np.pi) * np.sqrt(np.pi / 2) * x)
    assert auxiliary(x) == pytest.approx(exact, abs=3e-8)
    assert short_of_one(x) == pytest.approx(1 / (np.pi * x) - exact, rel=1e-5)


def test_phasors_are_the_librarys() -> None:
    random = np.random.default_rng(1)
    turn = np.concatenate([np.linspace(-7, 7, 3001), random.uniform(-1e6, 1e6, 500), [2e6, 1e18]])
    assert np.abs([phasor(t) - np.exp(-1j * t) for t in turn]).max() < 1e-11
