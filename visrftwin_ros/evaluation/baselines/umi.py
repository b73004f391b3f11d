"""3GPP TR 38.901, urban micro, street canyon."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.constants import speed_of_light

from visrftwin_ros.evaluation.baselines.tr38901 import LargeScale, Scenario
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told

STREET_CANYON = Scenario(
    los=LargeScale(delay=(-0.24, -7.14), azimuth=(-0.08, 1.73), k_factor_db=9.0),
    nlos=LargeScale(delay=(-0.24, -6.83), azimuth=(-0.08, 1.81), k_factor_db=float("nan")),
)
"""Table 7.5-6 part 1, column UMi - Street Canyon."""
_ENVIRONMENT_HEIGHT = 1.0
"""Metres, note 1 of table 7.4.1-1: taken off both antenna heights for the break point."""


def umi_path_loss_db(
    transmitter: Float[np.ndarray, "n 3"],
    receiver: Float[np.ndarray, "n 3"],
    frequency: Float[np.ndarray, " n"],
    line_of_sight: Bool[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Table 7.4.1-1, UMi - Street Canyon, without shadow fading.

    The table holds from 10 m on the ground, for base stations of 10 m and terminals from 1.5 m;
    lower ends and shorter ways go on with the same formula. An end under the environment's height
    has no break point.
    """
    ground = np.linalg.norm((receiver - transmitter)[:, :2], axis=1)
    distance = np.maximum(np.linalg.norm(receiver - transmitter, axis=1), 1.0)
    d, f = np.log10(distance), np.log10(frequency / 1e9)
    base, terminal = transmitter[:, 2], receiver[:, 2]
    effective = (base - _ENVIRONMENT_HEIGHT) * (terminal - _ENVIRONMENT_HEIGHT)
    low = np.minimum(base, terminal) <= _ENVIRONMENT_HEIGHT
    break_point = np.where(low, np.inf, 4 * effective * frequency / speed_of_light)
    near = 32.4 + 21 * d + 20 * f
    with np.errstate(invalid="ignore"):
        bend = 9.5 * np.log10(break_point**2 + (base - terminal) ** 2)
        los = np.where(ground <= break_point, near, 32.4 + 40 * d + 20 * f - bend)
    nlos = 35.3 * d + 22.4 + 21.3 * f - 0.3 * (terminal - 1.5)
    return np.where(line_of_sight, los, np.maximum(los, nlos))


class UrbanMicro:
    """The median link of the scenario at that distance."""

    name = "umi"
    label = "3GPP UMi"
    colour = "#c49bd8"
    what = "3GPP TR 38.901 UMi - Street Canyon"
    told: tuple[Told, ...] = ("positions", "line of sight")
    headline = False

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Path loss, and the table's median spreads, which do not know the place."""
        seen, frequency = questions.line_of_sight, questions.frequency
        loss = umi_path_loss_db(questions.tx_position, questions.rx_position, frequency, seen)
        return Prediction(metrics=SnapshotMetrics(loss, *STREET_CANYON.spreads(frequency, seen)))
