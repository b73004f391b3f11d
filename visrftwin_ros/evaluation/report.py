"""An evaluation as `metrics.json` and CSV tables."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.evaluation.evaluation import Evaluation, Result
from visrftwin_ros.evaluation.ground_truth import GroundTruth
from visrftwin_ros.evaluation.metric_scores import QUANTITIES, errors, summary
from visrftwin_ros.evaluation.predictors import DESCRIPTIONS
from visrftwin_ros.evaluation.shadow_scores import Trace, fades, matched_fades, shadow_score

NOBODY = "nobody"
"""Name of the shadow-loss prediction of whoever does not know about people: 0 dB."""
TARGETS: Mapping[str, Mapping[str, float]] = {
    "truth": {"shadow_rmse_db": 3.0, "onset_s": 0.15, "path_loss_median_db": 1.5},
    "tracked": {"shadow_rmse_db": 5.0, "onset_s": 0.25},
}
"""By source of the people: most of each that is accepted."""


def write_reports(state: Evaluation, folder: Path) -> None:
    """Writes what there is so far: `metrics.json` and the tables."""
    content = json.dumps(_finite(metrics_of(state)), indent=2) + "\n"
    (folder / "metrics.json").write_text(content)
    _write(folder / "errors.csv", error_rows(state))
    _write(folder / "snapshots.csv", _snapshot_rows(state))
    _write(folder / "clusters.csv", _cluster_rows(state))
    _write(folder / "beams.csv", _beam_rows(state))
    if state.shadow is not None:
        _write(folder / "shadow_loss.csv", _trace_rows(state.shadow.traces))
        _write(folder / "fades.csv", _fade_rows(state.shadow.traces))


def metrics_of(state: Evaluation) -> dict[str, Any]:
    """Everything scored, with what it was scored on; NaN where a number does not exist."""
    truth, facts = state.truth, state.campaign.facts
    found: dict[str, Any] = {
        "complete": state.complete,
        "bag": str(state.campaign.source),
        "site": state.site.name,
        "people": state.options.people,
        "materials": state.options.materials,
        "facts": dict(facts),
        "snapshots": {
            "used": len(truth.train),
            "learnt_from": int(truth.train.sum()),
            **{f"scored_{name}": int(rows.sum()) for name, rows in truth.subsets.items()},
        },
        "power": _power(truth),
        "problems": list(state.problems),
        "predictors": {result.name: _of_result(result, truth) for result in state.results},
    }
    if state.shadow is not None:
        found["shadow_loss"] = {
            "twin": asdict(shadow_score(state.shadow.traces)),
            NOBODY: asdict(shadow_score([_without_people(t) for t in state.shadow.traces])),
        }
        found["against_true_channels"] = _against_truth(state)
    found["targets"] = _targets(state, found)
    return found


def error_rows(state: Evaluation) -> list[dict[str, Any]]:
    """One row a predictor, quantity and subset of the snapshots."""
    rows = []
    for result in state.results:
        error = errors(result.metrics, state.truth.measured.metrics)
        for quantity in QUANTITIES:
            for subset, chosen in state.truth.subsets.items():
                found = asdict(summary(error[quantity][chosen]))
                rows.append(
                    {"predictor": result.name, "quantity": quantity, "snapshots": subset, **found}
                )
    return rows


def text_table(state: Evaluation) -> str:
    """The errors of all scored snapshots for a terminal: median / 90th percentile."""
    lines = [f"{'predictor':<12}" + "".join(f"{name:>24}" for name in QUANTITIES) + f"{'top-1':>8}"]
    for result in state.results:
        error = errors(result.metrics, state.truth.measured.metrics)
        cells = [summary(error[name][state.truth.scored]) for name in QUANTITIES]
        line = "".join(f"{f'{c.median:.2f} / {c.p90:.2f} ({c.n})':>24}" for c in cells)
        beams = result.beams.score(state.truth.scored) if result.beams else None
        lines.append(f"{result.name:<12}{line}" + (f"{beams.top1:>8.2f}" if beams else ""))
    return "\n".join(lines)


def _power(truth: GroundTruth) -> dict[str, Any]:
    return {
        "reference": "relative" if truth.relative else "absolute",
        "alignment": (
            "one offset a predictor: median difference of the path losses over "
            f"{int(truth.aligning.sum())} snapshots"
            if truth.relative
            else "none"
        ),
        "floor_db": float(np.median(truth.floor_db)),
        "floor_from": truth.floor_from,
        "dynamic_range_db": truth.range_db,
    }


def _of_result(result: Result, truth: GroundTruth) -> dict[str, Any]:
    error = errors(result.metrics, truth.measured.metrics)
    found: dict[str, Any] = {
        "what": DESCRIPTIONS[result.name],
        "offset_db": result.offset_db,
        "errors": {
            name: {
                subset: asdict(summary(error[name][rows])) for subset, rows in truth.subsets.items()
            }
            for name in QUANTITIES
        },
    }
    if result.clusters:
        found["clusters"] = {subset: asdict(score) for subset, score in result.clusters.items()}
    if result.beams is not None:
        found["beams"] = {
            subset: asdict(result.beams.score(rows)) for subset, rows in truth.subsets.items()
        }
    return found


def _against_truth(state: Evaluation) -> dict[str, Any]:
    """The twin's absolute metrics against those of truth/channels, of every path."""
    assert state.shadow is not None
    error = errors(state.shadow.predicted, state.shadow.true)
    seen = state.shadow.line_of_sight
    subsets = {"all": np.ones(len(seen), bool), "los": seen, "nlos": ~seen}
    return {
        name: {subset: asdict(summary(error[name][rows])) for subset, rows in subsets.items()}
        for name in QUANTITIES
    }


def _targets(state: Evaluation, found: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of the twin beside what it reached; met is null where nothing was there to
    reach it on. Onsets by the median; their 90th percentile stands beside."""
    limits = TARGETS.get(state.options.people)
    if limits is None or state.result("twin") is None:
        return {}
    path_loss = found["predictors"]["twin"]["errors"]["path_loss_db"]["all"]
    values = {"path_loss_median_db": path_loss["median"]}
    if "shadow_loss" in found:
        shadow = found["shadow_loss"]["twin"]
        values["shadow_rmse_db"] = shadow["fade_up_to_20_rmse_db"]
        values["onset_s"] = shadow["onset_error"]
    targets: dict[str, Any] = {}
    for name, limit in limits.items():
        reached = values.get(name, float("nan"))
        met = None if math.isnan(reached) else bool(reached <= limit)
        targets[name] = {"reached": reached, "limit": limit, "met": met}
    if "shadow_loss" in found:
        targets["onset_s"]["reached_p90"] = found["shadow_loss"]["twin"]["onset_error_p90"]
    return targets


def _snapshot_rows(state: Evaluation) -> Iterable[dict[str, Any]]:
    asked, measured = state.truth.measured.questions, state.truth.measured.metrics
    for i in range(len(asked)):
        x, y, z = asked.rx_position[i]
        place = {
            "stamp_ns": int(asked.stamp_ns[i]),
            "tx": asked.tx[i],
            "rx": asked.rx[i],
            "rx_x": f"{x:.3f}",
            "rx_y": f"{y:.3f}",
            "rx_z": f"{z:.3f}",
            "distance": f"{asked.distance[i]:.3f}",
            "line_of_sight": int(asked.line_of_sight[i]),
            "scored": int(state.truth.scored[i]),
        }
        for name, metrics in [("measured", measured)] + [
            (r.name, r.metrics) for r in state.results
        ]:
            values = {
                quantity: f"{getattr(metrics, field)[i] * factor:.4f}"
                for quantity, (field, factor) in QUANTITIES.items()
            }
            yield {**place, "source": name, **values}


def _cluster_rows(state: Evaluation) -> Iterable[dict[str, Any]]:
    for result in state.results:
        for subset, score in result.clusters.items():
            yield {"predictor": result.name, "snapshots": subset, **asdict(score)}


def _beam_rows(state: Evaluation) -> Iterable[dict[str, Any]]:
    for result in state.results:
        for subset, rows in state.truth.subsets.items() if result.beams else ():
            assert result.beams is not None
            score = asdict(result.beams.score(rows))
            yield {"predictor": result.name, "snapshots": subset, **score}


def _trace_rows(traces: Sequence[Trace]) -> Iterable[dict[str, Any]]:
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


def _fade_rows(traces: Sequence[Trace]) -> Iterable[dict[str, Any]]:
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


def _write(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    listed = list(rows)
    with file.open("w", newline="") as stream:
        if listed:
            writer = csv.DictWriter(stream, list(listed[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(listed)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value if isinstance(value, str | int | bool) or value is None else str(value)
