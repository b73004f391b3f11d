"""Beams chosen on predictions, judged on the measurement (paper, figure 18)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.beam_scores import BeamChoices
from visrftwin_ros.evaluation.figures.style import MEASURED, campaign_title, tidy
from visrftwin_ros.evaluation.results import Evaluation, Result


def beam_figure(state: Evaluation) -> Figure | None:
    """Share of best pairs found, and distributions of gain given away and of throughput."""
    scored = state.truth.scored
    judged: list[tuple[Result, BeamChoices]] = [
        (result, finding.detail)
        for result, finding in state.found("beams")
        if finding.detail.score(scored).n
    ]
    if not judged:
        return None
    figure = Figure(figsize=(14, 4.4), layout="constrained")
    count = judged[0][1].score(scored).n
    figure.suptitle(campaign_title(state, f"Beam pairs chosen on predictions (n={count})"))
    hits, loss, rate = figure.subplots(1, 3)
    for i, (result, beams) in enumerate(judged):
        score = beams.score(scored)
        colour = result.predictor.colour
        hits.bar(i - 0.19, score.top1, 0.36, color=colour)
        hits.bar(i + 0.19, score.top3, 0.36, color=colour, alpha=0.45, hatch="///", ec="white")
        rows = scored & np.isfinite(beams.rank)
        # Many chose alike: the first of the list stays visible under thinner lines.
        width = 4.0 if i == 0 else 1.4
        _distribution(loss, beams.loss_db[rows], colour, result.predictor.label, width)
        _distribution(rate, beams.throughput[rows] / 1e9, colour, result.predictor.label, width)
    best = judged[0][1].best_throughput
    _distribution(rate, best[scored & np.isfinite(best)] / 1e9, MEASURED, "best possible", 1.4)
    hits.set_xticks(
        range(len(judged)), [r.predictor.label for r, _ in judged], rotation=30, ha="right"
    )
    hits.set_ylim(0, 1)
    hits.set_title("solid: best pair chosen (top-1), hatched: in the top-3", fontsize=9)
    tidy(hits, "", "share of snapshots")
    tidy(loss, "gain given away against the best pair [dB]", "share of snapshots")
    tidy(rate, "throughput [Gbit/s]", "share of snapshots")
    loss.set_xlim(left=0)
    loss.legend(fontsize=8, loc="lower right")
    rate.legend(fontsize=8, loc="best")
    return figure


def _distribution(axes: Axes, values: np.ndarray, colour: str, label: str, width: float) -> None:
    ordered = np.sort(values[np.isfinite(values)])
    share = np.arange(1, len(ordered) + 1) / max(len(values), 1)
    if len(ordered):
        ordered, share = np.append(ordered[0], ordered), np.append(0.0, share)
    axes.step(ordered, share, where="post", color=colour, label=label, linewidth=width)
