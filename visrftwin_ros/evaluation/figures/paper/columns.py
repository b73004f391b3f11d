"""What a figure of the paper shows side by side, and which of it has no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from visrftwin_ros.evaluation.predictors import predictor_named
from visrftwin_ros.evaluation.study import Study

WIDTH = 3.33
"""Inches of one column of a two-column page."""
FONT = 7

compact = partial(rc_context, {"font.size": FONT, "axes.titlesize": FONT, "legend.fontsize": 6})
"""Sizes that are read in one column."""


@dataclass(frozen=True)
class Column:
    """One predictor of a figure. why: it has no numbers."""

    name: str
    label: str
    colour: str
    why: str = ""


def columns(names: Sequence[str], study: Study, site: str) -> tuple[Column, ...]:
    """In that order; one that did not answer in this study says so."""
    answered = {predictor.name for predictor in study.predictors(site)}
    return tuple(
        Column(own.name, own.label, own.colour, "" if own.name in answered else "no answer")
        for own in map(predictor_named, names)
    )


def gap_patch(column: Column) -> Patch:
    """Its entry in a legend."""
    return Patch(
        facecolor="white", edgecolor="0.6", hatch="////", label=f"{column.label}: {column.why}"
    )


def small_axes(axes: Axes, x: str, y: str) -> None:
    """Names and a faint grid, for small panels."""
    axes.set_xlabel(x, labelpad=1)
    axes.set_ylabel(y, labelpad=1)
    axes.tick_params(pad=1.5, length=2)
    axes.grid(True, color="0.9", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
