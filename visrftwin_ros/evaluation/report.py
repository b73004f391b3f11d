"""An evaluation as `metrics.json` and CSV tables."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.evaluation import scoring
from visrftwin_ros.evaluation.metric_scores import MISS, QUANTITIES
from visrftwin_ros.evaluation.pooled_errors import paired_errors
from visrftwin_ros.evaluation.predictors import TWINS
from visrftwin_ros.evaluation.provenance import provenance
from visrftwin_ros.evaluation.references import MOVING_SNAPSHOTS
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.splits import STRETCHES
from visrftwin_ros.evaluation.statistics import LEVEL, RESAMPLES

TARGETS: Mapping[str, Mapping[str, float]] = {
    "truth": {"shadow_rmse_db": 3.0, "onset_s": 0.15, "path_loss_median_db": 1.5},
    "tracked": {"shadow_rmse_db": 5.0, "onset_s": 0.25},
}
"""By source of the people: most of each that is accepted of the predictor under test."""


def write_reports(state: Evaluation, folder: Path) -> None:
    """Writes what there is so far: `metrics.json` and the tables."""
    write_json(folder / "metrics.json", metrics_of(state))
    write_table(folder / "snapshots.csv", _snapshot_rows(state))
    for name, rows in tables(state).items():
        write_table(folder / f"{name}.csv", rows)
    if state.complete:
        write_table(folder / "paired.csv", paired_rows([state]))


def metrics_of(state: Evaluation) -> dict[str, Any]:
    """Everything scored, with what it was scored on; NaN where a number does not exist."""
    truth, facts = state.truth, state.campaign.facts
    found: dict[str, Any] = {
        "complete": state.complete,
        **provenance(state.options.command, state.options.seed),
        "bag": str(state.campaign.source),
        "site": state.setting.site.name,
        "people": state.options.people,
        "facts": dict(facts),
        "snapshots": {
            "used": len(truth.scored),
            "learnt_from_at_random": int(truth.split.at_random.sum()),
            "learnt_from_in_stretches": int(truth.split.whole.sum()),
            **{f"scored_{name}": int(rows.sum()) for name, rows in truth.subsets.items()},
        },
        "power": _power(state),
        "delay": {"late_ns": truth.late * 1e9, "from": truth.late_from},
        "not_scored": dict(truth.lacking),
        "miss": {"counts_as": dict(MISS), "what": "an answer that is missing or infinite"},
        "intervals": (
            f"{100 * LEVEL:g} % of {RESAMPLES} bootstrap resamples of {STRETCHES} stretches of the drive"
        ),
        "problems": list(state.problems),
        "predictors": {result.name: _of_result(result, state) for result in state.results},
    }
    for finding in _findings(state):
        for key, part in finding.overall.items():
            found[key] = {**found.get(key, {}), **part}
    if state.complete:
        found["paired"] = [dict(row) for row in paired_rows([state])]
    found["targets"] = _targets(state)
    return found


def tables(state: Evaluation) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of each CSV table that the scores fill, by the file's name without ending, each with what
    its predictor was told."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for result in state.results:
        told = state.told(result.predictor)
        for finding in state.findings[result.name].values():
            for name, own in finding.rows.items():
                rows.setdefault(name, []).extend({**row, "told": told} for row in own)
    return rows


def text_table(state: Evaluation) -> str:
    """The scores' columns for a terminal, over all scored snapshots, and what was not scored."""
    columns = {title: width for score in scoring.SCORES for title, width in score.columns.items()}
    lines = [
        f"{'predictor':<18}"
        + "".join(f"{title:>{width}}" for title, width in columns.items())
        + "   told"
    ]
    for result in state.results:
        findings = state.findings[result.name].values()
        cells = {title: cell for one in findings for title, cell in one.cells.items()}
        line = "".join(
            f"  {cells.get(title, '-'):>{width - 2}}" for title, width in columns.items()
        )
        lines.append(f"{result.name:<18}{line}   {state.told(result.predictor)}")
    lines += [f"not scored: {name}: {why}" for name, why in state.truth.lacking.items()]
    return "\n".join(lines)


def paired_rows(states: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Each of our twins against each predictor that is none, and against the twins before it,
    of one or several campaigns: on every quantity, with the number of pairs."""
    names = [result.name for result in states[0].results]
    ours = [twin for twin in TWINS if twin.name in names]
    others = [r.predictor for r in states[0].results if r.predictor not in TWINS]
    return [
        {
            "predictor": twin.name,
            "told": states[0].told(twin),
            "against": other.name,
            "told_against": states[0].told(other),
            "quantity": quantity,
            **asdict(found),
        }
        for number, twin in enumerate(ours)
        for other in (*ours[:number], *others)
        for quantity, found in paired_errors(states, twin.name, other.name).items()
        if found.pairs
    ]


def _findings(state: Evaluation) -> Iterator[Finding]:
    for by_score in state.findings.values():
        yield from by_score.values()


def _power(state: Evaluation) -> dict[str, Any]:
    truth = state.truth
    how = {
        "median": "one offset a predictor: median difference of the path losses",
        "los": "one offset a predictor: mean difference of the lines of sight",
        "moving": f"a moving offset: mean of the nearest {MOVING_SNAPSHOTS} differences of path loss",
    }[state.options.power_reference]
    known = truth.floor_db[np.isfinite(truth.floor_db)]
    return {
        "reference": "relative" if truth.relative else "absolute",
        "alignment": (
            f"{how}, of the {int(truth.aligning.sum())} snapshots at random"
            if truth.relative
            else "none"
        ),
        "floor_db": float(np.median(known)) if len(known) else None,
        "floor_from": truth.floor_from,
        "dynamic_range_db": truth.range_db,
    }


def _of_result(result: Result, state: Evaluation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "what": result.predictor.what,
        "told": state.told(result.predictor),
        "offset_db": float(np.median(result.offset_db)),
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
    told = {result.name: state.told(result.predictor) for result in state.results}
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
            yield {**place, "source": name, **values, "told": told.get(name, "")}


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """What JSON cannot say, NaN and infinity, becomes null."""
    file.write_text(json.dumps(_finite(content), indent=2) + "\n")


def write_table(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A CSV table whose first row names its columns."""
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
