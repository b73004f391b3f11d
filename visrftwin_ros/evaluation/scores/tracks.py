"""The people that a predictor was told of, where they were tracked and the truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.score import Draw, Need
from visrftwin_ros.evaluation.track_scores import Truth, score_tracks
from visrftwin_ros.perception.tracking.tracks_file import Tracks


class PeopleTracks:
    """How well the tracked people agree with `truth/people`."""

    name = "tracks"
    needs: tuple[Need, ...] = ("people",)
    columns: Mapping[str, int] = {}

    def of(self, result: Result, state: Evaluation) -> Finding | None:
        """At the stamps of the truth, of everybody in it, whether a sensor saw them or not."""
        truth = [bodies for _, bodies in state.campaign.truth_people]
        if state.options.people != "tracked" or not any(len(bodies) for bodies in truth):
            return None
        people = state.setting.people
        tracked = [people.at(stamp) for stamp, _ in state.campaign.truth_people]
        return Finding(metrics=asdict(score_tracks(_tracks(tracked), _truth(truth))))

    def figures(self) -> Mapping[str, Draw]:
        return {}


def _truth(moments: Sequence[Bodies]) -> Truth:
    frame, ids, position = _rows(moments)
    return Truth(frame, ids, position)


def _tracks(moments: Sequence[Bodies]) -> Tracks:
    frame, ids, position = _rows(moments)
    velocity = np.concatenate([bodies.velocity[:, :2] for bodies in moments])
    height = np.concatenate([bodies.height for bodies in moments])
    return Tracks(frame, ids, position, velocity, height, np.ones(len(frame)))


def _rows(moments: Sequence[Bodies]) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """Frame from 1, id and ground position of everybody at each moment."""
    frame = np.repeat(np.arange(1, len(moments) + 1), [len(bodies) for bodies in moments])
    ids = tuple(name for bodies in moments for name in bodies.ids)
    return frame, ids, np.concatenate([bodies.position[:, :2] for bodies in moments])
