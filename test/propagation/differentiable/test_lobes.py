"""The lobe is normalised over what the surface leaves of it, and drawn as it is."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
import torch
from lobe_cases import lobe_over_half_space

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.differentiable.lobes import Lobes, drawn_gap, lobe_angle


def closed_form(alpha: int, incidence: float) -> float:
    """Degli-Esposti et al. 2007, eq. (7): for whole alpha alone."""
    total = 0.0
    for j in range(alpha + 1):
        ring = 2 * np.pi / (j + 1)
        if j % 2:
            powers = range((j - 1) // 2 + 1)
            sine = np.sin(incidence)
            ring *= np.cos(incidence) * sum(comb(2 * w, w) * sine ** (2 * w) / 4**w for w in powers)
        total += comb(alpha, j) * ring
    return total / 2**alpha


@pytest.mark.parametrize("alpha", [0, 1, 4, 10])
def test_a_whole_alpha_has_the_published_solid_angle(alpha: int) -> None:
    incidence = np.deg2rad([0, 30, 60, 85, 89.9])
    ours = lobe_angle(torch.tensor([float(alpha)]).double(), torch.tensor(np.cos(incidence)))
    expected = [closed_form(alpha, turn) for turn in incidence]
    np.testing.assert_allclose(ours[0], expected, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 7.3, 120.0, 1e4])
def test_any_alpha_has_the_solid_angle_of_its_integral(alpha: float) -> None:
    incidence = np.deg2rad([20, 70, 88, 89.7])
    lobes = Lobes.of(torch.tensor([alpha]))
    cosine = torch.tensor(np.cos(incidence), dtype=torch.float32)
    nothing = torch.zeros(4)
    f = lobes.log_density(nothing.long(), cosine, nothing).exp()
    expected = lobe_over_half_space(alpha, incidence)
    np.testing.assert_allclose(1 / f, expected, rtol=5e-3)


def test_drawn_directions_are_as_dense_as_the_lobe() -> None:
    """The mean of 1 - gap over its density is (alpha + 1) / (alpha + 2)."""
    even = torch.arange(0.5, 4000) / 4000
    for alpha in (0.0, 3.0, 120.0, 1e4):
        gap = drawn_gap(torch.full_like(even, alpha), even)
        assert float(1 - gap.mean()) == pytest.approx((alpha + 1) / (alpha + 2), abs=1e-4)
        assert float(gap.mean()) == pytest.approx(1 / (alpha + 2), rel=0.01)


@pytest.mark.parametrize("alpha", [-1.0, 2e4, float("nan")])
def test_an_alpha_out_of_range_is_refused(alpha: float) -> None:
    with pytest.raises(TwinError, match=r"alpha is .*: it is from 0 to 10000"):
        Lobes.of(torch.tensor([120.0, alpha]))
