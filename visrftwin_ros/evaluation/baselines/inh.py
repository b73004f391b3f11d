"""3GPP TR 38.901, indoor hotspot, office."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.evaluation.baselines.tr38901 import LargeScale, Scenario
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told

INH_OFFICE = Scenario(
    los=LargeScale(delay=(-0.01, -7.692), azimuth=(-0.19, 1.781), k_factor_db=7.0),
    nlos=LargeScale(delay=(-0.28, -7.173), azimuth=(-0.11, 1.863), k_factor_db=float("nan")),
)
"""Table 7.5-6 part 2, column Indoor-Office."""


def inh_path_loss_db(
    distance: Float[np.ndarray, " n"],
    frequency: Float[np.ndarray, " n"],
    line_of_sight: Bool[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Table 7.4.1-1, InH - Office, without shadow fading; distance: m in three dimensions.

    The table holds from 1 m to 150 m; nearer, the value at 1 m.
    """
    d, f = np.log10(np.maximum(distance, 1.0)), np.log10(frequency / 1e9)
    los = 32.4 + 17.3 * d + 20 * f
    return np.where(line_of_sight, los, np.maximum(los, 38.3 * d + 17.30 + 24.9 * f))


class IndoorHotspot:
    """The median link of the scenario at that distance."""

    name = "inh"
    label = "3GPP InH"
    colour = "#9467bd"
    what = "3GPP TR 38.901 InH - Office"
    told: tuple[Told, ...] = ("positions", "line of sight")
    headline = True

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Path loss, and the table's median spreads, which do not know the place."""
        seen, frequency = questions.line_of_sight, questions.frequency
        loss = inh_path_loss_db(questions.distance, frequency, seen)
        return Prediction(metrics=SnapshotMetrics(loss, *INH_OFFICE.spreads(frequency, seen)))
