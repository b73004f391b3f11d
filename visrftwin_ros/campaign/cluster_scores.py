"""Cluster-level scores C1 and C2: predicted clusters matched with measured ones (paper, 6.1, 6.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from visrftwin_ros.campaign.path_lists import PathLists, directions, grouped, merged

CLUSTER_DELAY, CLUSTER_ANGLE = 5e-9, np.radians(20.0)
"""Paths this close to a cluster's strongest one belong to it: 1.5 m and about one horn's beam.

The paper prints no radii; these are ours.
"""
_GATE = 1.5
"""Clusters match up to so many radii apart, in delay and angle together."""


@dataclass(frozen=True)
class ClusterScore:
    """Over all snapshots. matched: pairs; missed, false: shares of the measured and of the predicted
    clusters without a partner; missed_power: share of the measured power in missed ones. Errors
    over the pairs: median and 90th percentile of the magnitude, power [dB], delay [s] and arrival
    angle [rad]; power_bias_db: median of predicted minus measured.
    """

    measured: int
    predicted: int
    matched: int
    missed: float
    false: float
    missed_power: float
    power_error_db: float
    power_error_db_p90: float
    power_bias_db: float
    delay_error: float
    delay_error_p90: float
    angle_error: float
    angle_error_p90: float


def clusters(paths: PathLists) -> PathLists:
    """The clusters of each channel as one path each, by power."""
    parts = []
    for channel in range(paths.count):
        own = paths.of(channel)
        parts.append(merged(own, grouped(own, CLUSTER_DELAY, CLUSTER_ANGLE)))
    return PathLists.joined(parts)


def cluster_score(predicted: PathLists, measured: PathLists) -> ClusterScore:
    """Of predicted against measured paths of the same channels, both above the same floor."""
    ours, theirs = clusters(predicted), clusters(measured)
    pairs = [_matched(ours.of(i), theirs.of(i)) for i in range(theirs.count)]
    error = np.concatenate([np.zeros((0, 3)), *(found for found, _ in pairs)])
    power_lost = sum(lost for _, lost in pairs)
    matched = len(error)
    median, p90 = (
        np.quantile(np.abs(error), q, axis=0) if matched else np.full(3, np.nan) for q in (0.5, 0.9)
    )
    return ClusterScore(
        measured=len(theirs),
        predicted=len(ours),
        matched=matched,
        missed=_share(len(theirs) - matched, len(theirs)),
        false=_share(len(ours) - matched, len(ours)),
        missed_power=_share(power_lost, float(theirs.power.sum())),
        power_error_db=float(median[0]),
        power_error_db_p90=float(p90[0]),
        power_bias_db=float(np.median(error[:, 0])) if matched else float("nan"),
        delay_error=float(median[1]),
        delay_error_p90=float(p90[1]),
        angle_error=float(median[2]),
        angle_error_p90=float(p90[2]),
    )


def _matched(ours: PathLists, theirs: PathLists) -> tuple[Float[np.ndarray, "m 3"], float]:
    """Errors (power dB, delay s, angle rad) of the matched clusters of one channel, and the measured
    power that found no partner."""
    if not len(ours) or not len(theirs):
        return np.zeros((0, 3)), float(theirs.power.sum())
    delay = ours.delay[:, None] - theirs.delay
    cosine = directions(ours.arrival) @ directions(theirs.arrival).T
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # What was not measured cannot tell two clusters apart.
    apart = np.hypot(np.nan_to_num(delay) / CLUSTER_DELAY, np.nan_to_num(angle) / CLUSTER_ANGLE)
    row, column = linear_sum_assignment(np.where(apart <= _GATE, apart, 1e3))
    near = apart[row, column] <= _GATE
    row, column = row[near], column[near]
    power = 10 * np.log10(ours.power[row] / theirs.power[column])
    lost = float(np.delete(theirs.power, column).sum())
    return np.column_stack([power, delay[row, column], angle[row, column]]), lost


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
