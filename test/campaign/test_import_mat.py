"""Impulse responses become paths: CLEAN finds known echoes, and real files give what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from imported_files import OPTIONS, SAID, run_import

from visrftwin_ros.campaign.importers.cir_paths import (
    Extraction,
    extract_echoes,
    noise_floor,
    rms_delay_spread,
)
from visrftwin_ros.campaign.importers.mat_cir import ResponseLayout, beam_azimuths, read_mat
from visrftwin_ros.errors import TwinError

TAPS = 256


def response(
    delays: list[float],
    amplitudes: list[complex],
    noise: float = 0.0,
    used: np.ndarray | None = None,
) -> np.ndarray:
    """(1, TAPS) of a flat band over the frequencies `used`; delays in taps."""
    frequency = np.fft.fftfreq(TAPS)
    spectrum = np.exp(-2j * np.pi * np.outer(frequency, delays)) @ np.array(amplitudes)
    rng = np.random.default_rng(4)
    noise_of = rng.normal(size=(2, TAPS)) * np.sqrt(noise * TAPS / 2)
    spectrum = spectrum + noise_of[0] + 1j * noise_of[1]
    return np.fft.ifft(np.where(True if used is None else used, spectrum, 0))[None]


def test_echoes_between_the_taps_are_found_with_their_phase() -> None:
    found = extract_echoes(response([20.3, 41.7], [1.0, 0.2j], noise=1e-7))
    np.testing.assert_allclose(found.delay[:2], [20.3, 41.7], atol=0.02)
    np.testing.assert_allclose(found.amplitude[:2], [1.0, 0.2j], atol=0.02)
    assert len(found.delay) == 2


def test_echoes_one_and_a_half_taps_apart_are_two() -> None:
    found = extract_echoes(response([20.0, 21.5], [1.0, 0.5], noise=1e-7))
    np.testing.assert_allclose(np.sort(found.delay[:2]), [20.0, 21.5], atol=0.1)


def test_nothing_comes_out_of_noise() -> None:
    assert len(extract_echoes(response([], [], noise=1e-6)).delay) == 0
    assert len(extract_echoes(np.zeros((2, TAPS), complex)).delay) == 0


def test_the_noise_floor_is_that_of_the_noise_not_of_the_echoes() -> None:
    on_taps = noise_floor(response([20, 41, 60], [1.0, 0.5, 0.3], noise=1e-5))
    between = extract_echoes(response([20.3, 41.7, 60.2], [1.0, 0.5, 0.3], noise=1e-5)).floor
    assert 10 * np.log10(on_taps) == pytest.approx(-50, abs=1.5)
    assert 10 * np.log10(between) == pytest.approx(-50, abs=1.5)


def test_unused_subcarriers_do_not_become_echoes() -> None:
    used = np.random.default_rng(1).random(TAPS) < 0.6
    found = extract_echoes(response([5.4, 12.0], [1.0, 0.3], noise=1e-6, used=used))
    np.testing.assert_allclose(found.delay, [5.4, 12.0], atol=0.05)
    np.testing.assert_allclose(np.abs(found.amplitude), [1.0, 0.3], rtol=0.1)


def test_an_echo_takes_its_gain_from_its_strongest_beam() -> None:
    weak, strong = response([10.0], [0.1], 1e-8), response([10.0], [0.6], 1e-8)
    found = extract_echoes(np.concatenate([weak, strong]))
    assert found.beam.tolist() == [1]
    assert abs(found.amplitude[0]) == pytest.approx(0.6, rel=0.01)


def test_the_dynamic_range_ends_the_search() -> None:
    echoes = response([20.0, 60.0], [1.0, 0.02], 1e-9)
    assert len(extract_echoes(echoes, Extraction(dynamic_range_db=30)).delay) == 1
    assert len(extract_echoes(echoes, Extraction(dynamic_range_db=40)).delay) == 2


def test_delay_spread_of_two_equal_echoes_is_half_their_distance() -> None:
    assert rms_delay_spread(np.array([10.0, 30.0]), np.ones(2)) == pytest.approx(10)
    assert np.isnan(rms_delay_spread(np.zeros(0), np.zeros(0)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    both = np.stack([response([20.0], [1e-3], 1e-14), response([30.0], [1e-3], 1e-14)])
    scipy.io.savemat(tmp_path / "h.mat", {"h": both, "rssi": np.ones((2, 3))})
    return tmp_path / "h.mat"


LAYOUT = ResponseLayout("h", ("snapshot", "beam", "tap"), 2e9)


def test_delay_is_taps_over_the_sample_rate_and_gain_absolute(file: Path) -> None:
    reading = read_mat(file, SAID, LAYOUT)
    assert [s.stamp_ns for s in reading.snapshots] == [100_000_000_000, 100_100_000_000]
    first = reading.snapshots[0].paths
    assert first.delay[0] == pytest.approx(10e-9, rel=1e-3)
    assert first.gain_db[0] == pytest.approx(-60, abs=0.1)
    assert np.isnan(first.aoa_azimuth).all()


def test_frequency_responses_give_the_same_paths(file: Path, tmp_path: Path) -> None:
    spectrum = np.fft.fft(scipy.io.loadmat(file)["h"], axis=-1)
    scipy.io.savemat(tmp_path / "f.mat", {"h": spectrum.transpose(2, 0, 1)})
    layout = ResponseLayout("h", ("frequency", "snapshot", "beam"), 2e9)
    ours = read_mat(tmp_path / "f.mat", SAID, layout).snapshots
    theirs = read_mat(file, SAID, LAYOUT).snapshots
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.paths.delay, b.paths.delay)


def test_beams_with_known_azimuths_give_angles_of_arrival(file: Path) -> None:
    layout = ResponseLayout("h", ("snapshot", "beam", "tap"), 2e9, beam_azimuths("30"))
    paths = read_mat(file, SAID, layout).snapshots[0].paths
    assert paths.aoa_azimuth[0] == pytest.approx(np.pi / 6)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (ResponseLayout("x", ("tap",), 1e9), "no variable 'x'; it has h, rssi"),
        (ResponseLayout("rssi", ("snapshot", "tap"), 1e9), "rssi is real"),
        (ResponseLayout("h", ("snapshot", "tap"), 1e9), r"axes \(2, 1, 256\)"),
        (ResponseLayout("h", ("tap", "beam", "snapshot"), 1e9), "2 taps: expected 8 or more"),
        (ResponseLayout("h", ("snapshot", "beam", "time"), 1e9), "expected names out of"),
        (ResponseLayout("h", ("snapshot", "beam", "tap"), 0.0), "--sample-rate is 0"),
        (ResponseLayout("h", ("snapshot", "beam", "tap"), 1e9, (0.0, 1.0)), "1 beam"),
    ],
)
def test_a_layout_that_does_not_fit_says_what_would(
    file: Path, layout: ResponseLayout, said: str
) -> None:
    with pytest.raises(TwinError, match=said):
        read_mat(file, SAID, layout)


def test_responses_with_nan_are_left_out_and_counted(tmp_path: Path) -> None:
    both = np.stack([response([20.0], [1e-3], 1e-14), np.full((1, TAPS), np.nan)])
    scipy.io.savemat(tmp_path / "h.mat", {"h": both})
    reading = read_mat(tmp_path / "h.mat", SAID, LAYOUT)
    assert len(reading.snapshots) == 1
    assert "response 2 of 2: NaN" in reading.problems[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a whole MATLAB file"),
        (b"MATLAB 7.3 MAT-file" + b" " * 105 + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n", "-v7"),
        (b"hello, this is no MATLAB file at all" * 10, "not a whole MATLAB file"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "h.mat").write_bytes(content)
    with pytest.raises(TwinError, match=said):
        read_mat(tmp_path / "h.mat", SAID, LAYOUT)


def test_a_cut_off_file_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(TwinError, match=r"h\.mat"):
        read_mat(file, SAID, LAYOUT)


def test_the_but_responses_have_their_line_of_sight_where_friis_has_it(test_data: Path) -> None:
    layout = ResponseLayout("CIR_mat", ("snapshot", "snapshot", "tap"), 10.01e9)
    for snapshot in read_mat(test_data / "channel/BUT_60GHz/CIR.mat", SAID, layout).snapshots:
        direct = snapshot.paths.delay[0]
        assert direct == snapshot.paths.delay[snapshot.paths.gain_db.argmax()]
        assert direct == pytest.approx(8.29e-9, abs=0.05e-9)


def test_the_mmobile_responses_are_short_once_the_unused_subcarriers_are_known(
    test_data: Path,
) -> None:
    file = test_data / "channel/mMobile_28GHz/indoor_2_5m_data.mat"
    layout = ResponseLayout("rx_h_est_vec", ("snapshot", "beam", "tap"), 1e9, scale_db=-60)
    snapshots = read_mat(file, SAID, layout).snapshots
    assert len(snapshots) == 21
    spreads = []
    for snapshot in snapshots:
        power = 10 ** (snapshot.paths.gain_db / 10)
        spreads.append(rms_delay_spread(snapshot.paths.delay * 1e9, power))  # in taps
        taps = snapshot.paths.delay * 1e9
        strong = taps[snapshot.paths.gain_db > snapshot.paths.gain_db.max() - 6]
        assert (np.abs(strong - 4.2) < 1).all()
    assert np.count_nonzero(np.array(spreads) < 1.0) == 20  # all were 72 without knowing them


def test_the_command_asks_for_the_sample_rate(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("mat", file, "--variable=h", "--axes=snapshot,beam,tap", "--tx=ap1", "--rx=robot1")
    assert run_import(*arguments, "--out", tmp_path / "bag", *OPTIONS) == 2
    assert "give --sample-rate" in capsys.readouterr().err
    rate = "--sample-rate=2e9"
    assert run_import(*arguments, rate, "--out", tmp_path / "bag", *OPTIONS) == 0
