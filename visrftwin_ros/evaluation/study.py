"""Several campaigns judged together: errors pooled by site, every score's mean over campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.evaluation.metric_scores import MISS, QUANTITIES
from visrftwin_ros.evaluation.pooled_errors import ErrorScore, error_scores
from visrftwin_ros.evaluation.prediction import Predictor
from visrftwin_ros.evaluation.provenance import provenance
from visrftwin_ros.evaluation.report import metrics_of, paired_rows, write_json, write_table
from visrftwin_ros.evaluation.results import Evaluation
from visrftwin_ros.evaluation.scores.errors import error_cell, error_rows
from visrftwin_ros.evaluation.statistics import LEVEL, RESAMPLES, mean_interval


@dataclass(frozen=True)
class Study:
    """states: complete evaluations, at least one, all with the same options."""

    states: tuple[Evaluation, ...]

    @property
    def sites(self) -> Mapping[str, tuple[Evaluation, ...]]:
        """By the site's name, in the order of the campaigns."""
        names = dict.fromkeys(state.setting.site.name for state in self.states)
        return {
            name: tuple(s for s in self.states if s.setting.site.name == name) for name in names
        }

    def predictors(self, site: str) -> tuple[Predictor, ...]:
        """Those that answered in every campaign of that site."""
        first, *rest = self.sites[site]
        return tuple(
            result.predictor
            for result in first.results
            if all(state.result(result.name) is not None for state in rest)
        )


def write_study(study: Study, folder: Path) -> None:
    """`metrics.json`, `errors.csv`, `paired.csv` and `campaigns.csv` of all campaigns together."""
    first = study.states[0]
    errors, paired, spread = [], [], []
    for site, states in study.sites.items():
        for predictor in study.predictors(site):
            found = error_scores(states, predictor.name)
            told = first.told(predictor)
            errors += [
                {"site": site, **row, "told": told} for row in error_rows(predictor.name, found)
            ]
        paired += [{"site": site, **row} for row in paired_rows(states)]
        spread += [{"site": site, **row} for row in _over_campaigns(states)]
    write_table(folder / "errors.csv", errors)
    write_table(folder / "paired.csv", paired)
    write_table(folder / "campaigns.csv", spread)
    options = first.options
    write_json(
        folder / "metrics.json",
        {
            "complete": True,
            **provenance(options.command, options.seed),
            "people": options.people,
            "campaigns": [
                {
                    "bag": str(state.campaign.source),
                    "site": state.setting.site.name,
                    "seed": state.campaign.facts.get("seed"),
                    "scored": int(state.truth.scored.sum()),
                    "not_scored": dict(state.truth.lacking),
                    "problems": list(state.problems),
                }
                for state in study.states
            ],
            "miss": {"counts_as": dict(MISS), "what": "an answer that is missing or infinite"},
            "intervals": f"{100 * LEVEL:g} % of {RESAMPLES} bootstrap resamples of whole campaigns",
            "errors": errors,
            "paired": paired,
            "over_campaigns": spread,
        },
    )


def study_table(study: Study) -> str:
    """Pooled errors for a terminal, by site."""
    lines = []
    for site, states in study.sites.items():
        lines.append(f"{site}, {len(states)} campaign(s)")
        lines.append(
            f"{'predictor':<18}" + "".join(f"{name:>34}" for name in QUANTITIES) + "   told"
        )
        for predictor, cells in pooled(study, site).items():
            row = "".join(f"{error_cell(cells[name]):>34}" for name in QUANTITIES)
            lines.append(f"{predictor.name:<18}{row}   {states[0].told(predictor)}")
    return "\n".join(lines)


def pooled(study: Study, site: str) -> dict[Predictor, dict[str, ErrorScore]]:
    """By predictor and quantity, over all scored snapshots of that site's campaigns."""
    return {
        predictor: {
            quantity: by_subset["all"]
            for quantity, by_subset in error_scores(study.sites[site], predictor.name).items()
        }
        for predictor in study.predictors(site)
    }


def _over_campaigns(states: Sequence[Evaluation]) -> Iterator[dict[str, Any]]:
    """Mean of every number of every score over the campaigns that have it, with its interval."""
    told = {result.name: states[0].told(result.predictor) for result in states[0].results}
    values: dict[tuple[str, str], list[float]] = {}
    for state in states:
        found = metrics_of(state)
        for name, scores in found["predictors"].items():
            for path, value in _numbers(scores):
                values.setdefault((name, path), []).append(value)
        for score in ("shadow_loss", "shadow_loss_los"):
            for name, numbers in found.get(score, {}).items():
                for path, value in _numbers(numbers):
                    values.setdefault((name, f"{score}.{path}"), []).append(value)
    for (name, path), each in values.items():
        low, high = mean_interval(np.array(each))
        yield {
            "predictor": name,
            "score": path,
            "campaigns": len(each),
            "mean": float(np.mean(each)),
            "low": low,
            "high": high,
            "told": told.get(name, ""),
        }


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """The finite numbers within, by their dotted path."""
    entries = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    for key, entry in entries:
        here = f"{path}.{key}" if path else str(key)
        if isinstance(entry, int | float) and not isinstance(entry, bool):
            if np.isfinite(entry):
                yield here, float(entry)
        else:
            yield from _numbers(entry, here)
