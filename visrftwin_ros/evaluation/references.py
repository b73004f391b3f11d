"""What a sounder leaves unknown: its absolute power and its zero of delay, found on the campaign."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics

PowerReference = Literal["median", "los", "moving"]
"""How relative gains are aligned. median: one offset, the median difference of the path losses. los:
one offset, the mean difference of the lines of sight (paper, section 5.2). moving: the mean of the
differences of path loss beside each snapshot, for a gain that drifts."""
LEAST_TO_ALIGN = 3
MOVING_SNAPSHOTS = 9
"""Known snapshots, nearest in time, that a moving average is over."""


def power_offsets_db(
    kind: PowerReference,
    predicted: SnapshotMetrics,
    measured: SnapshotMetrics,
    known: Bool[np.ndarray, " n"],
    stamp_ns: Int[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """(N,) dB to add to predicted path losses, found on the snapshots `known` alone; NaN where
    these tell nothing."""
    if kind == "los":
        difference = line_of_sight_loss_db(measured) - line_of_sight_loss_db(predicted)
    else:
        difference = measured.path_loss_db - predicted.path_loss_db
    rows = np.flatnonzero(known & np.isfinite(difference))
    if not len(rows):
        return np.full(len(known), np.nan)
    if kind == "moving":
        away = np.abs(stamp_ns[:, None] - stamp_ns[rows])
        nearest = np.argsort(away, axis=1, kind="stable")[:, :MOVING_SNAPSHOTS]
        return np.asarray(difference[rows][nearest].mean(axis=1))
    middle = np.median if kind == "median" else np.mean
    return np.full(len(known), float(middle(difference[rows])))


def line_of_sight_loss_db(metrics: SnapshotMetrics) -> Float[np.ndarray, " n"]:
    """(N,) path loss of the line of sight alone, from the whole and K = P_los / P_rest; NaN where
    there is none."""
    k = 10 ** (metrics.k_factor_db / 10)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.isposinf(k), 1.0, k / (1 + k))
        loss = metrics.path_loss_db - 10 * np.log10(share)
    return np.where(np.isfinite(loss), loss, np.nan)


def delay_offset(
    paths: Multipath, straight: Float[np.ndarray, " n"], within: Float[np.ndarray, " n"]
) -> tuple[float, str]:
    """Seconds by which a sounder's delays are late, and how they were found: the median, over
    snapshots with a free line of sight, of the strongest path's delay less the straight line's.

    straight: (N,) s, NaN without line of sight. within: (N,) s; NaN where the delays scatter wider
    than that about their median: they have no common zero.
    """
    timed = np.flatnonzero(np.isfinite(paths.delay) & np.isfinite(straight)[paths.channel])
    order = timed[np.lexsort((-paths.power[timed], paths.channel[timed]))]
    strongest = order[np.diff(paths.channel[order], prepend=-1) > 0]
    if len(strongest) < LEAST_TO_ALIGN:
        return 0.0, f"as recorded: {len(strongest)} snapshots with a line of sight and delays"
    late = paths.delay[strongest] - straight[paths.channel[strongest]]
    middle = float(np.median(late))
    scatter = float(np.median(np.abs(late - middle)))
    limit = float(np.median(within))
    if scatter > limit:
        return float("nan"), (
            f"the delays have no common zero: against the straight lines they scatter by "
            f"{scatter * 1e9:.2g} ns, the window is {limit * 1e9:.2g} ns"
        )
    return middle, (
        f"median of the strongest path's delay less the straight line's, {len(late)} snapshots"
    )


def later(paths: Multipath, seconds: float) -> Multipath:
    """The same paths with that much more delay."""
    return replace(paths, delay=paths.delay + seconds)
