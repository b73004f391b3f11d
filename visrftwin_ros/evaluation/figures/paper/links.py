"""Figures 17 and 18: a link that somebody crosses, and the beams that a prediction advises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.paper.columns import WIDTH, Column, gap_patch, small_axes
from visrftwin_ros.evaluation.figures.style import MEASURED, say_nothing
from visrftwin_ros.evaluation.shadow_scores import Trace
from visrftwin_ros.evaluation.study import Study

_AROUND = 2.0
"""Seconds shown on both sides of the deepest fade."""


def shadow_loss(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 17: the deepest true fade of the site's campaigns, and what was predicted of it."""
    figure = Figure(figsize=(WIDTH, 2.2), layout="constrained")
    axes = figure.subplots()
    deepest: tuple[float, int, dict[str, tuple[Trace, ...]]] | None = None
    for state in study.sites[site]:
        own = {result.name: finding.detail for result, finding in state.found("shadow")}
        for i, trace in enumerate(next(iter(own.values()), ())):
            depth = float(np.nanmax(np.nan_to_num(trace.true_db, posinf=np.nan, neginf=np.nan)))
            if deepest is None or depth > deepest[0]:
                deepest = depth, i, own
    if deepest is None:
        say_nothing(axes, "no truth/channels in the campaigns:\nno shadow loss to compare with")
        return figure
    _, i, own = deepest
    true = next(iter(own.values()))[i]
    middle = true.time[int(np.nanargmax(true.true_db))]
    rows = np.abs(true.time - middle) <= _AROUND
    axes.plot(true.time[rows], -true.true_db[rows], color=MEASURED, lw=2.4, label="true")
    handles = []
    for column in shown:
        if column.name in own:
            values = own[column.name][i].predicted_db[rows]
            axes.plot(true.time[rows], -values, color=column.colour, lw=1, label=column.label)
        else:
            handles.append(gap_patch(column))
    axes.set_title(f"{true.tx} → {true.rx}")
    small_axes(axes, "time [s]", "power against nobody there [dB]")
    figure.legend(handles=[*axes.get_lines(), *handles], loc="outside lower center", ncol=2)
    return figure


def beam_selection(study: Study, site: str, shown: tuple[Column, ...]) -> Figure:
    """Figure 18: throughput of the beam pair that each prediction advises."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    best = [np.zeros(0)]
    drawn: list[tuple[str, np.ndarray, str, float]] = []
    for column in shown:
        rates = [np.zeros(0)]
        for state in study.sites[site]:
            finding = state.findings.get(column.name, {}).get("beams")
            if finding is None:
                continue
            rows = state.truth.scored & np.isfinite(finding.detail.rank)
            rates.append(finding.detail.throughput[rows] / 1e9)
            if not drawn:
                best.append(finding.detail.best_throughput[rows] / 1e9)
        if len(values := np.sort(np.concatenate(rates))):
            drawn.append((column.label, values, column.colour, 1.0))
    if not drawn:
        say_nothing(axes, "no record has directions at both ends:\nno beams to choose")
        return figure
    # Many choose the best pair: it stays visible behind thinner lines.
    for label, values, colour, width in [
        ("best possible", np.sort(np.concatenate(best)), "0.7", 3.0),
        *drawn,
    ]:
        share = np.arange(0, len(values) + 1) / len(values)
        steps = np.append(values[0], values)
        named = f"{label}: median {np.median(values):.2f}"
        axes.step(steps, share, where="post", lw=width, color=colour, label=named)
    axes.set_ylim(0, 1)
    small_axes(axes, "throughput [Gbit/s], 802.11ad", "share of snapshots")
    labels = {label for label, *_ in drawn}
    gaps = [
        gap_patch(replace(column, why=column.why or "says nothing of beams"))
        for column in shown
        if column.label not in labels
    ]
    figure.legend(handles=[*axes.get_lines(), *gaps], loc="outside lower center")
    return figure
