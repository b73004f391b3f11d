"""The four metrics over the campaign, measured and predicted (paper, figure 11 a to d)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.style import AXIS_NAMES, MEASURED, campaign_title, tidy
from visrftwin_ros.evaluation.metric_scores import QUANTITIES
from visrftwin_ros.evaluation.results import Evaluation

_MOST_LINKS = 3
"""Columns; a campaign with more links shows those with most snapshots."""


def trace_figure(state: Evaluation) -> Figure:
    """One column a link, one row a metric, over time; NLoS times shaded; more lines than those of
    headline predictors would hide one another."""
    asked = state.truth.measured.questions
    links = list(zip(asked.tx, asked.rx, strict=True))
    order = sorted(set(links), key=lambda link: (-links.count(link), link))[:_MOST_LINKS]
    figure = Figure(figsize=(5 * len(order) + 2, 10), layout="constrained")
    figure.suptitle(campaign_title(state, "Metrics over the campaign"))
    grid = figure.subplots(len(QUANTITIES), len(order), sharex="col", squeeze=False)
    begin = int(asked.stamp_ns[0])
    for column, link in enumerate(order):
        rows = np.flatnonzero([entry == link for entry in links])
        time = (asked.stamp_ns[rows] - begin) * 1e-9
        grid[0, column].set_title(f"{link[0]} → {link[1]} (n={len(rows)})", fontsize=10)
        for axes, (name, (field, factor)) in zip(grid[:, column], QUANTITIES.items(), strict=True):
            _shade_hidden(axes, time, asked.line_of_sight[rows])
            for result in state.results:
                if not result.predictor.headline:
                    continue
                axes.plot(
                    time,
                    _drawable(getattr(result.metrics, field)[rows] * factor),
                    color=result.predictor.colour,
                    linewidth=1.2,
                    label=result.predictor.label,
                )
            axes.plot(
                time,
                _drawable(getattr(state.truth.measured.metrics, field)[rows] * factor),
                color=MEASURED,
                marker="o",
                markersize=2.5,
                linewidth=0.8,
                label="measured",
            )
            tidy(axes, "", AXIS_NAMES[name] if column == 0 else "")
        grid[-1, column].set_xlabel("time [s]")
    named = {}
    for axes in grid[0]:
        named.update(dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True)))
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncol=6, fontsize=9)
    return figure


def _shade_hidden(axes: Axes, time: np.ndarray, seen: np.ndarray) -> None:
    half = np.diff(time).mean() / 2 if len(time) > 1 else 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~seen, [False]]).astype(int)))
    for i, (first, after) in enumerate(edges.reshape(-1, 2)):
        axes.axvspan(
            time[first] - half,
            time[after - 1] + half,
            color="0.93",
            zorder=0,
            label="no line of sight" if i == 0 else None,
        )


def _drawable(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)
