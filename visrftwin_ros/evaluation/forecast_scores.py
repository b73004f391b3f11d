"""Did the fade come when the forecast said? Forecasts against what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MATTERS_DB = 1.0
"""Coverage counts where forecast or truth exceeds this: on a quiet link every bound holds."""


@dataclass(frozen=True)
class ForecastScore:
    """Of warnings of a fade over `threshold_db` within the longest horizon, on links clear now.

    moments: forecasts on clear links; fades: those after which a fade came. hit_rate: of the
    fades, warned of. false_alarms: of the warnings, no fade came. Each for the mean and for the
    upper bound. onset_error: seconds, median of predicted minus true onset over the hits of the
    mean, and onset_error_p90 the 90th percentile of its magnitude. onsets: separate fades;
    onsets_warned, onsets_warned_by_bound: of these, warned of half a second before.
    """

    threshold_db: float
    moments: int
    fades: int
    hit_rate: float
    false_alarms: float
    hit_rate_bound: float
    false_alarms_bound: float
    onset_error: float
    onset_error_p90: float
    onsets: int
    onsets_warned: float
    onsets_warned_by_bound: float


def score_forecasts(
    truth: Array, step: float, at: NDArray[np.intp], horizons: Array, mean: Array, upper: Array,
    threshold_db: float,
) -> ForecastScore:  # fmt: skip
    """truth: (T, L) loss in dB every `step` seconds. at: (F,) rows of it at which forecasts were
    made. horizons: (H,) seconds. mean, upper: (F, L, H) dB. Links without a truth (nan) count
    nowhere."""
    ahead = round(float(horizons[-1]) / step)
    inside = at + ahead < len(truth)
    at, mean, upper = at[inside], mean[inside], upper[inside]
    now = truth[at]
    window = np.stack([truth[at + k] for k in range(1, ahead + 1)])  # (K, F, L)
    clear = now < threshold_db
    over = window > threshold_db
    came = over.any(axis=0) & clear
    warned, bound = ((values > threshold_db).any(axis=2) & clear for values in (mean, upper))
    hits = came & warned
    true_onset = (over.argmax(axis=0) + 1) * step
    error = (_crossing(now, mean, horizons, threshold_db) - true_onset)[hits]
    onset = _onsets(truth, threshold_db, round(0.5 / step))
    half = round(0.5 / step)
    early = np.zeros_like(came)
    for back in range(half - 1, half + round(0.2 / step)):
        rows = np.minimum(at + back, len(truth) - 1)
        early |= onset[rows] & clear
    return ForecastScore(
        threshold_db=threshold_db,
        moments=int(clear.sum()),
        fades=int(came.sum()),
        hit_rate=_share(warned, came),
        false_alarms=1 - _share(came, warned),
        hit_rate_bound=_share(bound, came),
        false_alarms_bound=1 - _share(came, bound),
        onset_error=float(np.median(error)) if len(error) else float("nan"),
        onset_error_p90=float(np.quantile(np.abs(error), 0.9)) if len(error) else float("nan"),
        onsets=int(onset.sum()),
        onsets_warned=_share(warned, early),
        onsets_warned_by_bound=_share(bound, early),
    )


def coverage(
    truth: Array, step: float, at: NDArray[np.intp], horizons: Array, upper: Array
) -> Array:
    """(H,) share of the moments that matter in which the loss stayed within the bound.

    Arguments as in `score_forecasts`.
    """
    shares = []
    for h, horizon in enumerate(horizons):
        rows = at + round(float(horizon) / step)
        inside = rows < len(truth)
        then, bound = truth[rows[inside]], upper[inside, :, h]
        matters = np.maximum(then, bound) > _MATTERS_DB
        shares.append(float((then <= bound + 1e-6)[matters].mean()) if matters.any() else np.nan)
    return np.array(shares)


def _onsets(truth: Array, threshold_db: float, quiet: int) -> NDArray[np.bool_]:
    """(T, L) where a fade starts that `quiet` rows without one went before."""
    over = truth > threshold_db
    onset = over.copy()
    for back in range(1, quiet + 1):
        onset[back:] &= ~over[:-back]
        onset[:back] = False
    return onset


def _crossing(now: Array, mean: Array, horizons: Array, threshold_db: float) -> Array:
    """(F, L) seconds until the forecast, straight between horizons, first exceeds the threshold."""
    times = np.concatenate([[0.0], horizons])
    course = np.concatenate([now[..., None], mean], axis=2)
    first = np.maximum((course > threshold_db).argmax(axis=2), 1)
    pick = np.take_along_axis
    before = pick(course, first[..., None] - 1, axis=2)[..., 0]
    after = pick(course, first[..., None], axis=2)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((threshold_db - before) / (after - before), 0.0, 1.0)
    return np.asarray(times[first - 1] + share * (times[first] - times[first - 1]))


def _share(what: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(what[among].mean()) if among.any() else float("nan")
