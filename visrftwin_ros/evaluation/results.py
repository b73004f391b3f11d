"""What an evaluation has so far: the campaign, each predictor's answers, and what scores found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.evaluation.ground_truth import GroundTruth, TrueChannels
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Predictor, Setting
from visrftwin_ros.evaluation.predictors import predictor_named, under_test, usual_names
from visrftwin_ros.evaluation.references import PowerReference
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics

PeopleSource = Literal["truth", "tracked", "none"]


@dataclass(frozen=True)
class Options:
    """predictors: names of `predictors.PREDICTORS`. weights: of the detector, for people tracked.
    train_share: of the snapshots, for those that learn and for the power reference; the others
    are scored. fit_bag: another campaign of the place, to calibrate on. threads: of the tracer, 0 = all.
    command: the line that asked for it."""

    predictors: tuple[str, ...] = field(default_factory=partial(usual_names, fitted=False))
    people: PeopleSource = "truth"
    weights: str = ""
    power_reference: PowerReference = "median"
    train_share: float = 0.2
    fit_bag: Path | None = None
    seed: int = 1
    threads: int = 2
    command: str = ""


@dataclass(frozen=True)
class Result:
    """One predictor on all N snapshots, in the sounder's power reference.

    offset_db: (N,) what was added to its path losses to get there. paths: above the floor; None where
    it has none. learnt: from other snapshots. channels: at the campaign's true channels; None where
    it does not follow them or there are none. losses: at each step of a training.
    """

    predictor: Predictor
    metrics: SnapshotMetrics
    paths: Multipath | None
    offset_db: Float[np.ndarray, " n"]
    learnt: bool
    channels: LinkMetrics | None = None
    losses: Float[np.ndarray, " steps"] | None = None

    @property
    def name(self) -> str:
        return self.predictor.name

    def __reduce__(self) -> tuple[Any, ...]:
        """A predictor is the one of its name, in every process."""
        fields = (getattr(self, field.name) for field in dataclasses.fields(self)[1:])
        return _result, (self.name, *fields)


def _result(name: str, *rest: Any) -> Result:
    return Result(predictor_named(name), *rest)


@dataclass(frozen=True)
class Finding:
    """What one score says of one predictor.

    metrics: stands in `metrics.json` under the predictor, by the score's name; overall: at its
    top. rows: of each CSV table, by the file's name without ending. cells: by column of the
    terminal's table. reached: by target, what was `reached` and what stands beside it. detail: what
    figures draw.
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    overall: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    reached: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    detail: Any = None


@dataclass(frozen=True)
class Evaluation:
    """Everything that scores, reports and figures need.

    reference_db: (N,) what takes the sounder's power gains to absolute ones, None until every predictor
    has answered and where none of them says. true_channels: None where the bag has none. findings:
    by predictor and score, both in the order of the tables.
    """

    campaign: Campaign
    options: Options
    setting: Setting
    truth: GroundTruth
    results: tuple[Result, ...] = ()
    reference_db: Float[np.ndarray, " n"] | None = None
    true_channels: TrueChannels | None = None
    findings: Mapping[str, Mapping[str, Finding]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    complete: bool = False

    def result(self, name: str) -> Result | None:
        return next((result for result in self.results if result.name == name), None)

    @property
    def under_test(self) -> Result | None:
        """Of the predictor that the others are the measure of."""
        return self.result(under_test().name)

    def told(self, predictor: Predictor) -> str:
        """What a predictor knows, in the words of the tables."""
        people = {"truth": "true people", "tracked": "tracked people", "none": ""}
        share = f"{100 * self.options.train_share:g} %"
        words = {
            "materials": "nominal materials",
            "people": people[self.options.people] if len(self.setting.people) else "",
            "snapshots": f"{share} of the snapshots at random",
            "stretches": f"{share} of the drive in stretches",
            "other snapshots": "90 % of the snapshots at random, in turn",
            "another campaign": "another campaign of the place",
        }
        said = (words.get(one, one) for one in predictor.told)
        return ", ".join(filter(None, said))

    def found(self, score: str) -> list[tuple[Result, Finding]]:
        """What that score says, in the order of the results."""
        return [
            (result, self.findings[result.name][score])
            for result in self.results
            if score in self.findings.get(result.name, {})
        ]
