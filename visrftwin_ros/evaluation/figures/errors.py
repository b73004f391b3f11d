"""How large the errors are: distributions and quantiles (paper, figures 12 and 18)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.style import AXIS_NAMES, campaign_title, say_nothing, tidy
from visrftwin_ros.evaluation.metric_scores import QUANTITIES, magnitudes, summary
from visrftwin_ros.evaluation.results import Evaluation


def cdf_figure(state: Evaluation) -> Figure:
    """Distributions of the absolute errors of the four metrics, one line a predictor."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    figure.suptitle(campaign_title(state, "Errors on the scored snapshots"))
    for axes, name in zip(figure.subplots(2, 2).flat, QUANTITIES, strict=True):
        shown = 0.0
        if _unknown(axes, state, name):
            continue
        for result in state.results:
            error = magnitudes(result.metrics, state.truth.measured.metrics)[name]
            known = np.sort(error[state.truth.scored & np.isfinite(error)])
            if not len(known):
                continue
            share = np.arange(1, len(known) + 1) / len(known)
            label = f"{result.predictor.label}: median {np.median(known):.3g} (n={len(known)})"
            front = 3 if result is state.under_test else 2
            axes.step(
                np.concatenate([[0], known]),
                np.concatenate([[0], share]),
                where="post",
                color=result.predictor.colour,
                linewidth=2.2 if result is state.under_test else 1.3,
                label=label,
                zorder=front,
            )
            shown = max(shown, float(np.quantile(known, 0.9)))
        axes.set_xlim(0, 1.05 * shown if shown > 0 else 1)
        axes.set_ylim(0, 1.02)
        tidy(axes, f"absolute error of {AXIS_NAMES[name]}", "share of snapshots")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7.5, loc="lower right")
    return figure


def quantile_figure(state: Evaluation) -> Figure:
    """Median bars with whiskers from the quartile to the 90th percentile, LoS and NLoS apart."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    figure.suptitle(
        campaign_title(state, "Median error (bar), 75th (tick) and 90th percentile (whisker)")
    )
    subsets = {name: rows for name, rows in state.truth.subsets.items() if name != "all"}
    for axes, name in zip(figure.subplots(2, 2).flat, QUANTITIES, strict=True):
        labels = []
        if _unknown(axes, state, name):
            continue
        for i, result in enumerate(state.results):
            error = magnitudes(result.metrics, state.truth.measured.metrics)[name]
            labels.append(result.predictor.label)
            for k, rows in enumerate(subsets.values()):
                found = summary(error[rows])
                if not found.n:
                    continue
                x = i + (k - 0.5) * 0.4
                axes.bar(
                    x,
                    found.median,
                    0.36,
                    color=result.predictor.colour,
                    alpha=1.0 if k == 0 else 0.45,
                    hatch="" if k == 0 else "///",
                    edgecolor="white",
                )
                axes.plot([x, x], [found.median, found.p90], color="0.25", linewidth=1)
                axes.plot([x], [found.p75], marker="_", color="0.25", markersize=8)
        axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right", fontsize=8)
        los, nlos = (int(rows.sum()) for rows in subsets.values())
        axes.set_title(f"left, solid: LoS (n={los}); right, hatched: NLoS (n={nlos})", fontsize=8)
        tidy(axes, "", f"absolute error of {AXIS_NAMES[name]}")
    return figure


def _unknown(axes: Axes, state: Evaluation, quantity: str) -> bool:
    """Says so in the panel of a quantity that the campaign does not tell."""
    why = state.truth.lacking.get(quantity)
    if why:
        say_nothing(axes, f"{AXIS_NAMES[quantity]}: not scored,\n{why}")
    return bool(why)
