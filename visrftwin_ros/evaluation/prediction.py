"""The contract of what predicts: what it is asked, what it is told, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.calibrated_place import CalibratedPlace
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.solves import Solves
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site

Told = Literal[
    "positions",
    "line of sight",
    "geometry",
    "materials",
    "true materials",
    "people",
    "snapshots",
    "stretches",
    "other snapshots",
    "another campaign",
]
"""What a predictor may know of a campaign. positions: of the antennas; line of sight: whether a
surface cuts it; geometry: the surfaces; materials: the nominal ones; true materials: those that only a
lab can know; snapshots: measured ones drawn along the whole drive, which may be learnt from;
stretches: those of whole parts of it instead; other snapshots: for each tenth, drawn at random, all the rest;
another campaign: one of the same place."""

Progress = Callable[[int, int], None]
"""Told how many of how many questions are answered."""


@dataclass(frozen=True)
class Prediction:
    """For N questions: paths, metrics, or both where the metrics are not those of the paths at that
    place; NaN where it says nothing of one. In the sounder's own power reference where `learnt`.
    losses: at each step of its training, None where there was none.
    """

    paths: Multipath | None = None
    metrics: SnapshotMetrics | None = None
    learnt: bool = False
    losses: Float[np.ndarray, " steps"] | None = None


@dataclass(frozen=True)
class Measured:
    """Snapshots with their answers: the questions, the resolved paths and their metrics."""

    questions: Questions
    paths: Multipath
    metrics: SnapshotMetrics

    def take(self, rows: Sequence[int] | Int[np.ndarray, " k"]) -> Measured:
        """The snapshots `rows`."""
        index = np.asarray(rows, int)
        metrics = {name: values[index] for name, values in vars(self.metrics).items()}
        return Measured(
            self.questions.take(index),
            Multipath.joined([self.paths.of(int(i)) for i in index]),
            SnapshotMetrics(**metrics),
        )


@dataclass(frozen=True)
class Setting:
    """What predictors work with. meshes: the site's surfaces, of nominal materials; true_meshes: of
    the true ones, None where nobody knows them. people: who is where when. known, stretches:
    snapshots to learn from, drawn one by one and in whole parts of the drive. seed: of what is drawn.
    calibrated: the place as another campaign taught it, None without one. solves: those that passes over
    the campaign share; None: each makes its own.
    """

    site: Site
    meshes: tuple[SurfaceMesh, ...]
    people: PeopleTimeline
    known: Measured
    seed: int
    stretches: Measured
    true_meshes: tuple[SurfaceMesh, ...] | None = None
    calibrated: CalibratedPlace | None = None
    solves: Solves | None = None

    def as_told(self, told: Collection[Told]) -> Setting:
        """For one that is told so much: `meshes` and `known` are what it may know, the rest is
        empty. Raises TwinError where true materials are asked for and not known."""
        none = self.known.take([])
        known = self.known if "snapshots" in told else none
        if "true materials" in told and self.true_meshes is None:
            raise TwinError("the campaign has no truth/materials, which only a lab's has")
        return Setting(
            site=self.site,
            meshes=(self.true_meshes if "true materials" in told else None) or self.meshes,
            people=self.people if "people" in told else PeopleTimeline(),
            known=self.stretches if "stretches" in told else known,
            seed=self.seed,
            stretches=none,
            calibrated=self.calibrated if "another campaign" in told else None,
            solves=self.solves,
        )


class Predictor(Protocol):
    """Something that predicts the snapshots of a campaign.

    name: on the command line and in tables. label, colour: in figures. what: one line on what it
    is. told: all that it uses; people and snapshots are kept from one that does not name them.
    headline: drawn also where only a few can be told apart.
    """

    name: str
    label: str
    colour: str
    what: str
    told: tuple[Told, ...]
    headline: bool

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Raises TwinError where it cannot be made."""


@runtime_checkable
class ChannelPredictor(Predictor, Protocol):
    """One that also follows channels over time, shadow loss by people among them."""

    def channels(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> LinkMetrics:
        """Over every path, without an instrument's limits. Raises TwinError where it cannot."""
