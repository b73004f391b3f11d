"""An evaluation as `metrics.json` and CSV tables."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.evaluation import scoring
from visrftwin_ros.evaluation.ground_truth import GroundTruth
from visrftwin_ros.evaluation.metric_scores import QUANTITIES
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result

TARGETS: Mapping[str, Mapping[str, float]] = {
    "truth": {"shadow_rmse_db": 3.0, "onset_s": 0.15, "path_loss_median_db": 1.5},
    "tracked": {"shadow_rmse_db": 5.0, "onset_s": 0.25},
}
"""By source of the people: most of each that is accepted of the predictor under test."""


def write_reports(state: Evaluation, folder: Path) -> None:
    """Writes what there is so far: `metrics.json` and the tables."""
    content = json.dumps(_finite(metrics_of(state)), indent=2) + "\n"
    (folder / "metrics.json").write_text(content)
    _write(folder / "snapshots.csv", _snapshot_rows(state))
    for name, rows in tables(state).items():
        _write(folder / f"{name}.csv", rows)


def metrics_of(state: Evaluation) -> dict[str, Any]:
    """Everything scored, with what it was scored on; NaN where a number does not exist."""
    truth, facts = state.truth, state.campaign.facts
    found: dict[str, Any] = {
        "complete": state.complete,
        "bag": str(state.campaign.source),
        "site": state.setting.site.name,
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
        "predictors": {result.name: _of_result(result, state) for result in state.results},
    }
    for finding in _findings(state):
        for key, part in finding.overall.items():
            found[key] = {**found.get(key, {}), **part}
    found["targets"] = _targets(state)
    return found


def tables(state: Evaluation) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of each CSV table that the scores fill, by the file's name without ending."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for finding in _findings(state):
        for name, own in finding.rows.items():
            rows.setdefault(name, []).extend(own)
    return rows


def text_table(state: Evaluation) -> str:
    """The scores' columns for a terminal, over all scored snapshots."""
    columns = {title: width for score in scoring.SCORES for title, width in score.columns.items()}
    lines = [
        f"{'predictor':<12}" + "".join(f"{title:>{width}}" for title, width in columns.items())
    ]
    for predictor, findings in state.findings.items():
        cells = {title: cell for one in findings.values() for title, cell in one.cells.items()}
        line = "".join(f"{cells.get(title, ''):>{width}}" for title, width in columns.items())
        lines.append(f"{predictor:<12}{line}".rstrip())
    return "\n".join(lines)


def _findings(state: Evaluation) -> Iterator[Finding]:
    for by_score in state.findings.values():
        yield from by_score.values()


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


def _of_result(result: Result, state: Evaluation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "what": result.predictor.what,
        "told": list(result.predictor.told),
        "offset_db": result.offset_db,
    }
    for score, finding in state.findings[result.name].items():
        if finding.metrics:
            found[score] = finding.metrics
    return found


def _targets(state: Evaluation) -> dict[str, Any]:
    """What is asked of the predictor under test beside what it reached; met is null where nothing
    was there to reach it on."""
    result = state.under_test
    if result is None:
        return {}
    reached: dict[str, Mapping[str, float]] = {}
    for finding in state.findings[result.name].values():
        reached.update(finding.reached)
    targets = {}
    for name, limit in TARGETS.get(state.options.people, {}).items():
        beside = dict(reached.get(name, {}))
        value = beside.pop("reached", math.nan)
        met = None if math.isnan(value) else bool(value <= limit)
        targets[name] = {"reached": value, "limit": limit, "met": met, **beside}
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
