"""Cluster-level scores C1 and C2: predicted clusters matched with measured ones (paper, 6.1, 6.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.resolved_paths import directions, grouped, merged

CLUSTER_DELAY, CLUSTER_ANGLE = 5e-9, np.radians(20.0)
"""Paths this close to a cluster's strongest one belong to it: 1.5 m and about one horn's beam.

The paper prints no radii; these are ours.
"""
_GATE = 1.5
"""Clusters match up to so many radii apart, in delay and angle together."""


SIGNIFICANT_DB = 30.0
"""A cluster is scored where it is at most so far under the strongest one of its snapshot and side.

Near the floor an instrument finds one weak cluster and misses the next by chance and by direction:
counting those says nothing of a prediction. They do serve as partners of significant ones.
"""


@dataclass(frozen=True)
class ClusterScore:
    """Over all snapshots; SIGNIFICANT_DB says which clusters are scored.

    measured, predicted: scored ones; matched: measured ones with a partner; missed, false: shares of
    the measured and of the predicted without one; missed_power, false_power: shares of all
    measured and predicted power in those. Errors over the matched: median and 90th percentile of
    the magnitude, power [dB], delay [s] and arrival angle [rad]; power_bias_db: median of predicted
    minus measured.
    """

    measured: int
    predicted: int
    matched: int
    missed: float
    false: float
    missed_power: float
    false_power: float
    power_error_db: float
    power_error_db_p90: float
    power_bias_db: float
    delay_error: float
    delay_error_p90: float
    angle_error: float
    angle_error_p90: float


def clusters(paths: Multipath) -> Multipath:
    """The clusters of each channel as one path each, by power."""
    parts = []
    for channel in range(paths.count):
        own = paths.of(channel)
        parts.append(merged(own, grouped(own, CLUSTER_DELAY, CLUSTER_ANGLE)))
    return Multipath.joined(parts)


def cluster_score(predicted: Multipath, measured: Multipath) -> ClusterScore:
    """Of predicted against measured paths of the same channels, both above the same floor."""
    ours, theirs = clusters(predicted), clusters(measured)
    counts = np.zeros(4, int)
    lost = np.zeros(2)
    errors = [np.zeros((0, 3))]
    for channel in range(theirs.count):
        mine, real = ours.of(channel), theirs.of(channel)
        row, column = _pairs(mine, real)
        alone = [np.ones(len(side), bool) for side in (mine, real)]
        alone[0][row], alone[1][column] = False, False
        count = [_significant(side) for side in (mine, real)]
        without = [a & c for a, c in zip(alone, count, strict=True)]
        counts += [rows.sum() for rows in (*count, *without)]
        lost += [mine.power[without[0]].sum(), real.power[without[1]].sum()]
        scored = count[1][column]
        errors.append(_errors(mine.select(row), real.select(column))[scored])
    error = np.abs(np.concatenate(errors))
    bias = np.concatenate(errors)[:, 0]
    median, p90 = (
        np.nanquantile(error, q, axis=0) if len(error) else np.full(3, np.nan) for q in (0.5, 0.9)
    )
    return ClusterScore(
        measured=int(counts[1]),
        predicted=int(counts[0]),
        matched=int(counts[1] - counts[3]),
        missed=_share(counts[3], counts[1]),
        false=_share(counts[2], counts[0]),
        missed_power=_share(lost[1], theirs.power.sum()),
        false_power=_share(lost[0], ours.power.sum()),
        power_error_db=float(median[0]),
        power_error_db_p90=float(p90[0]),
        power_bias_db=float(np.median(bias)) if len(bias) else float("nan"),
        delay_error=float(median[1]),
        delay_error_p90=float(p90[1]),
        angle_error=float(median[2]),
        angle_error_p90=float(p90[2]),
    )


def _pairs(
    ours: Multipath, theirs: Multipath
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Rows of the matched clusters of one channel."""
    delay = ours.delay[:, None] - theirs.delay
    cosine = directions(ours.arrival) @ directions(theirs.arrival).T
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # What was not measured cannot tell two clusters apart.
    apart = np.hypot(np.nan_to_num(delay) / CLUSTER_DELAY, np.nan_to_num(angle) / CLUSTER_ANGLE)
    row, column = linear_sum_assignment(np.where(apart <= _GATE, apart, 1e3))
    near = apart[row, column] <= _GATE
    return row[near], column[near]


def _errors(ours: Multipath, theirs: Multipath) -> Float[np.ndarray, "m 3"]:
    """Power [dB], delay [s] and angle [rad] of matched clusters."""
    cosine = (directions(ours.arrival) * directions(theirs.arrival)).sum(axis=1)
    return np.column_stack(
        [
            10 * np.log10(ours.power / theirs.power),
            ours.delay - theirs.delay,
            np.arccos(np.clip(cosine, -1.0, 1.0)),
        ]
    )


def _significant(paths: Multipath) -> Bool[np.ndarray, " p"]:
    return paths.power >= paths.power.max(initial=0.0) * 10 ** (-SIGNIFICANT_DB / 10)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
