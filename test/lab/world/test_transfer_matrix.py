"""Layered walls against closed forms of other derivations."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.lab.world.transfer_matrix import StackCoefficients, stack_coefficients
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_coefficients

WAVE = 299792458 / 60.5e9


def of_stack(degrees: float, *layers: tuple[complex, float]) -> StackCoefficients:
    permittivity, thickness = (np.array([column]) for column in zip(*layers, strict=True))
    return stack_coefficients(
        np.cos(np.deg2rad([degrees])), permittivity.astype(complex), thickness.astype(float), WAVE
    )


@pytest.mark.parametrize("degrees", [0.0, 35.0, 80.0])
def test_one_layer_is_the_slab_whose_inner_ways_are_summed(degrees: float) -> None:
    ours = of_stack(degrees, (5.31 - 0.25j, 0.0183))
    cosine = np.cos(np.deg2rad([degrees]))
    slab = (np.array([5.31 - 0.25j]), np.array([0.0183]), np.zeros(1))
    te, tm, through_te, through_tm = slab_coefficients(cosine, *slab, WAVE)
    air = np.exp(2j * np.pi / WAVE * cosine * 0.0183)
    np.testing.assert_allclose(ours.reflected_te, te, rtol=1e-9)
    np.testing.assert_allclose(ours.reflected_tm, tm, rtol=1e-9)
    np.testing.assert_allclose(ours.transmitted_te, through_te * air, rtol=1e-9)
    np.testing.assert_allclose(ours.transmitted_tm, through_tm * air, rtol=1e-9)


@pytest.mark.parametrize("degrees", [0.0, 50.0, 85.0])
def test_a_stack_without_loss_keeps_all_power(degrees: float) -> None:
    found = of_stack(degrees, (2.8, 0.0125), (1.0, 0.075), (6.3, 0.004), (2.8, 0.0117))
    for back, through in (
        (found.reflected_te, found.transmitted_te),
        (found.reflected_tm, found.transmitted_tm),
    ):
        np.testing.assert_allclose(np.abs(back) ** 2 + np.abs(through) ** 2, 1.0, atol=1e-12)


def test_a_quarter_wave_of_the_root_between_takes_the_reflection_away() -> None:
    """Born and Wolf 1.6.4: n1 = sqrt(n0 n2), a quarter wave thick, before a half-wave slab's face."""
    glass, coating = 6.25, 2.5  # indices 2.5 and sqrt(2.5)
    quarter = WAVE / 4 / np.sqrt(coating)
    bare = of_stack(0.0, (glass - 40j * 1e-2, 1.0))  # so lossy and thick that only the face counts
    coated = of_stack(0.0, (coating, quarter), (glass - 40j * 1e-2, 1.0))
    assert abs(bare.reflected_te[0]) == pytest.approx(1.5 / 3.5, abs=0.01)
    assert abs(coated.reflected_te[0]) < 0.02


def test_a_stack_of_quarter_waves_reflects_as_its_admittance_says() -> None:
    """R = ((1 - Y)/(1 + Y))^2, Y = (nH/nL)^(2N) for N pairs in air (Yeh 1988, section 6.3)."""
    high, low, pairs = 2.3, 1.38, 4
    layers = [(high**2, WAVE / 4 / high), (low**2, WAVE / 4 / low)] * pairs
    admittance = (high / low) ** (2 * pairs)
    expected = ((1 - admittance) / (1 + admittance)) ** 2
    assert abs(of_stack(0.0, *layers).reflected_te[0]) ** 2 == pytest.approx(expected, rel=1e-9)


def test_a_film_much_thinner_than_its_skin_is_a_resistance_across_a_line() -> None:
    """t = 2 / (2 + Z0/R), r = t - 1: 5 ohm a square let 31.7 dB less through."""
    ohms, thickness = 5.0, 1e-7
    conductivity = 1 / (ohms * thickness)
    loss = conductivity / (2 * np.pi * 60.5e9 * 8.8541878128e-12)
    found = of_stack(0.0, (1 - 1j * loss, thickness))
    through = 2 / (2 + 376.730313 / ohms)
    assert abs(found.transmitted_te[0]) == pytest.approx(through, rel=0.02)
    assert found.reflected_te[0] == pytest.approx(through - 1, abs=0.01)


def test_air_is_no_wall_and_metal_mirrors_both_polarisations() -> None:
    air = of_stack(60.0, (1.0, 0.3))
    np.testing.assert_allclose(air.transmitted_te, 1.0, atol=1e-9)
    assert abs(air.reflected_tm[0]) < 1e-12
    metal = of_stack(30.0, (1 - 3e6j, 0.005), (2.0, 0.01))
    assert metal.reflected_te[0] == pytest.approx(-1, abs=2e-3)
    assert metal.reflected_tm[0] == pytest.approx(1, abs=2e-3)
    assert abs(metal.transmitted_te[0]) < 1e-10
