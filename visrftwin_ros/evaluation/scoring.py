"""The scores that predictions get: a new one is one file and one line here."""

from __future__ import annotations

from dataclasses import replace

from visrftwin_ros.evaluation.results import Evaluation, Result
from visrftwin_ros.evaluation.score import Need, Score
from visrftwin_ros.evaluation.scores.beams import BeamPairs
from visrftwin_ros.evaluation.scores.clusters import Clusters
from visrftwin_ros.evaluation.scores.errors import MetricErrors
from visrftwin_ros.evaluation.scores.shadow import ShadowLoss
from visrftwin_ros.evaluation.scores.tracks import PeopleTracks

SCORES: tuple[Score, ...] = (
    MetricErrors(),
    Clusters(),
    BeamPairs(),
    ShadowLoss(),
    PeopleTracks(),
)
"""In the order of `metrics.json` and the tables."""


def scored(state: Evaluation) -> Evaluation:
    """With the findings of every score that can be taken by now and was not yet."""
    findings = {}
    for result in state.results:
        own = dict(state.findings.get(result.name, {}))
        there = _there(result, state)
        for score in SCORES:
            if score.name not in own and there.issuperset(score.needs):
                finding = score.of(result, state)
                if finding is not None:
                    own[score.name] = finding
        findings[result.name] = {s.name: own[s.name] for s in SCORES if s.name in own}
    return replace(state, findings=findings)


def _there(result: Result, state: Evaluation) -> set[Need]:
    conditions: dict[Need, bool] = {
        "paths": result.paths is not None,
        "reference": state.reference_db is not None,
        "channels": result.channels is not None,
        "people": "people" in result.predictor.told,
    }
    return {need for need, met in conditions.items() if met}
