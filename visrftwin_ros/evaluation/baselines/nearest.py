"""The nearest snapshot that was measured."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.beams.multipath import Multipath, no_multipath
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told


class NearestSnapshot:
    """What was measured a step away."""

    name = "nearest"
    label = "nearest (random)"
    colour = "#bcbd22"
    what = "nearest measured snapshot of a share drawn at random"
    told: tuple[Told, ...] = ("positions", "snapshots")
    headline = False

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Paths and metrics of the nearest known place with the same transmitter; none where it has
        none.

        The metrics are the known ones: the line of sight among the paths lies at another delay
        than it would here. Raises TwinError where nothing is known at all.
        """
        known = setting.known.questions
        if not len(known):
            raise TwinError("the nearest snapshot needs at least one to learn from")
        parts = []
        row = np.full(len(questions), -1)
        for i in range(len(questions)):
            candidates = np.flatnonzero(np.array(known.tx) == questions.tx[i])
            if not len(candidates):
                parts.append(no_multipath(1))
                continue
            away = np.linalg.norm(known.rx_position[candidates] - questions.rx_position[i], axis=1)
            row[i] = candidates[away.argmin()]
            parts.append(setting.known.paths.of(int(row[i])))
        metrics = {
            name: np.where(row >= 0, values[row], np.nan)
            for name, values in vars(setting.known.metrics).items()
        }
        return Prediction(Multipath.joined(parts), SnapshotMetrics(**metrics), learnt=True)


class NearestOfStretches(NearestSnapshot):
    """The same where whole parts of the drive are known: the nearest may be metres away."""

    name = "nearest_stretch"
    label = "nearest (stretches)"
    colour = "#dbdb8d"
    what = "nearest measured snapshot of whole stretches of that share"
    told: tuple[Told, ...] = ("positions", "stretches")
