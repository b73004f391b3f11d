"""What a predictor gives for the snapshots of a campaign, and what it may learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.scene.surfaces import SurfaceMesh


@dataclass(frozen=True)
class Prediction:
    """For N questions: paths, metrics, or both where the metrics are not those of the paths at that
    place; NaN where it says nothing of one. In the sounder's own power reference where `learnt`.
    """

    paths: Multipath | None = None
    metrics: SnapshotMetrics | None = None
    learnt: bool = False


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
class Learner:
    """What a predictor may use: the site's surfaces, snapshots to learn from, and a seed."""

    meshes: tuple[SurfaceMesh, ...]
    known: Measured
    seed: int


def metrics_only(
    path_loss_db: Float[np.ndarray, " n"],
    delay_spread: Float[np.ndarray, " n"],
    azimuth_spread: Float[np.ndarray, " n"] | None = None,
    k_factor_db: Float[np.ndarray, " n"] | None = None,
) -> Prediction:
    """Of a model without paths."""
    unknown = np.full(len(path_loss_db), np.nan)
    return Prediction(
        metrics=SnapshotMetrics(
            path_loss_db,
            delay_spread,
            unknown if azimuth_spread is None else azimuth_spread,
            unknown if k_factor_db is None else k_factor_db,
        )
    )
