"""The sounder's limits: what merges, what is missed, how large the errors are."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.lab.radio.channel_truth import TruePaths
from visrftwin_ros.lab.radio.sounder import (
    NO_OFFSETS,
    Askew,
    Sounder,
    SounderLimits,
    SounderOffsets,
    receive_horns,
    resolved,
    transmit_horns,
)

BIN = 0.5e-9


def paths(
    gain_db: list[float],
    delay_ns: list[float],
    arrival: list[float],
    phase: list[float] | None = None,
) -> TruePaths:
    """Level paths that all leave along +x; arrival: azimuths, rad."""
    turn = np.exp(1j * np.array(phase or [0.0] * len(gain_db)))
    back = np.array(arrival)
    return TruePaths(
        10 ** (np.array(gain_db) / 20) * turn,
        np.array(delay_ns) * 1e-9,
        np.tile([1.0, 0.0, 0.0], (len(back), 1)),
        np.stack([np.cos(back), np.sin(back), np.zeros(len(back))], axis=1),
    )


def sounder(seed: int = 1, **limits: float) -> Sounder:
    return Sounder(2e9, 60.0, seed, SounderLimits(**limits), NO_OFFSETS, seed)  # type: ignore[arg-type]


def test_paths_in_one_delay_bin_and_beam_become_one_and_add_as_phasors() -> None:
    together = resolved(paths([-80, -80], [20.0, 20.3], [0.0, 0.05]), BIN, 0.14)
    assert len(together) == 1
    assert abs(together.amplitude[0]) == pytest.approx(2e-4)
    assert together.delay[0] == pytest.approx(20.15e-9)
    against = resolved(paths([-80, -80], [20.0, 20.3], [0.0, 0.0], [0.0, np.pi]), BIN, 0.14)
    assert abs(against.amplitude[0]) < 1e-9


@pytest.mark.parametrize(("delay", "azimuth"), [(20.6, 0.0), (20.0, 0.2)])
def test_paths_apart_in_delay_or_angle_stay_two(delay: float, azimuth: float) -> None:
    assert len(resolved(paths([-80, -90], [20.0, delay], [0.0, azimuth]), BIN, 0.14)) == 2


def test_weak_paths_are_missed_and_the_threshold_is_the_noise_floors() -> None:
    device = sounder()
    # -174 + 93 + 10 dBm, less 33 dB of correlation.
    assert device.noise_floor_dbm == pytest.approx(-104.1, abs=0.3)
    # 20 dBm and 30.8 dB of horns over it: 12 dB of SNR are left at -143 dB.
    found = device.measure(paths([-120, -130, -150], [20, 30, 40], [0, 0, 0]), 0.0, 0, 0.0, 0.0)
    assert len(found) == 2
    faint = device.measure(paths([-152], [20], [0.0]), 0.0, 0, 0.0, 0.0)
    assert len(faint) == 0


def test_sidelobes_of_a_strong_path_hide_weak_ones() -> None:
    true = paths([-80, -115, -125], [20, 30, 40], [0, 0, 0])
    assert len(sounder().measure(true, 0.0, 0, 0.0, 0.0)) == 2
    assert len(sounder(dynamic_range_db=60.0).measure(true, 0.0, 0, 0.0, 0.0)) == 3


def test_horns_look_all_round_at_the_receiver_and_forwards_at_the_transmitter() -> None:
    ring = np.linspace(-np.pi, np.pi, 73)
    level = np.stack([np.cos(ring), np.sin(ring), np.zeros(73)], axis=1)
    assert len(receive_horns().azimuth) == 16 and len(transmit_horns().azimuth) == 8
    assert receive_horns().best_gain_db(level, 0.3).min() > 18.1 - 12
    assert transmit_horns().best_gain_db(np.array([[-1.0, 0, 0]]), 0.0)[0] < -10
    assert transmit_horns().best_gain_db(np.array([[-1.0, 0, 0]]), np.pi)[0] > 12
    up = np.array([[0.0, 0, 1.0]])
    assert receive_horns().best_gain_db(up, 0.0)[0] == pytest.approx(18.1 - 30)


def test_errors_follow_the_snr_down_to_the_calibrations_floor() -> None:
    device = sounder()
    spread = {}
    for level in (-75.0, -137.0):
        found = [
            device.measure(paths([level], [30.0], [0.4]), k * 0.01, 0, 0.0, 0.4) for k in range(400)
        ]
        seen = [m for m in found if len(m)]
        spread[level] = (
            np.std([m.delay[0] for m in seen]),
            np.std([m.aoa_azimuth[0] for m in seen]),
        )
        assert np.mean([m.aoa_azimuth[0] for m in seen]) == pytest.approx(0.4, abs=0.02)
        assert np.mean([m.delay[0] for m in seen]) == pytest.approx(30e-9, abs=2e-11)
    assert spread[-75.0][0] == pytest.approx(0.05e-9, rel=0.15)
    assert spread[-75.0][1] == pytest.approx(np.deg2rad(1.5), rel=0.15)
    # 17.9 dB of SNR: sqrt(12)/(2 pi 2e9 sqrt(123)) = 0.025 ns, and 22.5/(1.6 sqrt(123)) = 1.27 deg.
    assert spread[-137.0][0] == pytest.approx(np.hypot(0.05, 0.025) * 1e-9, rel=0.2)
    assert spread[-137.0][1] == pytest.approx(np.deg2rad(np.hypot(1.5, 1.27)), rel=0.2)


def test_the_reference_is_unknown_and_drifts_slowly() -> None:
    offsets = [sounder(seed).offset_db for seed in range(60)]
    assert np.std(offsets) == pytest.approx(4.0, rel=0.35)
    drift = [sounder(5).reference_db(t) for t in np.arange(0, 60, 0.5)]
    assert 0.02 < np.ptp(drift) < 6
    assert np.abs(np.diff(drift)).max() < 0.2


def test_equal_seeds_give_equal_records_and_other_links_other_errors() -> None:
    true = paths([-80, -95], [20, 33], [0.0, 1.0])
    one, other = (sounder(3).measure(true, 1.0, 0, 0.0, 0.0) for _ in range(2))
    np.testing.assert_array_equal(one.gain_db, other.gain_db)
    third = sounder(3).measure(true, 1.0, 1, 0.0, 0.0)
    assert not np.array_equal(one.gain_db, third.gain_db)
    assert np.isnan(one.phase).all()


def test_a_link_without_paths_is_an_empty_record() -> None:
    assert len(sounder().measure(paths([], [], []), 0.0, 0, 0.0, 0.0)) == 0


def test_another_drive_has_the_same_cables_and_another_reference() -> None:
    first, other = (
        Sounder(2e9, 60.0, seed, SounderLimits(), SounderOffsets(), 7) for seed in (7, 8)
    )
    assert first.link_offset(1) == other.link_offset(1)
    assert first.receive_turn == other.receive_turn
    assert first.offset_db != other.offset_db


def test_offsets_stay_the_same_throughout_and_are_those_that_were_stated() -> None:
    true = paths([-80.0], [30.0], [0.4])
    late, turned = [], []
    for seed in range(60):
        off = Sounder(2e9, 60.0, seed, SounderLimits(), SounderOffsets(), seed)
        exact = Sounder(2e9, 60.0, seed, SounderLimits(), NO_OFFSETS, seed)
        apart = [
            (
                off.measure(true, t, 0, 0.0, 0.4, Askew(0.03, 0.02)),
                exact.measure(true, t, 0, 0.0, 0.4),
            )
            for t in (0.0, 30.0)
        ]
        delays = [a.delay[0] - b.delay[0] for a, b in apart]
        assert delays[0] == pytest.approx(delays[1], abs=1e-15)
        assert apart[0][0].aod_azimuth[0] - apart[0][1].aod_azimuth[0] == pytest.approx(0.03)
        assert apart[0][0].aod_elevation[0] - apart[0][1].aod_elevation[0] == pytest.approx(
            -0.02, abs=1e-4
        )
        late.append(delays[0])
        turned.append(apart[0][0].aoa_azimuth[0] - apart[0][1].aoa_azimuth[0])
    assert np.std(late) == pytest.approx(np.hypot(1.0, 0.3) * 1e-9, rel=0.3)
    assert np.std(turned) == pytest.approx(np.deg2rad(1.5), rel=0.3)
