"""Power over angle and over delay, measured beside predicted (paper, figures 10 d, 14 and 26)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.figures.style import MEASURED, campaign_title, tidy
from visrftwin_ros.evaluation.metric_scores import errors
from visrftwin_ros.evaluation.prediction import Predictor
from visrftwin_ros.evaluation.results import Evaluation, Result

_RANGE_DB = 40.0
"""Shown under the strongest path."""


def power_angle_figure(state: Evaluation) -> Figure | None:
    """Three snapshots as rows: arrival angles coloured by power, measured and predicted, and power
    over delay."""
    result = next((r for r in state.results if r.paths is not None and not r.learnt), None)
    if result is None or result.paths is None:
        return None
    rows = example_snapshots(state, result)
    if not rows:
        return None
    figure = Figure(figsize=(15, 3.6 * len(rows) + 0.8), layout="constrained")
    title = f"Power over angle and delay: measured and {result.predictor.label}"
    figure.suptitle(
        campaign_title(state, title)
        + "\nrows: median path-loss error with and without a line of sight, and the worst error"
    )
    grid = figure.subplots(len(rows), 3, squeeze=False)
    asked = state.truth.measured.questions
    for panels, i in zip(grid, rows, strict=True):
        sides = [state.truth.measured.paths.of(i), result.paths.of(i)]
        top = max(10 * np.log10(side.power.max()) for side in sides if len(side))
        scale = Normalize(top - _RANGE_DB, top)
        seen = "LoS" if asked.line_of_sight[i] else "NLoS"
        where = f"{asked.tx[i]} → {asked.rx[i]}, {asked.distance[i]:.1f} m, {seen}"
        for axes, side, name in zip(
            panels, sides, ("measured", result.predictor.label), strict=False
        ):
            drawn = _draw_angles(axes, side, scale)
            axes.set_title(f"{name}: {where}, {len(side)} paths", fontsize=9)
        figure.colorbar(drawn, ax=panels[1], label="path gain [dB], sounder's reference")
        _draw_delays(panels[2], sides, result.predictor, scale)
        panels[2].legend(fontsize=8)
    return figure


def example_snapshots(state: Evaluation, result: Result) -> list[int]:
    """Three scored snapshots with paths on both sides: with and without a line of sight where there
    are both, each the one of median path-loss error among its kind, and of the rest the worst."""
    assert result.paths is not None
    measured = state.truth.measured
    error = np.abs(errors(result.metrics, measured.metrics)["path_loss_db"])
    usable = np.diff(measured.paths.offsets) * np.diff(result.paths.offsets) > 0
    usable &= np.isfinite(error)
    seen = np.isfinite(measured.paths.arrival[:, 0])
    usable &= np.bincount(measured.paths.channel[seen], minlength=len(usable)) > 0
    picked = []
    for name in ("los", "nlos"):
        rows = np.flatnonzero(state.truth.subsets[name] & usable)
        if len(rows):
            picked.append(int(rows[np.argsort(error[rows])[len(rows) // 2]]))
    rest = [i for i in np.flatnonzero(state.truth.scored & usable) if i not in picked]
    if rest:
        picked.append(int(max(rest, key=lambda i: error[i])))
    return picked


def _draw_angles(axes: Axes, paths: Multipath, scale: Normalize) -> PathCollection:
    order = np.argsort(paths.power)
    gain = 10 * np.log10(paths.power[order])
    azimuth, elevation = np.degrees(paths.arrival[order]).T
    drawn = axes.scatter(
        azimuth,
        np.nan_to_num(elevation),
        c=gain,
        s=np.clip(6 + 3 * (gain - scale.vmin), 6, 140),
        norm=scale,
        cmap="viridis",
        edgecolors="0.3",
        linewidths=0.4,
    )
    axes.set_xlim(-180, 180)
    axes.set_ylim(-75, 75)
    axes.set_xticks(range(-180, 181, 60))
    axes.set_yticks(range(-60, 61, 30))
    tidy(axes, "azimuth of arrival [°], world frame", "elevation [°]")
    return drawn


def _draw_delays(
    axes: Axes, sides: list[Multipath], predictor: Predictor, scale: Normalize
) -> None:
    floor = float(scale.vmin or 0.0)
    for side, colour, label, marker in zip(
        sides, (MEASURED, predictor.colour), ("measured", predictor.label), ("o", "x"), strict=True
    ):
        gain = 10 * np.log10(side.power)
        axes.vlines(side.delay * 1e9, floor, gain, color=colour, linewidth=1, alpha=0.6)
        axes.plot(
            side.delay * 1e9,
            gain,
            marker,
            color=colour,
            fillstyle="none",
            markersize=5,
            label=f"{label} ({len(side)} paths)",
        )
    shown = np.concatenate([side.delay[10 * np.log10(side.power) > floor] for side in sides]) * 1e9
    shown = shown[np.isfinite(shown)]
    if len(shown):
        axes.set_xlim(shown.min() - 3, shown.max() + 3)
    axes.set_ylim(floor, float(scale.vmax or 0.0) + 3)
    tidy(axes, "delay [ns]", "path gain [dB]")
