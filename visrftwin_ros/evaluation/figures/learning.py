"""How far those that learn have come: what they miss over the steps of their training."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.style import campaign_title, tidy
from visrftwin_ros.evaluation.results import Evaluation

_SMOOTH = 0.05
"""Of the steps, over which a loss is averaged: each is one batch's."""


def learning_figure(state: Evaluation) -> Figure | None:
    """Each one's loss as a share of what it began with, over the share of its steps; None where nobody learns by
    steps."""
    learners = [
        (result.predictor, result.losses) for result in state.results if result.losses is not None
    ]
    if not learners:
        return None
    figure = Figure(figsize=(8, 5), layout="constrained")
    figure.suptitle(campaign_title(state, "What the learning ones still miss, over their training"))
    axes = figure.subplots()
    for predictor, losses in learners:
        smooth = running_mean(losses, max(1, round(_SMOOTH * len(losses))))
        late = smooth[round(0.8 * (len(smooth) - 1))]
        axes.plot(
            np.linspace(0.0, 1.0, len(smooth)),
            smooth / smooth[0],
            color=predictor.colour,
            label=f"{predictor.label}: {len(losses)} steps, "
            f"{100 * (1 - smooth[-1] / late):.0f} % less in the last fifth",
        )
    axes.set_yscale("log")
    tidy(axes, "share of its steps", "loss, as a share of the first")
    axes.legend(fontsize=8)
    return figure


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """(N - width + 1,) means of each `width` that follow one another."""
    return np.asarray(np.convolve(values, np.full(width, 1.0 / width), "valid"))
