"""Predicts every snapshot of a campaign by several predictors and scores them all alike."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.calibration.fitted_on import refuse_own_fit
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.calibrated_place import calibrated_place
from visrftwin_ros.evaluation.ground_truth import ground_truth, true_channels
from visrftwin_ros.evaluation.link_targets import snapshot_questions, usable_snapshots
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import (
    ChannelPredictor,
    Measured,
    Prediction,
    Predictor,
    Progress,
    Setting,
)
from visrftwin_ros.evaluation.predictors import predictor_named
from visrftwin_ros.evaluation.ray_prediction import site_meshes
from visrftwin_ros.evaluation.references import power_offsets_db
from visrftwin_ros.evaluation.results import Evaluation, Options, Result
from visrftwin_ros.evaluation.robot_bodies import RecordedRobots
from visrftwin_ros.evaluation.scoring import scored
from visrftwin_ros.evaluation.solves import Solves, solve_places
from visrftwin_ros.evaluation.splits import folds
from visrftwin_ros.evaluation.tracked_people import tracked_people
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.model import Site

LOG = logging.getLogger(__name__)

Progresses = Callable[[str], Progress]
"""For each step's name, something to tell how far it is."""


@dataclass(frozen=True)
class Question:
    """A campaign to score; fields as of `evaluate`."""

    bag: Path
    site: Site
    options: Options


def evaluated(asked: Question) -> Evaluation:
    """As `evaluate`, for a worker who tells of nothing until it is done."""
    return evaluate(asked.bag, asked.site, asked.options)


def evaluate(
    bag: str | Path,
    site: Site,
    options: Options,
    keep: Callable[[Evaluation], None] = lambda _: None,
    progress: Progresses | None = None,
) -> Evaluation:
    """Scores of all `options.predictors`; one that fails is named and the others go on.

    keep: called after every predictor with what there is so far. Raises TwinError where the bag
    cannot be read, does not fit the site, was what the site was calibrated on, or no predictor has
    anything to say.
    """
    with TemporaryDirectory(prefix="visrftwin_solves_") as folder:
        return _evaluated(bag, site, options, keep, progress, Path(folder))


def _evaluated(
    bag: str | Path,
    site: Site,
    options: Options,
    keep: Callable[[Evaluation], None],
    progress: Progresses | None,
    folder: Path,
) -> Evaluation:
    """folder: for full solves, while it lasts."""
    predictors = [predictor_named(name) for name in options.predictors]
    if not 0 <= options.train_share < 1:
        raise TwinError(f"a train share of {options.train_share:g}; expected 0 to below 1")
    campaign = read_campaign(bag, site)
    untold = refuse_own_fit(site, campaign)
    state = _prepared(campaign, site, options, folder)
    state = replace(state, problems=(*state.problems, *untold))
    if options.fit_bag is not None:
        setting = state.setting
        place = calibrated_place(options.fit_bag, state.campaign, setting.site, options.seed)
        state = replace(state, setting=replace(setting, calibrated=place))
    keep(state)
    for predictor in predictors:
        try:
            result = _result(predictor, state, progress)
            state = scored(replace(state, results=(*state.results, result)))
        except TwinError as error:
            LOG.warning("%s left out: %s", predictor.name, error)
            problem = f"{predictor.name} left out: {error}"
            state = replace(state, problems=(*state.problems, problem))
        keep(state)
    if not state.results:
        raise TwinError(f"{state.campaign.source}: no predictor left: {'; '.join(state.problems)}")
    state = scored(replace(state, reference_db=_reference_db(state)))
    state = scored(_with_channels(state, progress))
    state = replace(state, setting=replace(state.setting, solves=None), complete=True)
    keep(state)
    return state


def _prepared(campaign: Campaign, site: Site, options: Options, folder: Path) -> Evaluation:
    snapshots, problems = usable_snapshots(campaign, site)
    site, more = _at_carrier(site, {s.frequency for s in snapshots})
    people, missing = _people(campaign, site, options)
    prepare(threads=options.threads)
    meshes, _ = site_meshes(site)
    true_meshes = None
    if campaign.truth_materials is not None:
        true_meshes, left = site_meshes(site, campaign.truth_materials)
        if left:
            more.append(f"truth/materials says nothing of {', '.join(left)}: as in the site")
    sees = Visibility(meshes)
    questions = snapshot_questions(snapshots, site, sees)
    true = true_channels(campaign, site, sees)
    asked = [questions.rx_position, *([] if true is None else [true.questions.rx_position])]
    truth = ground_truth(
        snapshots, questions, site, campaign.facts, options.train_share, options.seed
    )
    setting = Setting(
        site=site,
        meshes=meshes,
        people=people,
        known=truth.measured.take(np.flatnonzero(truth.split.at_random)),
        seed=options.seed,
        stretches=truth.measured.take(np.flatnonzero(truth.split.whole)),
        true_meshes=true_meshes,
        solves=Solves(solve_places(np.concatenate(asked)), folder),
    )
    found = (*campaign.problems, *problems, *more, *missing)
    return Evaluation(campaign, options, setting, truth, true_channels=true, problems=found)


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
    robots = RecordedRobots(site, campaign.snapshots).at
    if options.people == "none":
        return PeopleTimeline(robots=robots), []
    if options.people == "tracked":
        tracked = tracked_people(site, campaign.source, options.weights, campaign.boxes, robots)
        return tracked, [] if len(tracked) else ["nobody was tracked in the bag"]
    if not campaign.truth_people:
        nobody_there = ["no truth/people in the bag: predicted with nobody there"]
        return PeopleTimeline((), campaign.boxes, robots), nobody_there
    return PeopleTimeline(campaign.truth_people, campaign.boxes, robots), _twice(campaign)


def _twice(campaign: Campaign) -> list[str]:
    """Boxes that go by the id of a person, whom the timeline prefers."""
    people, boxes = (
        {name for _, bodies in records for name in bodies.ids}
        for records in (campaign.truth_people, campaign.boxes)
    )
    both = sorted(people & boxes)
    return [f"boxes under a person's id left out: {', '.join(both)}"] if both else []


def _result(predictor: Predictor, state: Evaluation, progress: Progresses | None) -> Result:
    told = state.setting.as_told(predictor.told)
    step = progress(predictor.name) if progress else None
    measured = state.truth.measured
    if "other snapshots" in predictor.told:
        prediction = _in_turn(predictor, measured, told, step)
    else:
        prediction = predictor.predict(measured.questions, told, step)
    offset, metrics, paths = _aligned(prediction, state)
    return Result(predictor, metrics, paths, offset, prediction.learnt, losses=prediction.losses)


def _in_turn(
    predictor: Predictor, measured: Measured, told: Setting, progress: Progress | None
) -> Prediction:
    """Each part of the snapshots by one that knows the answers of all others; losses: of the first."""
    count = len(measured.questions)
    parts = folds(count, told.seed)
    found: list[SnapshotMetrics] = []
    losses = None
    for part in parts:
        known = measured.take(np.setdiff1d(np.arange(count), part))
        answer = predictor.predict(measured.questions.take(part), replace(told, known=known))
        if answer.metrics is None:
            raise TwinError(f"{predictor.name} answers without metrics")
        found.append(answer.metrics)
        losses = answer.losses if losses is None else losses
        if progress is not None:
            progress(len(found), len(parts))
    back = np.argsort(np.concatenate(parts))
    joined = {
        field.name: np.concatenate([getattr(one, field.name) for one in found])[back]
        for field in fields(SnapshotMetrics)
    }
    return Prediction(metrics=SnapshotMetrics(**joined), learnt=True, losses=losses)


def _aligned(
    prediction: Prediction, state: Evaluation
) -> tuple[np.ndarray, SnapshotMetrics, Multipath | None]:
    """In the sounder's reference, over its floor: offset of the path loss, metrics, paths."""
    truth = state.truth
    unknown = truth.relative and not prediction.learnt
    offset = np.zeros(len(truth.scored))
    if prediction.metrics is not None:
        given = prediction.metrics
        offset = _offset(given, state) if unknown else offset
        known = prediction.paths
        paths = None if known is None else truth.seen(known.stronger_by(-offset))
        return offset, replace(given, path_loss_db=given.path_loss_db + offset), paths
    if prediction.paths is None:
        raise TwinError("a prediction has neither paths nor metrics")
    if unknown:
        offset = _offset(truth.metrics_of(prediction.paths), state)
        # What the floor hides moves the reference by a little.
        seen = truth.seen(prediction.paths.stronger_by(-offset))
        offset = offset + _offset(truth.metrics_of(seen), state)
    paths = truth.seen(prediction.paths.stronger_by(-offset))
    return offset, truth.metrics_of(paths), paths


def _offset(metrics: SnapshotMetrics, state: Evaluation) -> np.ndarray:
    truth, kind = state.truth, state.options.power_reference
    asked = truth.measured.questions
    offset = power_offsets_db(kind, metrics, truth.measured.metrics, truth.aligning, asked.stamp_ns)
    if np.isnan(offset).any():
        what = "line of sight" if kind == "los" else "path loss"
        raise TwinError(
            f"no {what}, predicted and measured, in the snapshots that set the reference"
        )
    return offset


def _reference_db(state: Evaluation) -> np.ndarray | None:
    """What takes the sounder's power gains to absolute ones: by the predictor under test, or the
    first that has paths and did not learn them."""
    absolute = [r for r in state.results if r.paths is not None and not r.learnt]
    chosen = min(absolute, key=lambda result: result is not state.under_test, default=None)
    return None if chosen is None else chosen.offset_db


def _with_channels(state: Evaluation, progress: Progresses | None) -> Evaluation:
    """With the predictions of `truth/channels` by those that follow channels."""
    if not any(isinstance(result.predictor, ChannelPredictor) for result in state.results):
        return state
    setting, true = state.setting, state.true_channels
    if true is None:
        problem = "no truth/channels in the bag: shadow loss is not scored"
        return replace(state, problems=(*state.problems, problem))
    results, problems = [], list(state.problems)
    for result in state.results:
        if isinstance(predictor := result.predictor, ChannelPredictor):
            step = progress(f"{result.name}, true channels") if progress else None
            told = setting.as_told(predictor.told)
            try:
                result = replace(result, channels=predictor.channels(true.questions, told, step))
            except TwinError as error:
                problems.append(f"shadow loss of {result.name} is not scored: {error}")
        results.append(result)
    return replace(state, results=tuple(results), problems=tuple(problems))
