"""The predictors by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.baselines import (
    free_space,
    geometry,
    inh,
    itu,
    nearest,
    pointnet,
    umi,
)
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Learner, Prediction
from visrftwin_ros.evaluation.ray_prediction import Progress, RayPredictor
from visrftwin_ros.site.model import Site

DESCRIPTIONS: Mapping[str, str] = {
    "twin": "this package: ray tracing with people",
    "free_space": "free space (Friis)",
    "inh": "3GPP TR 38.901 InH - Office",
    "umi": "3GPP TR 38.901 UMi - Street Canyon",
    "geometry": "ray tracing, one material everywhere, nobody there",
    "itu": "Sionna RT with ITU materials, nobody there",
    "pointnet": "PointNet-style regression, trained on a share of the campaign",
    "nearest": "nearest measured snapshot of that share",
}
"""Name on the command line: what it is, in the order of tables."""


@dataclass(frozen=True)
class Setting:
    """What predictors work with. twin: the tracer with the materials to be used; people: when."""

    site: Site
    twin: RayPredictor
    people: PeopleTimeline
    learner: Learner


def predict(
    name: str, questions: Questions, setting: Setting, progress: Progress | None = None
) -> Prediction:
    """The prediction of one of DESCRIPTIONS. Raises TwinError where it cannot be made."""
    if name == "twin":
        answers = setting.twin.answers(questions, setting.people, progress=progress)
        return Prediction(paths=answers.paths)
    if name == "geometry":
        return geometry.predict(questions, setting.site, progress)
    if name == "itu":
        return itu.predict(questions, setting.site, progress)
    if name == "free_space":
        return free_space.predict(questions)
    if name == "inh":
        return inh.predict(questions)
    if name == "umi":
        return umi.predict(questions)
    if name == "pointnet":
        return pointnet.predict(questions, setting.learner)
    if name == "nearest":
        return nearest.predict(questions, setting.learner)
    raise TwinError(f"no predictor {name!r}; there are {', '.join(DESCRIPTIONS)}")
