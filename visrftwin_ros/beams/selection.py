"""The best beam pair of a link, and when to change it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount, unit_vectors
from visrftwin_ros.beams.codebook import beam_gains
from visrftwin_ros.beams.mcs_table import (
    mcs_of_snr,
    noise_dbm,
    phy_rate,
    throughput,
)
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.site.model import Radio

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BeamChoice:
    """The pair in use and its runner-up; no path: mcs -1, throughput 0, snr_db -inf."""

    tx_beam: int
    rx_beam: int
    snr_db: float
    rssi_dbm: float
    mcs: int
    phy_rate: float
    throughput: float
    second_tx_beam: int
    second_rx_beam: int
    second_snr_db: float


def sweep(paths: Multipath, tx: Mount, rx: Mount) -> Array:
    """(Bt, Br) power gain of every pair of DFT beams over one link's `paths`.

    The paths' powers add, for the reason given in `propagation.paths.link_metrics`: beams are chosen on the
    expectation over phases that the twin cannot know.
    """
    sent = beam_gains(tx, unit_vectors(*paths.departure.T))
    received = beam_gains(rx, unit_vectors(*paths.arrival.T))
    return (sent * paths.power[:, None]).T @ received


def choose(
    gains: Array, tx_power_dbm: float, radio: Radio, keep: tuple[int, int] | None = None
) -> BeamChoice:
    """The strongest pair, or the pair `keep` where the caller holds on to it."""
    order = np.argsort(-gains, axis=None, kind="stable")[:2]
    ranked = [divmod(int(flat), gains.shape[1]) for flat in order]
    best = keep or ranked[0]
    second = next((pair for pair in ranked if pair != best), best)
    with np.errstate(divide="ignore"):
        rssi = tx_power_dbm + 10 * np.log10(np.array([gains[best], gains[second]]))
    snr = rssi - noise_dbm(radio)
    mcs = mcs_of_snr(snr[:1], radio)
    return BeamChoice(
        tx_beam=best[0],
        rx_beam=best[1],
        snr_db=float(snr[0]),
        rssi_dbm=float(rssi[0]),
        mcs=int(mcs[0]),
        phy_rate=float(phy_rate(mcs, radio)[0]),
        throughput=float(throughput(mcs, radio)[0]),
        second_tx_beam=second[0],
        second_rx_beam=second[1],
        second_snr_db=float(snr[1]),
    )


class BeamHolder:
    """Holds a link's pair until another is better by a margin, so that noise does not switch it, and in any
    case until the radio's next sweep of beams."""

    def __init__(self, margin_db: float = 1.0) -> None:
        self._margin = 10 ** (margin_db / 10)
        self._pairs: dict[tuple[str, str], tuple[int, int]] = {}
        self._swept: dict[tuple[str, str], float] = {}  # s, of the same clock as `choose`

    def choose(
        self, link: tuple[str, str], gains: Array, tx_power_dbm: float, radio: Radio, at: float
    ) -> BeamChoice:
        """The pair for `link` (tx, rx) at a time [s]; a link that lost its last path starts afresh, and so
        does one whose time went back."""
        there_is_one = gains.max() > 0
        swept = not 0 <= at - self._swept.get(link, -np.inf) < radio.beam_sweep_period
        held = self._pairs.get(link) if there_is_one else None
        if held is not None and swept and gains.max() > self._margin * gains[held]:
            held = None
        choice = choose(gains, tx_power_dbm, radio, held)
        if there_is_one:
            self._pairs[link] = (choice.tx_beam, choice.rx_beam)
            self._swept[link] = at if swept else self._swept[link]
        else:
            self._pairs.pop(link, None)
            self._swept.pop(link, None)
        return choice
