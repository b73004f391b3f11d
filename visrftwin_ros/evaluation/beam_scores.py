"""Beams chosen on predicted paths, judged on the measured ones (paper, section 6.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.beams.selection import choose, sweep
from visrftwin_ros.site.model import Radio


@dataclass(frozen=True)
class BeamEnds:
    """How the two arrays of a snapshot stand, and what the transmitter sends [dBm]."""

    tx: Mount
    rx: Mount
    tx_power_dbm: float


@dataclass(frozen=True)
class BeamScore:
    """Over n snapshots.

    top1: share in which the pair chosen is the best measured one; top3: in which that one is among
    the three best predicted. loss_db: gain given away, median and 90th percentile. throughput:
    bit/s, medians of the chosen and of the best pair; throughput_share: mean chosen over mean
    best.
    """

    n: int
    top1: float
    top3: float
    loss_db: float
    loss_db_p90: float
    throughput: float
    best_throughput: float
    throughput_share: float


@dataclass(frozen=True)
class BeamChoices:
    """Of N snapshots, (N,): rank of the best measured pair in the prediction (0 = chosen), gain given
    away [dB], throughput of the chosen and of the best pair [bit/s]; NaN where not judged."""

    rank: Float[np.ndarray, " n"]
    loss_db: Float[np.ndarray, " n"]
    throughput: Float[np.ndarray, " n"]
    best_throughput: Float[np.ndarray, " n"]

    def score(self, rows: np.ndarray) -> BeamScore:
        """Over the snapshots `rows` that could be judged."""
        rows = np.arange(len(self.rank))[rows]
        rows = rows[np.isfinite(self.rank[rows])]
        if not len(rows):
            return BeamScore(0, *[float("nan")] * 7)
        rank, loss = self.rank[rows], self.loss_db[rows]
        chosen, best = self.throughput[rows], self.best_throughput[rows]
        return BeamScore(
            n=len(rows),
            top1=float((rank == 0).mean()),
            top3=float((rank < 3).mean()),
            loss_db=float(np.median(loss)),
            loss_db_p90=float(np.quantile(loss, 0.9)),
            throughput=float(np.median(chosen)),
            best_throughput=float(np.median(best)),
            throughput_share=float(chosen.mean() / best.mean()) if best.any() else float("nan"),
        )


def beam_choices(
    predicted: Multipath, measured: Multipath, ends: Sequence[BeamEnds | None], radio: Radio
) -> BeamChoices:
    """The DFT beam pair that the predicted paths advise, used on the measured ones.

    `measured` in absolute gain. ends: None where an array's heading is not known; such a snapshot,
    one with nothing measured, and paths without directions are not judged. Without a predicted
    path the first pair is used, as good as any.
    """
    rows = np.full((4, len(ends)), np.nan)
    for i, end in enumerate(ends):
        truth = _with_angles(measured.of(i))
        if end is None or not len(truth.power):
            continue
        real = sweep(truth, end.tx, end.rx)
        expected = sweep(_with_angles(predicted.of(i)), end.tx, end.rx)
        best = choose(real, end.tx_power_dbm, radio)
        order = np.argsort(-expected, axis=None, kind="stable")
        pair = divmod(int(order[0]), real.shape[1])
        used = choose(real, end.tx_power_dbm, radio, keep=pair)
        flat = best.tx_beam * real.shape[1] + best.rx_beam
        rank = int(np.flatnonzero(order == flat)[0])
        loss = best.snr_db - used.snr_db if np.isfinite(used.snr_db) else np.inf
        rows[:, i] = (rank, loss, used.throughput, best.throughput)
    return BeamChoices(*rows)


def says_nothing_of_beams(predicted: Multipath) -> bool:
    """Whether there are paths and none has directions at both ends."""
    return bool(len(predicted.power)) and not len(_with_angles(predicted).power)


def _with_angles(paths: Multipath) -> Multipath:
    known = np.isfinite(paths.departure).all(axis=1) & np.isfinite(paths.arrival).all(axis=1)
    return paths.select(known)
