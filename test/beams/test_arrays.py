from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visrftwin_ros.beams.arrays import (
    Mount,
    element_pattern,
    in_device_frame,
    steering,
    unit_vectors,
)
from visrftwin_ros.beams.codebook import beam_gains, dft_codebook, radiated_power
from visrftwin_ros.site.model import AntennaArray

Element = Literal["iso", "tr38901"]
ARRAYS = [AntennaArray(rows=r, columns=c) for r, c in ((1, 1), (1, 8), (4, 8), (2, 4))]


def towards(azimuth: float, elevation: float = 0.0) -> np.ndarray:
    return unit_vectors(np.array([azimuth]), np.array([elevation]))


def test_boresight_follows_yaw_and_positive_pitch_looks_down() -> None:
    mount = Mount(AntennaArray(), yaw=0.7, pitch=0.2)
    np.testing.assert_allclose(in_device_frame(towards(0.7, -0.2), mount), [[1, 0, 0]], atol=1e-12)
    left = in_device_frame(towards(0.7 + np.pi / 2), mount)
    np.testing.assert_allclose(left, [[0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("array", ARRAYS)
def test_the_codebook_is_orthonormal(array: AntennaArray) -> None:
    book = dft_codebook(array)
    np.testing.assert_allclose(book @ book.conj().T, np.eye(array.rows * array.columns), atol=1e-12)


def over_the_sphere() -> tuple[np.ndarray, np.ndarray]:
    """Directions and the shares of the sphere that they stand for: rings of equal height, cut
    into equal pieces."""
    sine, azimuth = (np.arange(400) + 0.5) / 200 - 1, (np.arange(300) + 0.5) * np.pi / 150
    grid = unit_vectors(*np.meshgrid(azimuth, np.arcsin(sine)))
    return grid.reshape(-1, 3), np.full(grid[..., 0].size, 1 / grid[..., 0].size)


@pytest.mark.parametrize("element", ["iso", "tr38901"])
@pytest.mark.parametrize("spacing", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("array", ARRAYS)
def test_every_beam_radiates_what_it_is_fed(
    array: AntennaArray, spacing: float, element: Element
) -> None:
    array = array.model_copy(update={"spacing": spacing, "element": element})
    directions, share = over_the_sphere()
    gains = beam_gains(Mount(array, yaw=0.4, pitch=0.1), directions)
    np.testing.assert_allclose(share @ gains, 1, atol=2e-3)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_a_line_of_isotropic_elements_half_a_wave_apart_has_their_number_as_its_gain(
    count: int,
) -> None:
    """Exactly, for any phases: sin(pi n)/(pi n) is nothing between any two (Hansen, Phased Array
    Antennas, 2nd ed., section 2.3)."""
    for array in (AntennaArray(rows=1, columns=count), AntennaArray(rows=count, columns=1)):
        np.testing.assert_allclose(radiated_power(array), 1, atol=1e-9)


def test_a_line_closer_than_that_has_the_directivity_of_its_closed_form() -> None:
    """N^2 / (N + 2 sum (N - n) sinc(2 n d) cos(n delta)), delta the phase from one element to the
    next, in the direction where all add up (Balanis, Antenna Theory, eq. (6-79) and after)."""
    count, spacing = 8, 0.35
    array = AntennaArray(rows=1, columns=count, spacing=spacing)
    lag = np.arange(1, count)
    for beam in (3, 4, 5):
        delta = 2 * np.pi * (beam - (count - 1) / 2) / count
        power = count + 2 * ((count - lag) * np.sinc(2 * lag * spacing) * np.cos(lag * delta)).sum()
        azimuth = np.arcsin(delta / (2 * np.pi * spacing))
        gain = beam_gains(Mount(array, yaw=0.0), towards(azimuth))[0, beam]
        assert gain == pytest.approx(count**2 / power, rel=1e-6)


def test_32_elements_of_half_a_wave_have_the_gain_of_their_aperture() -> None:
    """4 pi A / lambda^2, 20.0 dBi: half a decibel over it, since the outermost elements of TR
    38.901 are wider than their places. Eight dBi on each of 32 would have been 23."""
    array = AntennaArray(rows=4, columns=8, element="tr38901")
    directions, _ = over_the_sphere()
    most = 10 * np.log10(beam_gains(Mount(array, yaw=0.0), directions).max())
    cells = 4 * np.pi * 32 * 0.5**2
    element = 10 ** (element_peak_dbi() / 10) / (4 * np.pi)
    wider = 4 * np.pi * (3 * 0.5 + np.sqrt(element)) * (7 * 0.5 + np.sqrt(element))
    assert 10 * np.log10(cells) == pytest.approx(20.0, abs=0.03)
    assert abs(most - 10 * np.log10(cells)) < 0.6
    assert most < 10 * np.log10(wider)


def element_peak_dbi() -> float:
    alone = Mount(AntennaArray(element="tr38901"), yaw=0.0)
    return float(10 * np.log10(beam_gains(alone, towards(0.0))[0, 0]))


def test_an_element_of_tr38901_alone_has_the_directivity_of_its_pattern() -> None:
    """Two separable lobes of 65 degrees, less 30 dB behind: Kraus' 41,253 square degrees over the
    product of its widths would be 9.9 dBi (Balanis, eq. (2-27))."""
    assert element_peak_dbi() == pytest.approx(10 * np.log10(41_253 / 65**2), abs=0.15)


@pytest.mark.parametrize("array", [a for a in ARRAYS if a.rows < 4])
@given(azimuth=st.floats(-3.1, 3.1), elevation=st.floats(-1.5, 1.5))
def test_no_beam_exceeds_the_array_gain_and_together_they_keep_it(
    array, azimuth, elevation
) -> None:
    gains = beam_gains(Mount(array, yaw=0.4, pitch=0.1), towards(azimuth, elevation))[0]
    count = array.rows * array.columns
    assert gains.max() <= count + 1e-6
    assert gains.sum() == pytest.approx(count)  # Parseval


def test_the_best_beam_of_eight_points_within_half_a_beam_and_loses_at_most_3_9_db() -> None:
    mount = Mount(AntennaArray(rows=1, columns=8), yaw=0.0)
    for azimuth in np.linspace(-1.0, 1.0, 41):
        gains = beam_gains(mount, towards(azimuth))[0]
        assert 10 * np.log10(8 / gains.max()) < 3.93
        beam = (gains.argmax() - 3.5) / 8  # spatial frequency of the beam, cycles an element
        assert abs(beam - 0.5 * np.sin(azimuth)) <= 1 / 16 + 1e-9


def test_a_beam_on_its_own_direction_has_the_whole_gain() -> None:
    mount = Mount(AntennaArray(rows=2, columns=4), yaw=0.0)
    azimuth, elevation = np.arcsin(0.25 / np.cos(np.arcsin(0.5))), np.arcsin(0.5)
    assert beam_gains(mount, towards(azimuth, elevation))[0].max() == pytest.approx(8)


def test_steering_phases_step_with_half_a_wave_an_element() -> None:
    array = AntennaArray(rows=1, columns=4)
    phases = np.angle(
        steering(array, towards(np.pi / 6)) / steering(array, towards(np.pi / 6))[:, :1]
    )[0]
    np.testing.assert_allclose(
        np.exp(1j * phases), np.exp(1j * np.pi * np.sin(np.pi / 6) * np.arange(4)), atol=1e-12
    )


def test_the_tr38901_element_has_half_power_at_32_5_degrees_and_30_db_less_behind() -> None:
    array = AntennaArray(element="tr38901")
    gain = [10 * np.log10(element_pattern(array, towards(np.deg2rad(a), np.deg2rad(e)))[0])
            for a, e in ((0, 0), (32.5, 0), (0, 32.5), (180, 0))]  # fmt: skip
    np.testing.assert_allclose(gain, [0, -3, -3, -30], atol=1e-9)
    assert element_pattern(AntennaArray(), towards(3.0))[0] == 1
