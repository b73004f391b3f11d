"""The nearest snapshot that was measured."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.campaign.path_lists import PathLists, no_path_lists
from visrftwin_ros.campaign.prediction import Learner, Prediction
from visrftwin_ros.campaign.questions import Questions
from visrftwin_ros.errors import TwinError


def predict(questions: Questions, learner: Learner) -> Prediction:
    """The paths of the nearest known place with the same transmitter; none where it has none.

    Raises TwinError where nothing is known at all.
    """
    known = learner.known.questions
    if not len(known):
        raise TwinError("the nearest snapshot needs at least one to learn from")
    parts = []
    for i in range(len(questions)):
        rows = np.flatnonzero(np.array(known.tx) == questions.tx[i])
        if not len(rows):
            parts.append(no_path_lists(1))
            continue
        away = np.linalg.norm(known.rx_position[rows] - questions.rx_position[i], axis=1)
        parts.append(learner.known.paths.of(int(rows[away.argmin()])))
    return Prediction(paths=PathLists.joined(parts), learnt=True)
