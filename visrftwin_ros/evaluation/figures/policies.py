"""What hand-over policies cost over an oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.style import tidy

_OURS, _OTHERS = "#d1495b", "#8d99ae"


class Summed(Protocol):
    """A policy's sums: a `decision_summary.PolicySummary`."""

    @property
    def policy(self) -> str: ...

    @property
    def regret(self) -> float: ...

    @property
    def regret_interval(self) -> tuple[float, float]: ...

    @property
    def hand_overs(self) -> int: ...


def policy_figure(summaries: Mapping[str, Sequence[Summed]], ours: str) -> Figure:
    """A panel for each kind of hand-over: seconds out of service over the oracle, with their intervals, and how many
    hand-overs it took; ours: the policy whose bars stand out."""
    drawn = Figure(figsize=(4.2 * len(summaries), 3.6), layout="constrained")
    panels = np.atleast_1d(drawn.subplots(1, len(summaries), sharex=True, sharey=True))
    for axes, (kind, lines) in zip(panels, summaries.items(), strict=True):
        rows = np.arange(len(lines))
        regret = np.array([line.regret for line in lines])
        bounds = np.array([line.regret_interval for line in lines])
        around = np.maximum(np.stack([regret - bounds[:, 0], bounds[:, 1] - regret]), 0.0)
        colours = [_OURS if line.policy == ours else _OTHERS for line in lines]
        axes.barh(
            rows, regret, color=colours, xerr=around, error_kw={"elinewidth": 1, "capsize": 2}
        )
        for row, line in zip(rows.tolist(), lines, strict=True):
            end = max(line.regret, line.regret_interval[1], 0.0)
            text = f"{line.hand_overs} hand-over{'s' * (line.hand_overs != 1)}"
            axes.annotate(
                text, (end, row), (5, 0), textcoords="offset points", va="center", fontsize=7
            )
        axes.set_yticks(rows, [line.policy for line in lines])
        axes.set_title(f"meanwhile {kind}", fontsize=9)
        axes.margins(x=0.25)
        tidy(axes, "s out of service over the oracle's", "")
    panels[0].invert_yaxis()
    return drawn
