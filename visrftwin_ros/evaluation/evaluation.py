"""Predicts every snapshot of a campaign by several predictors and scores them all alike."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.beam_scores import BeamChoices, beam_choices
from visrftwin_ros.evaluation.cluster_scores import ClusterScore, cluster_score
from visrftwin_ros.evaluation.ground_truth import GroundTruth, ground_truth
from visrftwin_ros.evaluation.link_targets import (
    snapshot_questions,
    truth_questions,
    usable_snapshots,
    usable_truth,
)
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics, offset_db
from visrftwin_ros.evaluation.prediction import Learner, Prediction
from visrftwin_ros.evaluation.predictors import DESCRIPTIONS, Setting, predict
from visrftwin_ros.evaluation.ray_prediction import Progress, RayPredictor, site_meshes
from visrftwin_ros.evaluation.shadow_scores import Trace
from visrftwin_ros.evaluation.tracked_people import tracked_people
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.model import Site

LOG = logging.getLogger(__name__)
PeopleSource = Literal["truth", "tracked", "none"]
MaterialSource = Literal["site", "truth"]


@dataclass(frozen=True)
class Options:
    """predictors: names of `predictors.DESCRIPTIONS`. weights: of the detector, for people tracked.
    train_share: of the snapshots, for those that learn and for the power reference; the others
    are scored. threads: of the tracer, 0 = all."""

    predictors: tuple[str, ...] = tuple(DESCRIPTIONS)
    people: PeopleSource = "truth"
    weights: str = ""
    materials: MaterialSource = "site"
    train_share: float = 0.2
    seed: int = 1
    threads: int = 2


@dataclass(frozen=True)
class Result:
    """One predictor on all N snapshots, in the sounder's power reference.

    offset_db: what was added to its path losses to get there. paths: above the floor; None where
    it has none. clusters: by subset. beams: None where it has no paths.
    """

    name: str
    metrics: SnapshotMetrics
    paths: Multipath | None
    offset_db: float
    clusters: dict[str, ClusterScore] = field(default_factory=dict)
    beams: BeamChoices | None = None


@dataclass(frozen=True)
class TrueComparison:
    """The twin against the true channels: traces of shadow loss, and all C channels' metrics.

    predicted, true: without an instrument's limits; line_of_sight: (C,).
    """

    traces: tuple[Trace, ...]
    predicted: SnapshotMetrics
    true: SnapshotMetrics
    line_of_sight: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Everything that reports and figures need."""

    campaign: Campaign
    site: Site
    options: Options
    truth: GroundTruth
    results: tuple[Result, ...] = ()
    shadow: TrueComparison | None = None
    problems: tuple[str, ...] = ()
    complete: bool = False

    def result(self, name: str) -> Result | None:
        return next((result for result in self.results if result.name == name), None)


def evaluate(
    bag: str | Path,
    site: Site,
    options: Options,
    keep: Callable[[Evaluation], None] = lambda _: None,
    progress: Callable[[str], Progress] | None = None,
) -> Evaluation:
    """Scores of all `options.predictors`; one that fails is named and the others go on.

    keep: called after every predictor with what there is so far. progress: for each step's name,
    something to tell how far it is. Raises TwinError where the bag cannot be read, does not fit
    the site, or no predictor has anything to say.
    """
    for name in options.predictors:
        if name not in DESCRIPTIONS:
            raise TwinError(f"no predictor {name!r}; there are {', '.join(DESCRIPTIONS)}")
    if not 0 <= options.train_share < 1:
        raise TwinError(f"a train share of {options.train_share:g}; expected 0 to below 1")
    campaign = read_campaign(bag, site)
    state, setting = _prepared(campaign, site, options)
    keep(state)
    for name in options.predictors:
        try:
            result = _result(name, state.truth, setting, progress)
            state = replace(state, results=(*state.results, result))
        except TwinError as error:
            LOG.warning("%s left out: %s", name, error)
            state = replace(state, problems=(*state.problems, f"{name} left out: {error}"))
        keep(state)
    if not state.results:
        raise TwinError(f"{campaign.source}: no predictor left: {'; '.join(state.problems)}")
    state = replace(state, results=_with_beams(state))
    if "twin" in options.predictors:
        shadow, problems = _true_comparison(state, setting, progress)
        state = replace(state, shadow=shadow, problems=(*state.problems, *problems))
    state = replace(state, complete=True)
    keep(state)
    return state


def _prepared(campaign: Campaign, site: Site, options: Options) -> tuple[Evaluation, Setting]:
    snapshots, problems = usable_snapshots(campaign, site)
    site, more = _at_carrier(site, {s.frequency for s in snapshots})
    people, missing = _people(campaign, site, options)
    if options.materials == "truth" and campaign.truth_materials is None:
        raise TwinError(f"{campaign.source} has no truth/materials: evaluate with --materials site")
    prepare(threads=options.threads)
    truth = campaign.truth_materials if options.materials == "truth" else None
    meshes, left = site_meshes(site, truth)
    if left:
        more.append(f"truth/materials says nothing of {', '.join(left)}: as in the site")
    questions = snapshot_questions(snapshots, site, Visibility(meshes))
    measured = ground_truth(
        snapshots, questions, site, campaign.facts, options.train_share, options.seed
    )
    known = measured.measured.take(np.flatnonzero(measured.train))
    setting = Setting(
        site, RayPredictor(site, meshes), people, Learner(meshes, known, options.seed)
    )
    found = (*campaign.problems, *problems, *more, *missing)
    return Evaluation(campaign, site, options, measured, problems=found), setting


def _at_carrier(site: Site, carriers: set[float]) -> tuple[Site, list[str]]:
    """The site at the campaign's carrier, where that is one."""
    if len(carriers) > 1:
        low, high = min(carriers) / 1e9, max(carriers) / 1e9
        return site, [
            f"snapshots at {len(carriers)} carriers, {low:g} to {high:g} GHz: predicted at the "
            f"site's {site.radio.frequency / 1e9:g} GHz"
        ]
    radio = site.radio.model_copy(update={"frequency": carriers.pop()})
    return site.model_copy(update={"radio": radio}), []


def _people(campaign: Campaign, site: Site, options: Options) -> tuple[PeopleTimeline, list[str]]:
    if options.people == "none":
        return PeopleTimeline(), []
    if options.people == "tracked":
        tracked = tracked_people(site, campaign.source, options.weights)
        return tracked, [] if len(tracked) else ["nobody was tracked in the bag"]
    if not campaign.truth_people:
        return PeopleTimeline(), ["no truth/people in the bag: predicted with nobody there"]
    return PeopleTimeline(campaign.truth_people), []


def _result(
    name: str,
    truth: GroundTruth,
    setting: Setting,
    progress: Callable[[str], Progress] | None,
) -> Result:
    step = progress(name) if progress else None
    prediction = predict(name, truth.measured.questions, setting, step)
    offset, metrics, paths = _aligned(prediction, truth)
    clusters = {}
    if paths is not None:
        for subset, rows in truth.subsets.items():
            index = np.flatnonzero(rows)
            ours, theirs = (
                Multipath.joined([side.of(int(i)) for i in index])
                for side in (paths, truth.measured.paths)
            )
            clusters[subset] = cluster_score(ours, theirs)
    return Result(name, metrics, paths, offset, clusters)


def _aligned(
    prediction: Prediction, truth: GroundTruth
) -> tuple[float, SnapshotMetrics, Multipath | None]:
    """In the sounder's reference, over its floor: offset of the path loss, metrics, paths."""
    unknown = truth.relative and not prediction.learnt
    offset = 0.0
    if prediction.metrics is not None:
        given = prediction.metrics
        offset = _offset(given, truth) if unknown else 0.0
        known = prediction.paths
        paths = None if known is None else truth.seen(known.stronger_by(-offset))
        return offset, replace(given, path_loss_db=given.path_loss_db + offset), paths
    if prediction.paths is None:
        raise TwinError("a prediction has neither paths nor metrics")
    if unknown:
        offset = _offset(truth.metrics_of(prediction.paths), truth)
        # What the floor hides moves the reference by a little.
        seen = truth.seen(prediction.paths.stronger_by(-offset))
        offset += _offset(truth.metrics_of(seen), truth)
    paths = truth.seen(prediction.paths.stronger_by(-offset))
    return offset, truth.metrics_of(paths), paths


def _offset(metrics: SnapshotMetrics, truth: GroundTruth) -> float:
    rows = truth.aligning
    measured = truth.measured.metrics.path_loss_db
    offset, count = offset_db(metrics.path_loss_db[rows], measured[rows])
    if not count:
        raise TwinError("it predicts a path loss for none of the snapshots that set the reference")
    return offset


def _with_beams(state: Evaluation) -> tuple[Result, ...]:
    """Beam choices of those with paths, all on one absolute reference: the twin's, or that of the
    first that has paths and did not learn them."""
    truth = state.truth
    with_paths = [r for r in state.results if r.paths is not None and r.name != "nearest"]
    if not with_paths:
        return state.results
    reference = state.result("twin") or with_paths[0]
    absolute = truth.measured.paths.stronger_by(reference.offset_db)
    radio = state.site.radio
    return tuple(
        replace(result, beams=beam_choices(result.paths, absolute, truth.ends, radio))
        if result.paths is not None
        else result
        for result in state.results
    )


def _true_comparison(
    state: Evaluation, setting: Setting, progress: Callable[[str], Progress] | None
) -> tuple[TrueComparison | None, list[str]]:
    channels = usable_truth(state.campaign, state.site)
    if not channels:
        return None, ["no truth/channels in the bag: shadow loss is not scored"]
    sees = Visibility(setting.learner.meshes)
    questions = truth_questions(channels, state.site, sees)
    step = progress("true channels") if progress else None
    found = setting.twin.answers(questions, setting.people, False, step).metrics
    true_shadow = np.array([c.shadow_loss_db for c in channels])
    time = (questions.stamp_ns - questions.stamp_ns[0]) * 1e-9
    links = sorted(set(zip(questions.tx, questions.rx, strict=True)))
    traces = []
    for tx, rx in links:
        own = zip(questions.tx, questions.rx, strict=True)
        rows = np.flatnonzero([link == (tx, rx) for link in own])
        traces.append(Trace(tx, rx, time[rows], found.shadow_loss_db[rows], true_shadow[rows]))
    names = ("path_loss_db", "delay_spread", "azimuth_spread", "k_factor_db")
    predicted = SnapshotMetrics(**{n: getattr(found, n) for n in names})
    true = SnapshotMetrics(**{n: np.array([getattr(c, n) for c in channels]) for n in names})
    return TrueComparison(tuple(traces), predicted, true, questions.line_of_sight), []
