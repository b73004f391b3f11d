import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visrftwin_ros.beams.arrays import Mount, element_gain, in_device_frame, steering, unit_vectors
from visrftwin_ros.beams.codebook import beam_gains, dft_codebook
from visrftwin_ros.site.model import AntennaArray

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


@pytest.mark.parametrize("array", ARRAYS)
@given(azimuth=st.floats(-3.1, 3.1), elevation=st.floats(-1.5, 1.5))
def test_no_beam_exceeds_the_array_gain_and_together_they_keep_it(
    array, azimuth, elevation
) -> None:
    gains = beam_gains(Mount(array, yaw=0.4, pitch=0.1), towards(azimuth, elevation))[0]
    count = array.rows * array.columns
    assert gains.max() <= count + 1e-9
    assert gains.sum() == pytest.approx(count)  # Parseval


def test_the_best_beam_of_eight_points_within_half_a_beam_and_loses_at_most_3_9_db() -> None:
    mount = Mount(AntennaArray(rows=1, columns=8), yaw=0.0)
    for azimuth in np.linspace(-1.0, 1.0, 41):
        gains = beam_gains(mount, towards(azimuth))[0]
        assert 10 * np.log10(8 / gains.max()) < 3.93
        beam = (gains.argmax() - 3.5) / 8  # spatial frequency of the beam, cycles an element
        assert abs(beam - 0.5 * np.sin(azimuth)) <= 1 / 16 + 1e-9


def test_a_beam_on_its_own_direction_has_the_whole_gain() -> None:
    mount = Mount(AntennaArray(rows=4, columns=8), yaw=0.0)
    azimuth, elevation = np.arcsin(0.125 / np.cos(np.arcsin(0.25))), np.arcsin(0.25)
    assert beam_gains(mount, towards(azimuth, elevation))[0].max() == pytest.approx(32)


def test_steering_phases_step_with_half_a_wave_an_element() -> None:
    array = AntennaArray(rows=1, columns=4)
    phases = np.angle(
        steering(array, towards(np.pi / 6)) / steering(array, towards(np.pi / 6))[:, :1]
    )[0]
    np.testing.assert_allclose(
        np.exp(1j * phases), np.exp(1j * np.pi * np.sin(np.pi / 6) * np.arange(4)), atol=1e-12
    )


def test_the_tr38901_element_has_8_dbi_half_power_at_32_5_degrees_and_30_db_back() -> None:
    array = AntennaArray(element="tr38901")
    gain = [10 * np.log10(element_gain(array, towards(np.deg2rad(a), np.deg2rad(e)))[0])
            for a, e in ((0, 0), (32.5, 0), (0, 32.5), (180, 0))]  # fmt: skip
    np.testing.assert_allclose(gain, [8, 5, 5, -22], atol=1e-9)
    assert element_gain(AntennaArray(), towards(3.0))[0] == 1
