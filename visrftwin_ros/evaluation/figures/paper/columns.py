"""What a figure of the paper shows side by side, and which of it this package does not have yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from visrftwin_ros.evaluation import predictors
from visrftwin_ros.evaluation.study import Study

WIDTH = 3.33
"""Inches of one column of a two-column page."""
FONT = 7
_NOT_BUILT = {"pointnet_all": "PointNet (100 %)"}
"""What the paper compares, by the name that its predictor will have here."""

compact = partial(rc_context, {"font.size": FONT, "axes.titlesize": FONT, "legend.fontsize": 6})
"""Sizes that are read in one column."""


@dataclass(frozen=True)
class Column:
    """One predictor of a figure. colour: "" where there is none yet. why: it has no numbers."""

    name: str
    label: str
    colour: str
    why: str = ""


def columns(names: Sequence[str], study: Study, site: str) -> tuple[Column, ...]:
    """In that order; what is not built, or did not answer in this study, says so."""
    answered = {predictor.name for predictor in study.predictors(site)}
    there = {predictor.name: predictor for predictor in predictors.PREDICTORS}
    found = []
    for name in names:
        if name not in there:
            found.append(Column(name, _NOT_BUILT[name], "", "not built yet"))
        else:
            own = there[name]
            why = "" if name in answered else "no answer"
            found.append(Column(name, own.label, own.colour, why))
    return tuple(found)


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
