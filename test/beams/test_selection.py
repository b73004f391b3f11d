import numpy as np
import pytest

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.beams.selection import BeamHolder, choose, sweep
from visrftwin_ros.site.model import AntennaArray, Radio

TX = Mount(AntennaArray(rows=1, columns=8), yaw=0.0)
RX = Mount(AntennaArray(rows=1, columns=4), yaw=np.pi)
RADIO = Radio()


def gains_of(*paths: tuple[float, float, float]) -> Multipath:
    """Paths (power, azimuth of departure, azimuth of arrival)."""
    power, out, back = np.array(paths, float).reshape(-1, 3).T
    level = np.zeros_like(out)
    delay = np.full(len(power), np.nan)
    return Multipath.of_link(
        power, delay, np.column_stack([out, level]), np.column_stack([back, level])
    )


def test_the_best_pair_looks_along_the_strongest_path() -> None:
    table = sweep(gains_of((1e-9, 0.44, np.pi + 0.26), (1e-11, -0.6, np.pi - 0.3)), TX, RX)
    assert table.shape == (8, 4)
    choice = choose(table, 10.0, RADIO)
    assert (choice.tx_beam - 3.5) / 8 == pytest.approx(0.5 * np.sin(0.44), abs=1 / 16)
    assert choice.rssi_dbm == pytest.approx(10 + 10 * np.log10(table.max()))
    assert choice.snr_db == pytest.approx(choice.rssi_dbm + 70.66, abs=0.01)
    assert (choice.second_tx_beam, choice.second_rx_beam) != (choice.tx_beam, choice.rx_beam)
    assert choice.second_snr_db <= choice.snr_db


def test_a_path_on_both_beams_axes_has_both_array_gains() -> None:
    on_axis = gains_of((1e-9, np.arcsin(0.125), np.pi + np.arcsin(0.25)))
    assert sweep(on_axis, TX, RX).max() == pytest.approx(1e-9 * 8 * 4)


def test_when_the_direct_path_is_blocked_the_beams_go_round() -> None:
    blocked = sweep(gains_of((1e-12, 0.44, np.pi + 0.26), (1e-11, -0.6, np.pi - 0.3)), TX, RX)
    assert (choose(blocked, 10, RADIO).tx_beam - 3.5) / 8 == pytest.approx(
        0.5 * np.sin(-0.6), abs=1 / 16
    )


def test_no_path_is_no_link() -> None:
    choice = choose(sweep(gains_of(), TX, RX), 10, RADIO)
    assert choice.mcs == -1 and choice.throughput == 0 and choice.snr_db == -np.inf


def test_one_beam_each_side_has_itself_as_runner_up() -> None:
    single = Mount(AntennaArray(), yaw=0.0)
    choice = choose(sweep(gains_of((1e-9, 0, 0)), single, single), 10, RADIO)
    assert (choice.second_tx_beam, choice.second_rx_beam) == (0, 0)


def test_a_pair_is_held_until_another_is_better_by_the_margin() -> None:
    holder = BeamHolder(margin_db=1.0)
    link = ("ap", "r")

    def pick(first: float, second: float) -> int:
        return holder.choose(link, np.array([[first], [second]]), 10, RADIO, 0.0).tx_beam

    assert pick(1.0, 0.9) == 0
    assert pick(1.0, 1.2) == 0
    assert pick(1.0, 1.3) == 1
    assert pick(1.2, 1.0) == 1
    assert pick(0.0, 0.0) == 0  # no path at all
    assert pick(1.0, 1.2) == 1


def test_between_two_sweeps_of_the_radio_a_pair_is_kept_whatever_comes() -> None:
    """As a 5G cell whose synchronisation blocks come every 20 ms: 3GPP TS 38.213, 4.1."""
    radio = Radio(beam_sweep_period=0.02)
    holder = BeamHolder()

    def pick(at: float, first: float, second: float) -> int:
        return holder.choose(("ap", "r"), np.array([[first], [second]]), 10, radio, at).tx_beam

    assert pick(1.0, 1.0, 0.1) == 0
    assert pick(1.019, 0.001, 0.1) == 0
    assert pick(1.021, 0.001, 0.1) == 1
    assert pick(1.040, 1.0, 0.1) == 1  # the period is from the last sweep on
    assert pick(1.042, 1.0, 0.1) == 0
    assert pick(1.05, 0.0, 0.0) == 0  # no path: the next one is looked for at once
    assert pick(1.051, 0.1, 1.0) == 1
    assert pick(0.5, 1.0, 0.1) == 0  # time went back


LINKS = [("a", "r"), ("b", "r"), ("a", "s"), ("b", "s")]
CLEAR = np.zeros((4, 4))
