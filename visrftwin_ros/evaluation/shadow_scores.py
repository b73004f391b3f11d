"""Shadow-loss traces against the truth: fades found, when they begin and how deep they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

FADE_DB = 3.0
"""A fade lasts while the loss is over this (the 3 dB width of reference measurements)."""
DEPTHS_DB = (FADE_DB, 10.0, 20.0, np.inf)
"""Fades are scored apart by how deep they are, from one of these to the next."""
DEEP_DB = 20.0
"""Fades up to here are what is asked for: below it a link lives on what few models carry."""
_GAP = 0.15
"""Seconds that a trace may dip under FADE_DB within one fade: fringes."""
_BESIDE = 0.3
"""Seconds around a fade in which a predicted one counts as the same, and that belong to its trace."""


@dataclass(frozen=True)
class Fade:
    """start: s, when the loss first crosses FADE_DB, between samples; end: s. depth_db: the most.
    begun: it was there when the trace, or its known part, began, so that its onset is not known."""

    start: float
    end: float
    depth_db: float
    begun: bool


@dataclass(frozen=True)
class Trace:
    """Shadow loss of one link over time: time (T,) s, ascending; predicted_db, true_db (T,)."""

    tx: str
    rx: str
    time: Float[np.ndarray, " t"]
    predicted_db: Float[np.ndarray, " t"]
    true_db: Float[np.ndarray, " t"]


@dataclass(frozen=True)
class DepthScore:
    """Of the true fades over `above_db` and up to `up_to_db` (null: any): how many, their samples
    (_BESIDE around them too, without those of deeper ones), and the RMSE over these."""

    above_db: float
    up_to_db: float | None
    fades: int
    samples: int
    rmse_db: float


@dataclass(frozen=True)
class ShadowScore:
    """Over the traces of all links.

    samples: compared; rmse_db: over all of them. fade_rmse_db: over the samples within true fades
    (and _BESIDE around them); fade_up_to_20_rmse_db: the same, of fades up to DEEP_DB deep;
    by_depth: by DEPTHS_DB. fades: true ones; matched: with a predicted fade beside; missed: share
    of the true without one; false: predicted ones beside no true fade. onset_error: s, over the
    `onsets` matched ones that began within the trace, and depth_error_db: median magnitudes, with
    90th percentiles and the medians with sign (positive = predicted late, too deep).
    """

    samples: int
    rmse_db: float
    fade_rmse_db: float
    fade_up_to_20_rmse_db: float
    by_depth: tuple[DepthScore, ...]
    fades: int
    matched: int
    missed: float
    false: int
    onsets: int
    onset_error: float
    onset_error_p90: float
    onset_bias: float
    depth_error_db: float
    depth_error_db_p90: float
    depth_bias_db: float


def fades(time: Float[np.ndarray, " t"], loss_db: Float[np.ndarray, " t"]) -> list[Fade]:
    """The fades of a trace, in order; NaN samples are no fade."""
    over = np.nan_to_num(loss_db, nan=-np.inf) > FADE_DB
    edge = np.diff(np.concatenate([[False], over, [False]]).astype(int))
    first, after = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    runs: list[list[int]] = []
    for i, j in zip(first, after, strict=True):
        if runs and time[i] - time[runs[-1][1] - 1] <= _GAP:
            runs[-1][1] = int(j)
        else:
            runs.append([int(i), int(j)])
    return [
        Fade(
            start=_crossing(time, loss_db, i),
            end=float(time[j - 1]),
            depth_db=float(np.nanmax(loss_db[i:j])),
            begun=i == 0 or not np.isfinite(loss_db[i - 1]),
        )
        for i, j in runs
    ]


def shadow_score(traces: Sequence[Trace]) -> ShadowScore:
    """Of predicted traces; samples where either side is not finite are left out."""
    error, depth_here = [], []
    pairs: list[tuple[Fade, Fade]] = []
    true_fades: list[Fade] = []
    false = 0
    for trace in traces:
        known = np.isfinite(trace.predicted_db) & np.isfinite(trace.true_db)
        time, true = trace.time[known], trace.true_db[known]
        predicted = trace.predicted_db[known]
        ours, theirs = fades(time, predicted), fades(time, true)
        found = matched_fades(ours, theirs)
        pairs += found
        true_fades += theirs
        false += sum(not any(_beside(fade, other) for other in theirs) for fade in ours)
        error.append(predicted - true)
        depth_here.append(_depth_here(time, theirs))
    errors, deep = (np.concatenate([np.zeros(0), *parts]) for parts in (error, depth_here))
    onset = np.array([a.start - b.start for a, b in pairs if not (a.begun or b.begun)])
    depth = np.array([ours.depth_db - theirs.depth_db for ours, theirs in pairs])
    return ShadowScore(
        samples=len(errors),
        rmse_db=_rms(errors),
        fade_rmse_db=_rms(errors[deep > 0]),
        fade_up_to_20_rmse_db=_rms(errors[(deep > 0) & (deep <= DEEP_DB)]),
        by_depth=tuple(
            DepthScore(
                above_db=low,
                up_to_db=high if np.isfinite(high) else None,
                fades=sum(low < fade.depth_db <= high for fade in true_fades),
                samples=int(((deep > low) & (deep <= high)).sum()),
                rmse_db=_rms(errors[(deep > low) & (deep <= high)]),
            )
            for low, high in pairwise(DEPTHS_DB)
        ),
        fades=len(true_fades),
        matched=len(pairs),
        missed=1 - len(pairs) / len(true_fades) if true_fades else float("nan"),
        false=false,
        onsets=len(onset),
        onset_error=_quantile(np.abs(onset), 0.5),
        onset_error_p90=_quantile(np.abs(onset), 0.9),
        onset_bias=_quantile(onset, 0.5),
        depth_error_db=_quantile(np.abs(depth), 0.5),
        depth_error_db_p90=_quantile(np.abs(depth), 0.9),
        depth_bias_db=_quantile(depth, 0.5),
    )


def matched_fades(ours: Sequence[Fade], theirs: Sequence[Fade]) -> list[tuple[Fade, Fade]]:
    """(predicted, true) pairs: each true fade with the nearest predicted one beside it, each
    predicted one once."""
    near = sorted(
        (abs(a.start - b.start), i, j)
        for i, a in enumerate(ours)
        for j, b in enumerate(theirs)
        if _beside(a, b)
    )
    taken: dict[int, int] = {}
    for _, i, j in near:
        if i not in taken and j not in taken.values():
            taken[i] = j
    return [(ours[i], theirs[j]) for i, j in sorted(taken.items())]


def _beside(a: Fade, b: Fade) -> bool:
    return a.start <= b.end + _BESIDE and b.start <= a.end + _BESIDE


def _depth_here(time: Float[np.ndarray, " t"], found: Sequence[Fade]) -> Float[np.ndarray, " t"]:
    """(T,) dB: how deep the deepest fade is that a sample belongs to, 0 where there is none."""
    depth = np.zeros(len(time))
    for fade in found:
        inside = (time >= fade.start - _BESIDE) & (time <= fade.end + _BESIDE)
        depth[inside] = np.maximum(depth[inside], fade.depth_db)
    return depth


def _crossing(time: np.ndarray, loss_db: np.ndarray, i: int) -> float:
    """When the loss crosses FADE_DB on its way to sample `i`."""
    if i == 0 or not np.isfinite(loss_db[i - 1]):
        return float(time[i])
    before, here = loss_db[i - 1], loss_db[i]
    share = (FADE_DB - before) / (here - before) if np.isfinite(here) else 1.0
    return float(time[i - 1] + share * (time[i] - time[i - 1]))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def _quantile(values: np.ndarray, q: float) -> float:
    return float(np.quantile(values, q)) if len(values) else float("nan")
