"""Shadow loss over time, and the metrics of the true channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from visrftwin_ros.evaluation.ground_truth import TrueChannels
from visrftwin_ros.evaluation.metric_scores import (
    QUANTITIES,
    SnapshotMetrics,
    errors,
    summary,
)
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.score import Draw, Need
from visrftwin_ros.evaluation.shadow_scores import Trace, fades, matched_fades, shadow_score
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics

NOBODY = "nobody"
"""Name of the shadow-loss prediction of whoever does not know about people: 0 dB."""


class ShadowLoss:
    """When fades come and how deep they are, against `truth/channels`."""

    name = "shadow"
    needs: tuple[Need, ...] = ("channels",)
    columns: Mapping[str, int] = {}

    def of(self, result: Result, state: Evaluation) -> Finding:
        """Of every link; detail: its traces. The tables of another predictor than the one under
        test have its name."""
        assert result.channels is not None and state.true_channels is not None
        found = traces(state.true_channels, result.channels)
        score = shadow_score(found)
        nobody = shadow_score([_without_people(trace) for trace in found])
        los = result.channels.shadow_loss_los_db - state.true_channels.shadow_loss_los_db
        overall = {
            "shadow_loss": {result.name: asdict(score), NOBODY: asdict(nobody)},
            "shadow_loss_los": {result.name: asdict(summary(los))},
        }
        ending = f"_{result.name}"
        if result is state.under_test:
            overall["against_true_channels"] = _metrics(state.true_channels, result.channels)
            ending = ""
        return Finding(
            overall=overall,
            rows={
                f"shadow_loss{ending}": list(_trace_rows(found)),
                f"fades{ending}": list(_fade_rows(found)),
            },
            reached={
                "shadow_rmse_db": {"reached": score.fade_up_to_20_rmse_db},
                "onset_s": {"reached": score.onset_error, "reached_p90": score.onset_error_p90},
            },
            detail=found,
        )

    def figures(self) -> Mapping[str, Draw]:
        from visrftwin_ros.evaluation.figures.shadow import shadow_figure

        return {"shadow_loss": shadow_figure}


def traces(true: TrueChannels, predicted: LinkMetrics) -> tuple[Trace, ...]:
    """Of each link, by name."""
    asked = true.questions
    time = (asked.stamp_ns - asked.stamp_ns[0]) * 1e-9
    links = np.array([f"{tx}\n{rx}" for tx, rx in zip(asked.tx, asked.rx, strict=True)])
    found = []
    for tx, rx in sorted(set(zip(asked.tx, asked.rx, strict=True))):
        rows = np.flatnonzero(links == f"{tx}\n{rx}")
        ours, theirs = predicted.shadow_loss_db[rows], true.shadow_loss_db[rows]
        found.append(Trace(tx, rx, time[rows], ours, theirs))
    return tuple(found)


def _metrics(true: TrueChannels, predicted: LinkMetrics) -> dict[str, Any]:
    """Absolute metrics against those of truth/channels, of every path."""
    names = SnapshotMetrics.__dataclass_fields__
    error = errors(SnapshotMetrics(**{n: getattr(predicted, n) for n in names}), true.metrics)
    seen = true.questions.line_of_sight
    subsets = {"all": np.ones(len(seen), bool), "los": seen, "nlos": ~seen}
    return {
        name: {subset: asdict(summary(error[name][rows])) for subset, rows in subsets.items()}
        for name in QUANTITIES
    }


def _trace_rows(traces: Sequence[Trace]) -> Iterator[dict[str, Any]]:
    for trace in traces:
        for row in zip(trace.time, trace.true_db, trace.predicted_db, strict=True):
            time, true, predicted = row
            yield {
                "tx": trace.tx,
                "rx": trace.rx,
                "time": f"{time:.3f}",
                "true_db": f"{true:.3f}",
                "predicted_db": f"{predicted:.3f}",
            }


def _fade_rows(traces: Sequence[Trace]) -> Iterator[dict[str, Any]]:
    for trace in traces:
        theirs = fades(trace.time, trace.true_db)
        partner = {
            id(true): ours
            for ours, true in matched_fades(fades(trace.time, trace.predicted_db), theirs)
        }
        for fade in theirs:
            ours = partner.get(id(fade))
            yield {
                "tx": trace.tx,
                "rx": trace.rx,
                "start": f"{fade.start:.3f}",
                "end": f"{fade.end:.3f}",
                "depth_db": f"{fade.depth_db:.2f}",
                "predicted_start": f"{ours.start:.3f}" if ours else "",
                "predicted_end": f"{ours.end:.3f}" if ours else "",
                "predicted_depth_db": f"{ours.depth_db:.2f}" if ours else "",
            }


def _without_people(trace: Trace) -> Trace:
    return Trace(trace.tx, trace.rx, trace.time, np.zeros_like(trace.true_db), trace.true_db)
