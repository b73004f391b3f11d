"""Errors of one predictor over the snapshots of one or several campaigns, and against another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.evaluation.metric_scores import QUANTITIES, errors, magnitudes
from visrftwin_ros.evaluation.results import Evaluation
from visrftwin_ros.evaluation.statistics import Paired, paired, quantile_intervals

QUANTILES = (0.5, 0.75, 0.9)


@dataclass(frozen=True)
class ErrorScore:
    """Of n absolute errors, the `missed` ones among them counted as `metric_scores.MISS`: median,
    75th and 90th percentile, each with the low and high end of its interval; bias: median of
    predicted minus measured, of those answered. NaN where n is 0, or an interval's groups too few.
    """

    n: int
    missed: int
    median: float
    median_low: float
    median_high: float
    p75: float
    p75_low: float
    p75_high: float
    p90: float
    p90_low: float
    p90_high: float
    bias: float


def error_scores(
    states: Sequence[Evaluation], predictor: str
) -> Mapping[str, Mapping[str, ErrorScore]]:
    """By quantity and subset of the scored snapshots."""
    signed, size, seen, group = _stacked(states, predictor)
    subsets = {"all": np.ones(len(seen), bool), "los": seen, "nlos": ~seen}
    return {
        quantity: {
            name: _score(signed[quantity][rows], size[quantity][rows], group[rows])
            for name, rows in subsets.items()
        }
        for quantity in QUANTITIES
    }


def paired_errors(states: Sequence[Evaluation], first: str, second: str) -> Mapping[str, Paired]:
    """By quantity, over all scored snapshots."""
    _, ours, _, group = _stacked(states, first)
    _, theirs, _, _ = _stacked(states, second)
    return {name: paired(ours[name], theirs[name], group) for name in QUANTITIES}


def scored_magnitudes(states: Sequence[Evaluation], predictor: str, quantity: str) -> np.ndarray:
    """Absolute errors on the scored snapshots that have one, of all campaigns."""
    size = _stacked(states, predictor)[1][quantity]
    return np.asarray(size[np.isfinite(size)])


def _stacked(
    states: Sequence[Evaluation], predictor: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray, Int[np.ndarray, " n"]]:
    """Signed and absolute errors by quantity, line of sight, and group to draw again: a stretch of
    the one campaign, or a campaign of several."""
    signed: dict[str, list[np.ndarray]] = {name: [] for name in QUANTITIES}
    size: dict[str, list[np.ndarray]] = {name: [] for name in QUANTITIES}
    seen, group = [np.zeros(0, bool)], [np.zeros(0, int)]
    for number, state in enumerate(states):
        result, truth = state.result(predictor), state.truth
        if result is None:
            continue
        rows = truth.scored
        own = errors(result.metrics, truth.measured.metrics)
        absolute = magnitudes(result.metrics, truth.measured.metrics)
        for name in QUANTITIES:
            signed[name].append(own[name][rows])
            size[name].append(absolute[name][rows])
        seen.append(truth.measured.questions.line_of_sight[rows])
        stretch = truth.split.stretch[rows]
        group.append(stretch if len(states) == 1 else np.full(len(stretch), number))
    return (
        {name: np.concatenate([np.zeros(0), *parts]) for name, parts in signed.items()},
        {name: np.concatenate([np.zeros(0), *parts]) for name, parts in size.items()},
        np.concatenate(seen),
        np.concatenate(group),
    )


def _score(
    signed: Float[np.ndarray, " n"], size: Float[np.ndarray, " n"], group: Int[np.ndarray, " n"]
) -> ErrorScore:
    known = np.isfinite(size)
    if not known.any():
        return ErrorScore(0, 0, *[float("nan")] * 10)
    answered = np.isfinite(signed) & known
    found = {}
    ends = quantile_intervals(size[known], group[known], QUANTILES)
    for name, q, (low, high) in zip(("median", "p75", "p90"), QUANTILES, ends, strict=True):
        found[name] = float(np.quantile(size[known], q))
        found[f"{name}_low"], found[f"{name}_high"] = float(low), float(high)
    return ErrorScore(
        n=int(known.sum()),
        missed=int((known & ~answered).sum()),
        bias=float(np.median(signed[answered])) if answered.any() else float("nan"),
        **found,
    )
