"""Errors and losses over distance and over the floor plan (paper, figures 11 e and 13)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from visrftwin_ros.evaluation.figures.style import MEASURED, campaign_title, tidy
from visrftwin_ros.evaluation.metric_scores import errors
from visrftwin_ros.evaluation.results import Evaluation, Result
from visrftwin_ros.site.model import Box

_LOW, _HIGH = 0.15, 3.0
"""Metres: surfaces drawn on a floor plan reach over the one and begin under the other."""


def distance_figure(state: Evaluation) -> Figure:
    """Path loss over the distance of the antennas, measured and predicted."""
    asked, scored = state.truth.measured.questions, state.truth.scored
    subsets = {
        "line of sight": scored & asked.line_of_sight,
        "no line of sight": scored & ~asked.line_of_sight,
    }
    subsets = {title: rows for title, rows in subsets.items() if rows.any()}
    figure = Figure(figsize=(2 + 5.5 * len(subsets), 5), layout="constrained")
    figure.suptitle(campaign_title(state, "Path loss over distance"))
    panels = figure.subplots(1, len(subsets), sharey=True, squeeze=False)[0]
    for axes, (title, rows) in zip(panels, subsets.items(), strict=True):
        for result in reversed(state.results):
            axes.plot(
                asked.distance[rows],
                result.metrics.path_loss_db[rows],
                ".",
                markersize=7 if result is state.under_test else 4,
                color=result.predictor.colour,
                label=result.predictor.label,
            )
        measured = state.truth.measured.metrics.path_loss_db
        axes.plot(
            asked.distance[rows],
            measured[rows],
            "o",
            color=MEASURED,
            fillstyle="none",
            markersize=5,
            markeredgewidth=0.8,
            label="measured",
        )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.set_title(f"{title} (n={int(rows.sum())})", fontsize=10)
        tidy(axes, "distance between the antennas [m]", "")
    first = figure.axes[0]
    first.set_ylabel("path loss [dB], predictions in the sounder's power reference")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", fontsize=8)
    return figure


def delay_map_figure(state: Evaluation) -> Figure | None:
    """Error of the delay spread on the floor plan, one panel with the same scale
    a headline predictor that knows the place; where
    links of several access points were sounded at one place, the largest error is on top."""
    told = [r for r in state.results if "geometry" in r.predictor.told and r.predictor.headline]
    shown = told or list(state.results[:1])
    found = [_delay_errors(state, result) for result in shown]
    known = np.concatenate([error[np.isfinite(error)] for error in found])
    if not len(known):
        return None
    scale = Normalize(0, float(np.quantile(known, 0.95)) or 1.0)
    figure = Figure(figsize=(5.6 * len(shown) + 1, 5), layout="constrained")
    title = "Error of the RMS delay spread over the place (largest of all access points on top)"
    figure.suptitle(campaign_title(state, title))
    panels = figure.subplots(1, len(shown), squeeze=False, sharex=True, sharey=True)[0]
    asked = state.truth.measured.questions
    for axes, result, error in zip(panels, shown, found, strict=True):
        draw_plan(axes, state)
        rows = np.flatnonzero(np.isfinite(error))
        order = rows[np.argsort(error[rows])]
        drawn = axes.scatter(
            *asked.rx_position[order, :2].T,
            c=error[order],
            norm=scale,
            cmap="inferno_r",
            s=34,
            edgecolors="0.3",
            linewidths=0.3,
            zorder=4,
        )
        median = np.median(error[rows])
        axes.set_title(
            f"{result.predictor.label}: median {median:.2f} ns (n={len(rows)})", fontsize=10
        )
    figure.colorbar(drawn, ax=list(panels), label="absolute error of the RMS delay spread [ns]")
    return figure


def draw_plan(axes: Axes, state: Evaluation) -> None:
    """The site's boxes from above, and its access points."""
    for surface in state.setting.site.scene:
        if not isinstance(surface, Box):
            continue
        foot, top = (surface.center[2] + sign * surface.size[2] / 2 for sign in (-1, 1))
        if top < _LOW or foot > _HIGH:
            continue
        c, s = np.cos(surface.yaw), np.sin(surface.yaw)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(surface.size[:2]) / 2
        outline = corners @ np.array([[c, s], [-s, c]]) + np.array(surface.center[:2])
        tall = top > 1.5
        axes.add_patch(
            Polygon(outline, facecolor="0.55" if tall else "0.85", edgecolor="0.4", linewidth=0.4)
        )
    used = set(state.truth.measured.questions.tx)
    for ap in state.setting.site.access_points:
        if ap.name in used:
            axes.plot(*ap.position[:2], "^", color="#1f77b4", markersize=9, zorder=5)
            axes.annotate(
                ap.name, ap.position[:2], (4, 5), textcoords="offset points", fontsize=8, zorder=6
            )
    axes.set_aspect("equal")
    axes.autoscale_view()
    tidy(axes, "x [m]", "y [m]")


def _delay_errors(state: Evaluation, result: Result) -> np.ndarray:
    error = np.abs(errors(result.metrics, state.truth.measured.metrics)["delay_spread_ns"])
    return np.where(state.truth.scored, error, np.nan)
