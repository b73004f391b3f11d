"""Figures 12, 15 and 16: how large the errors are, of all campaigns of a site."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from visrftwin_ros.evaluation.figures.paper.columns import (
    WIDTH,
    Column,
    gap_patch,
    small_axes,
)
from visrftwin_ros.evaluation.figures.style import AXIS_NAMES, say_nothing
from visrftwin_ros.evaluation.metric_scores import QUANTITIES
from visrftwin_ros.evaluation.pooled_errors import scored_magnitudes
from visrftwin_ros.evaluation.study import Study, pooled

PAPER_SITES = ("lobby", "lecture_room", "street")
"""The counterparts of the paper's lobby, conference room and outdoor scene."""


def delay_spread_bars(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 12: median error of the delay spread with its interval, and the 75th percentile."""
    found = {predictor.name: cells for predictor, cells in pooled(study, site).items()}
    figure = Figure(figsize=(WIDTH, 0.24 * len(shown) + 0.95), layout="constrained")
    axes = figure.subplots()
    for row, column in enumerate(shown):
        one = found[column.name]["delay_spread_ns"] if column.name in found else None
        if one is None or not one.n:
            axes.text(0.2, row, column.why or "nothing scored", va="center", color="0.45", size=6)
            continue
        axes.barh(row, one.median, 0.62, color=column.colour)
        axes.plot([one.median_low, one.median_high], [row, row], color="0.1", lw=1.2)
        axes.plot([one.p75], [row], "|", ms=8, mew=1.2, color="0.1")
        axes.annotate(
            f"{one.median:.1f}", (max(one.p75, one.median_high), row), (4, 0),
            textcoords="offset points", va="center", size=6,
        )  # fmt: skip
    axes.set_yticks(range(len(shown)), [column.label for column in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.08)
    small_axes(
        axes, "delay-spread error [ns]: median,\nline: its 95 % interval, |: 75th percentile", ""
    )
    axes.grid(False, axis="y")
    return figure


def zero_and_few_shot(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 15: distributions of the four errors, before and after fine tuning."""
    states = study.sites[site]
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    for axes, name in zip(figure.subplots(2, 2).flat, QUANTITIES, strict=True):
        if name in states[0].truth.lacking:
            say_nothing(axes, f"{AXIS_NAMES[name]}:\nnot scored")
            continue
        shown_to = 0.0
        for column in shown:
            known = np.sort(scored_magnitudes(states, column.name, name))
            if not len(known):
                continue
            share = np.arange(1, len(known) + 1) / len(known)
            axes.step(known, share, where="post", lw=1, color=column.colour, label=column.label)
            shown_to = max(shown_to, float(np.quantile(known, 0.95)))
        axes.set_xlim(0, shown_to or 1)
        axes.set_ylim(0, 1)
        small_axes(axes, f"error, {AXIS_NAMES[name].replace(' of arrival', '')}", "share")
    lines = figure.axes[0].get_lines()
    gaps = [gap_patch(column) for column in shown if column.why]
    figure.legend(handles=[*lines, *gaps], loc="outside lower center", ncol=2)
    return figure


def across_sites(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 16: median error of the delay spread by site, whiskers to the 90th percentile."""
    others = [name for name in study.sites if name not in PAPER_SITES]
    sites = [*PAPER_SITES, *others]
    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    axes = figure.subplots()
    width = 0.84 / len(shown)
    for place, name in enumerate(sites):
        if name not in study.sites:
            axes.text(place, 0.3, "no campaign\nhere", ha="center", color="0.45", size=6)
            continue
        found = {predictor.name: cells for predictor, cells in pooled(study, name).items()}
        for k, column in enumerate(shown):
            x = place - 0.42 + (k + 0.5) * width
            if column.name not in found or not found[column.name]["delay_spread_ns"].n:
                continue
            one = found[column.name]["delay_spread_ns"]
            axes.bar(x, one.median, 0.9 * width, color=column.colour)
            axes.plot([x, x], [one.median, one.p90], color="0.25", lw=0.8)
    counts = {name: len(states) for name, states in study.sites.items()}
    axes.set_xticks(
        range(len(sites)),
        [f"{name.replace('_', ' ')}\n{counts.get(name, 0)} campaign(s)" for name in sites],
    )
    axes.set_xlim(-0.55, len(sites) - 0.45)
    small_axes(axes, "", "delay-spread error [ns],\nmedian to 90th percentile")
    axes.grid(False, axis="x")
    named = [Patch(color=c.colour, label=c.label) if not c.why else gap_patch(c) for c in shown]
    figure.legend(handles=named, loc="outside upper center", ncol=2)
    return figure
