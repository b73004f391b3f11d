"""How sure a number is: intervals by resampling whole groups, and paired tests between predictors.

Snapshots a step apart are nearly alike, so that resampling them one by one would make any number
look sure. What is drawn again is a group of them: a stretch of the drive, or a whole campaign where
there are several (Künsch, Annals of Statistics 17, 1989; Davison and Hinkley, Bootstrap Methods and
their Application, 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import wilcoxon

LEVEL = 0.95
"""Share of resamples within an interval."""
RESAMPLES = 1000
_SEED = 20260101


@dataclass(frozen=True)
class Paired:
    """Two predictors' absolute errors on the same snapshots.

    pairs: groups with snapshots of both. difference: median over the groups of the first's median
    error less the second's, with its interval low to high; negative = the first errs less. p: of
    Wilcoxon's signed-rank test, two-sided, of no difference; NaN without pairs.
    """

    pairs: int
    difference: float
    low: float
    high: float
    p: float


def quantile_intervals(
    values: Float[np.ndarray, " n"], group: Int[np.ndarray, " n"], quantiles: Sequence[float]
) -> Float[np.ndarray, "q 2"]:
    """Low and high end of the percentile interval of each quantile of `values`, whole groups drawn
    again; NaN where there are fewer than two groups."""
    names, number = np.unique(group, return_inverse=True)
    if len(names) < 2:
        return np.full((len(quantiles), 2), np.nan)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    until = np.cumsum(_draws(len(names))[:, number[order]], axis=1)
    drawn = np.stack([_quantile(ordered, until, q) for q in quantiles])
    return np.asarray(np.quantile(drawn, _ends(), axis=1).T)


def mean_interval(values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Of the mean over n campaigns, which are drawn again; NaN for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    low, high = np.quantile(_draws(len(values)) @ values / len(values), _ends())
    return float(low), float(high)


def paired(
    first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"], group: Int[np.ndarray, " n"]
) -> Paired:
    """Of two predictors' absolute errors, NaN where one has none."""
    both = np.isfinite(first) & np.isfinite(second)
    difference = np.array(
        [
            np.median(first[rows]) - np.median(second[rows])
            for rows in (both & (group == name) for name in np.unique(group[both]))
        ]
    )
    if not len(difference):
        return Paired(0, *[float("nan")] * 4)
    low, high = quantile_intervals(difference, np.arange(len(difference)), [0.5])[0]
    p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
    return Paired(len(difference), float(np.median(difference)), float(low), float(high), p)


@cache
def _draws(groups: int) -> Int[np.ndarray, "draws groups"]:
    """How often each group is in each resample; the same for the same number of groups."""
    picked = np.random.default_rng(_SEED).integers(0, groups, (RESAMPLES, groups))
    return np.stack([np.bincount(row, minlength=groups) for row in picked])


def _quantile(
    ordered: Float[np.ndarray, " n"], until: Int[np.ndarray, "draws n"], q: float
) -> Float[np.ndarray, " draws"]:
    """numpy's linear quantile of each resample, of which `until` says how many lie up to each."""
    place = (until[:, -1] - 1) * q
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, until[:, -1] - 1)
    first, second = (ordered[(until <= rank[:, None]).sum(axis=1)] for rank in (below, above))
    return np.asarray(first + (place - below) * (second - first))


def _ends() -> list[float]:
    return [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
