"""Shadow loss over time against the truth (paper, figure 18)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.style import MEASURED, campaign_title, tidy
from visrftwin_ros.evaluation.prediction import Predictor
from visrftwin_ros.evaluation.results import Evaluation
from visrftwin_ros.evaluation.shadow_scores import FADE_DB, Trace, fades, shadow_score

_MOST_LINKS = 6


def shadow_figure(state: Evaluation) -> Figure | None:
    """One panel a link, those with the deepest true fades first; onsets of fades marked."""
    found: list[tuple[Predictor, tuple[Trace, ...]]] = [
        (result.predictor, finding.detail) for result, finding in state.found("shadow")
    ]
    if not found or not found[0][1]:
        return None
    traces = found[0][1]
    order = sorted(range(len(traces)), key=lambda i: -_deepest(traces[i]))[:_MOST_LINKS]
    figure = Figure(figsize=(12, 2.3 * len(order) + 1.4), layout="constrained")
    score = shadow_score(traces)
    figure.suptitle(
        campaign_title(state, f"Shadow loss of {len(traces)} links")
        + f"\nRMSE {score.rmse_db:.2f} dB over all {score.samples} samples"
        + (f", {score.fade_rmse_db:.2f} dB within {score.fades} fade(s)" if score.fades else "")
    )
    panels = figure.subplots(len(order), 1, sharex=True, squeeze=False)[:, 0]
    for axes, i in zip(panels, order, strict=True):
        trace = traces[i]
        axes.axhline(FADE_DB, color="0.6", linewidth=0.8, linestyle=":", label="fade: over 3 dB")
        drawn = [(trace.true_db, MEASURED, "truth", 1.6)]
        drawn += [(own[i].predicted_db, p.colour, p.label, 1.2) for p, own in found]
        for values, colour, name, width in drawn:
            drawable = np.where(np.isfinite(values), values, np.nan)
            axes.plot(trace.time, drawable, color=colour, linewidth=width, label=name)
            starts = [fade.start for fade in fades(trace.time, values)]
            axes.plot(
                starts,
                np.full(len(starts), FADE_DB),
                "|",
                color=colour,
                markersize=14,
                label=f"onsets, {name}",
            )
        axes.set_title(f"{trace.tx} → {trace.rx}", fontsize=9, loc="left")
        low, high = axes.get_ylim()
        axes.set_ylim(max(high, 5.0), min(low, -2.0))  # loss grows downwards, as power falls
        tidy(axes, "", "shadow loss [dB]")
    panels[-1].set_xlabel("time [s]")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncol=5, fontsize=9
    )
    return figure


def _deepest(trace: Trace) -> float:
    known = trace.true_db[np.isfinite(trace.true_db)]
    return float(known.max()) if len(known) else 0.0
