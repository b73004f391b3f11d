"""Snapshot-level metrics of measured and predicted paths, and the errors between them.

The metrics are those of `propagation.paths.link_metrics` (paper, table 3, M1 to M4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics, LinkSums

DIRECT_WITHIN = 2.0
"""Delay bins (1/bandwidth) around the straight line's delay in which the line of sight lies.

At 2 GHz 30 cm: position errors of the robot and of the delay estimate.
"""


@dataclass(frozen=True)
class SnapshotMetrics:
    """One entry a snapshot, (N,); NaN = not known or not defined.

    path_loss_db. delay_spread: s, RMS. azimuth_spread: rad, of arrival. k_factor_db: -inf
    without a line of sight, inf with nothing else.
    """

    path_loss_db: Float[np.ndarray, " n"]
    delay_spread: Float[np.ndarray, " n"]
    azimuth_spread: Float[np.ndarray, " n"]
    k_factor_db: Float[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.path_loss_db)


QUANTITIES: Mapping[str, tuple[str, float]] = {
    "path_loss_db": ("path_loss_db", 1.0),
    "delay_spread_ns": ("delay_spread", 1e9),
    "azimuth_spread_deg": ("azimuth_spread", 180 / np.pi),
    "k_factor_db": ("k_factor_db", 1.0),
}
"""Name in reports, with its unit: field of SnapshotMetrics, and the factor into that unit."""


MISS: Mapping[str, float] = {
    "path_loss_db": 30.0,
    "delay_spread_ns": 30.0,
    "azimuth_spread_deg": 60.0,
    "k_factor_db": 20.0,
}
"""Absolute error that a missing answer counts as, in the unit of its name.

Our choice: about the worst that an answer gets in the campaigns we have, so that saying nothing never
pays."""


@dataclass(frozen=True)
class ErrorSummary:
    """Of n absolute errors: median, quartile and 90th percentile; bias: median of predicted minus
    measured. NaN where n is 0."""

    n: int
    median: float
    p75: float
    p90: float
    bias: float


def snapshot_metrics(
    paths: Multipath, straight: Float[np.ndarray, " n"], bandwidth: Float[np.ndarray, " n"]
) -> SnapshotMetrics:
    """Metrics of every channel of `paths`.

    straight: (N,) s, delay of the free line of sight, NaN where there is none: the strongest path
    within DIRECT_WITHIN delay bins of it counts as the line of sight. A path without a delay or an
    azimuth counts only where none is needed.
    """
    direct = _direct(paths, straight, DIRECT_WITHIN / bandwidth)
    timed = np.isfinite(paths.delay)
    turned = np.isfinite(paths.arrival[:, 0])
    everything = _metrics(paths, np.ones(len(paths), bool), direct)
    no_delay = np.bincount(paths.channel[timed], minlength=paths.count) == 0
    return SnapshotMetrics(
        path_loss_db=np.where(np.isinf(everything.path_loss_db), np.nan, everything.path_loss_db),
        delay_spread=_metrics(paths, timed, direct).delay_spread,
        azimuth_spread=_metrics(paths, turned, direct).azimuth_spread,
        k_factor_db=np.where(no_delay, np.nan, everything.k_factor_db),
    )


def errors(
    predicted: SnapshotMetrics, measured: SnapshotMetrics
) -> dict[str, Float[np.ndarray, " n"]]:
    """Predicted minus measured of each of QUANTITIES; NaN where either has no finite value."""
    found = {}
    for name, (field, factor) in QUANTITIES.items():
        with np.errstate(invalid="ignore"):
            error = (getattr(predicted, field) - getattr(measured, field)) * factor
        found[name] = np.where(np.isfinite(error), error, np.nan)
    return found


def magnitudes(
    predicted: SnapshotMetrics, measured: SnapshotMetrics
) -> dict[str, Float[np.ndarray, " n"]]:
    """Absolute errors of each of QUANTITIES; a missing or infinite answer counts as MISS. NaN
    where nothing was measured, and throughout for a quantity that a predictor never speaks of."""
    found = {}
    for name, error in errors(predicted, measured).items():
        field = QUANTITIES[name][0]
        answers = bool((~np.isnan(getattr(predicted, field))).any())
        asked = np.isfinite(getattr(measured, field))
        size = np.where(asked & np.isnan(error), MISS[name], np.abs(error))
        found[name] = size if answers else np.full(len(size), np.nan)
    return found


def summary(error: Float[np.ndarray, " n"]) -> ErrorSummary:
    """Of signed errors; NaN entries are not counted."""
    known = error[np.isfinite(error)]
    if not len(known):
        return ErrorSummary(0, *[float("nan")] * 4)
    median, p75, p90 = np.quantile(np.abs(known), [0.5, 0.75, 0.9])
    return ErrorSummary(len(known), float(median), float(p75), float(p90), float(np.median(known)))


def _direct(
    paths: Multipath, straight: Float[np.ndarray, " n"], within: Float[np.ndarray, " n"]
) -> Bool[np.ndarray, " p"]:
    with np.errstate(invalid="ignore"):
        away = np.abs(paths.delay - straight[paths.channel])
        candidates = np.flatnonzero(away <= within[paths.channel])
    direct = np.zeros(len(paths), bool)
    order = candidates[np.lexsort((-paths.power[candidates], paths.channel[candidates]))]
    direct[order[np.diff(paths.channel[order], prepend=-1) > 0]] = True
    return direct


def _metrics(
    paths: Multipath, counted: Bool[np.ndarray, " p"], direct: Bool[np.ndarray, " p"]
) -> LinkMetrics:
    """Metrics over the paths `counted`."""
    rows = np.flatnonzero(counted)
    channel, power = paths.channel[rows], paths.power[rows]
    # Before the mean is taken off, so that a long flight does not drown a short spread.
    delay = np.nan_to_num(paths.delay[rows])
    first = np.full(paths.count, np.inf)
    np.minimum.at(first, channel, delay)
    excess = delay - first[channel]
    azimuth = np.nan_to_num(paths.arrival[rows, 0])

    def per_channel(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(channel, values, minlength=paths.count), float)

    return LinkSums(
        power=per_channel(power),
        free=per_channel(power),
        direct=per_channel(np.where(direct[rows], power, 0.0)),
        scattered=per_channel(np.where(direct[rows], 0.0, power)),
        delay=per_channel(power * excess),
        delay_square=per_channel(power * excess**2),
        phasor=per_channel(power * np.cos(azimuth)) + 1j * per_channel(power * np.sin(azimuth)),
        seen=per_channel(direct[rows].astype(float)),
        straight=np.zeros(paths.count),
    ).metrics(wavelength=np.nan)
