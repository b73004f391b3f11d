"""Figures 11, 13 and 14: single campaigns, over snapshots, over the place and over directions."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.figures.paper.columns import (
    WIDTH,
    Column,
    gap_patch,
    small_axes,
)
from visrftwin_ros.evaluation.figures.paths import example_snapshots
from visrftwin_ros.evaluation.figures.place import draw_plan
from visrftwin_ros.evaluation.figures.style import AXIS_NAMES, MEASURED, say_nothing
from visrftwin_ros.evaluation.metric_scores import QUANTITIES, magnitudes
from visrftwin_ros.evaluation.results import Evaluation
from visrftwin_ros.evaluation.study import Study

_ORDER = ("delay_spread_ns", "k_factor_db", "azimuth_spread_deg", "path_loss_db")
_RANGE_DB = 40.0


def over_snapshots(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 11: the four metrics along the drive of one link, of those with most snapshots the one with most K
    factors, and path loss over distance."""
    state = study.sites[site][0]
    asked = state.truth.measured.questions
    links = list(zip(asked.tx, asked.rx, strict=True))
    with_k = [
        link
        for link, k in zip(links, state.truth.measured.metrics.k_factor_db, strict=True)
        if np.isfinite(k)
    ]
    link = max(sorted(set(links)), key=lambda own: (links.count(own), with_k.count(own)))
    rows = np.flatnonzero([entry == link for entry in links])
    figure = Figure(figsize=(WIDTH, 6.6), layout="constrained")
    *panels, distance = figure.subplots(5, 1, height_ratios=[1, 1, 1, 1, 1.5])
    for axes, letter, name in zip(panels, "abcd", _ORDER, strict=True):
        axes.set_title(f"({letter}) {AXIS_NAMES[name]}", loc="left")
        if name in state.truth.lacking:
            say_nothing(axes, f"not scored: {state.truth.lacking[name]}")
            continue
        _lines(axes, state, shown, name, rows)
        small_axes(axes, "", "")
    panels[-1].set_xlabel(f"snapshot, {link[0]} → {link[1]}", labelpad=1)
    distance.set_title("(e) path loss over distance, all links [dB]", loc="left")
    for column in shown:
        result = state.result(column.name)
        if result is not None:
            distance.plot(
                asked.distance, result.metrics.path_loss_db, ".", ms=2.5, color=column.colour
            )
    measured = state.truth.measured.metrics.path_loss_db
    distance.plot(asked.distance, measured, "o", ms=3, mew=0.5, mfc="none", color=MEASURED)
    distance.set_xscale("log")
    distance.xaxis.set_major_formatter("{x:g}")
    distance.xaxis.set_minor_formatter("{x:g}")
    small_axes(distance, "distance [m]", "")
    _legend(figure, shown)
    return figure


def over_the_place(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 13: error of the delay spread on the floor plan, of all campaigns of the site."""
    states = study.sites[site]
    found = [_place_errors(states, column.name) for column in shown]
    heights = [2.4 if len(error) else 0.3 for _, error in found]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.2), layout="constrained")
    panels = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    every = np.concatenate([np.zeros(0), *(error for _, error in found)])
    scale = Normalize(0, float(np.quantile(every, 0.95)) if len(every) else 1.0)
    for axes, column, (place, error) in zip(panels, shown, found, strict=True):
        if not len(error):
            say_nothing(axes, f"{column.label}: {column.why or 'no delay spreads were measured'}")
            continue
        draw_plan(axes, states[0])
        axes.margins(0.12)
        order = np.argsort(error)
        drawn = axes.scatter(
            *place[order].T, c=error[order], norm=scale, cmap="inferno_r", s=9, lw=0.2, ec="0.3"
        )
        axes.set_title(f"{column.label}: median {np.median(error):.1f} ns, n = {len(error)}")
        small_axes(axes, "x [m]", "y [m]")
        figure.colorbar(drawn, ax=axes, label="delay-spread error [ns]", pad=0.01)
    return figure


def over_directions(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 14: arrivals of one snapshot by direction and by delay, measured and predicted."""
    state = study.sites[site][0]
    figure = Figure(figsize=(WIDTH, 1.25 * (len(shown) + 2) + 0.4), layout="constrained")
    top, *panels, delays = figure.subplots(len(shown) + 2, 1)
    first = next((r for c in shown if (r := state.result(c.name)) and r.paths is not None), None)
    rows = example_snapshots(state, first) if first is not None else []
    if not rows:
        for axes in (top, *panels, delays):
            say_nothing(axes, "no snapshot has paths with directions, measured and predicted")
        return figure
    i, asked = rows[0], state.truth.measured.questions
    measured = state.truth.measured.paths.of(i)
    strongest = 10 * np.log10(measured.power.max())
    scale = Normalize(strongest - _RANGE_DB, strongest)
    seen = "line of sight" if asked.line_of_sight[i] else "no line of sight"
    figure.suptitle(f"{asked.tx[i]} → {asked.rx[i]}, {asked.distance[i]:.1f} m, {seen}")
    drawn = _directions(top, measured, scale, f"measured, {len(measured)} paths")
    sides = [("measured", MEASURED, measured)]
    for axes, column in zip(panels, shown, strict=True):
        result = state.result(column.name)
        if result is None or result.paths is None:
            say_nothing(axes, f"{column.label}: {column.why or 'has no paths'}")
            continue
        own = result.paths.of(i)
        _directions(axes, own, scale, f"{column.label}, {len(own)} paths")
        sides.append((column.label, column.colour, own))
    for axes in (top, *panels):
        axes.set_xlabel("azimuth of arrival [°]", labelpad=1)
    figure.colorbar(drawn, ax=[top, *panels], label="path gain [dB], the sounder's reference")
    for label, colour, paths in sides:
        gain = 10 * np.log10(paths.power)
        delays.vlines(paths.delay * 1e9, scale.vmin, gain, color=colour, lw=0.6, label=label)
        delays.plot(paths.delay * 1e9, gain, ".", ms=2.5, color=colour)
    delays.set_ylim(scale.vmin, strongest + 3)
    delays.legend(loc="upper right")
    small_axes(delays, "delay [ns]", "path gain [dB]")
    return figure


def _lines(
    axes: Axes, state: Evaluation, shown: tuple[Column, ...], name: str, rows: np.ndarray
) -> None:
    field, factor = QUANTITIES[name]
    number = np.arange(len(rows))
    axes.set_xlim(-0.5, len(rows) - 0.5)
    for column in shown:
        result = state.result(column.name)
        if result is not None:
            values = getattr(result.metrics, field)[rows] * factor
            axes.plot(number, _finite(values), lw=0.9, color=column.colour)
    values = getattr(state.truth.measured.metrics, field)[rows] * factor
    axes.plot(number, _finite(values), "o-", ms=1.8, lw=0.5, color=MEASURED)


def _legend(figure: Figure, shown: tuple[Column, ...]) -> None:
    handles: list[Artist] = [Line2D([], [], color=MEASURED, marker="o", ms=3, label="measured")]
    for column in shown:
        line = Line2D([], [], color=column.colour or "0.5", label=column.label)
        handles.append(line if not column.why else gap_patch(column))
    figure.legend(handles=handles, loc="outside lower center", ncol=2)


def _place_errors(states: tuple[Evaluation, ...], predictor: str) -> tuple[np.ndarray, np.ndarray]:
    """Places (N, 2) and absolute errors of the delay spread [ns] (N,) of the scored snapshots."""
    places, errors = [np.zeros((0, 2))], [np.zeros(0)]
    for state in states:
        result, truth = state.result(predictor), state.truth
        if result is None:
            continue
        error = magnitudes(result.metrics, truth.measured.metrics)["delay_spread_ns"]
        rows = truth.scored & np.isfinite(error)
        places.append(truth.measured.questions.rx_position[rows, :2])
        errors.append(error[rows])
    return np.concatenate(places), np.concatenate(errors)


def _directions(axes: Axes, paths: Multipath, scale: Normalize, title: str) -> PathCollection:
    order = np.argsort(paths.power)
    azimuth, elevation = np.degrees(paths.arrival[order]).T
    gain = 10 * np.log10(paths.power[order])
    floor = float(scale.vmin or 0.0)
    drawn = axes.scatter(
        azimuth,
        np.nan_to_num(elevation),
        c=gain,
        norm=scale,
        cmap="viridis",
        s=np.clip(2 + 0.7 * (gain - floor), 2, 30),
        lw=0.2,
        ec="0.3",
    )
    axes.set_xlim(-180, 180)
    axes.set_ylim(-75, 75)
    axes.set_xticks(range(-180, 181, 60))
    axes.set_title(title)
    small_axes(axes, "", "elev. [°]")
    return drawn


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)
