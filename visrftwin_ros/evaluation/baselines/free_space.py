"""The line of sight alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.constants import speed_of_light

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told
from visrftwin_ros.propagation.paths.path_set import angles


def free_space_path_loss_db(
    distance: Float[np.ndarray, " n"], frequency: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Friis: 20 log10(4 pi d f / c), between isotropic antennas (ITU-R P.525-4, eq. (4))."""
    return 20 * np.log10(4 * np.pi * distance * frequency / speed_of_light)


class FreeSpace:
    """Friis along the straight line, whatever stands in it."""

    name = "free_space"
    label = "free space"
    colour = "#7f7f7f"
    what = "free space (Friis)"
    told: tuple[Told, ...] = ("positions",)
    headline = False

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """One path a question, straight and through everything."""
        distance = questions.distance
        step = questions.rx_position - questions.tx_position
        loss = free_space_path_loss_db(distance, questions.frequency)
        return Prediction(
            paths=Multipath(
                count=len(questions),
                channel=np.arange(len(questions)),
                power=10 ** (-loss / 10),
                delay=distance / speed_of_light,
                departure=np.stack(angles(step), axis=-1),
                arrival=np.stack(angles(-step), axis=-1),
            )
        )
