"""The measured side of an evaluation: snapshots with their metrics, floors and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.constants import speed_of_light

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.campaign.snapshot import Campaign, Snapshot
from visrftwin_ros.evaluation.beam_scores import BeamEnds
from visrftwin_ros.evaluation.link_targets import Questions, truth_questions, usable_truth
from visrftwin_ros.evaluation.metric_scores import (
    DIRECT_WITHIN,
    QUANTITIES,
    SnapshotMetrics,
    snapshot_metrics,
)
from visrftwin_ros.evaluation.prediction import Measured
from visrftwin_ros.evaluation.references import LEAST_TO_ALIGN, delay_offset, later
from visrftwin_ros.evaluation.resolved_paths import measured_multipath, resolved
from visrftwin_ros.evaluation.splits import Split, split
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.mounts import device_mount

_WEAKEST = 0.02
"""Quantile of all measured gains that stands for the floor of a campaign that states none."""
_FLOOR_SLACK_DB = 3.0
"""A stated floor this far over measured paths is in another reference than they."""


@dataclass(frozen=True)
class GroundTruth:
    """N snapshots.

    measured: what lies over the floor, at the sounder's resolution, its delays aligned. floor_db:
    (N,) dB of power gain in the sounder's reference, NaN = none; floor_from: how it was found.
    range_db: how far under the strongest path of a record it sees. late: s taken off its delays;
    late_from: how found. split: what may be learnt from. relative: gains are against an unknown
    reference. ends: N, None where a heading is unknown. lacking: by quantity or score, why the
    campaign does not tell it.
    """

    measured: Measured
    floor_db: Float[np.ndarray, " n"]
    floor_from: str
    range_db: float
    late: float
    late_from: str
    split: Split
    relative: bool
    ends: tuple[BeamEnds | None, ...]
    lacking: Mapping[str, str]

    @property
    def scored(self) -> Bool[np.ndarray, " n"]:
        """(N,) held out."""
        return self.split.scored

    @property
    def aligning(self) -> Bool[np.ndarray, " n"]:
        """(N,) the power reference is estimated on these: those drawn at random, or all of too few."""
        drawn = self.split.at_random
        return drawn if drawn.sum() >= LEAST_TO_ALIGN else np.ones(len(drawn), bool)

    @property
    def subsets(self) -> dict[str, Bool[np.ndarray, " n"]]:
        """The scored snapshots: all, with and without a line of sight."""
        seen = self.measured.questions.line_of_sight
        return {"all": self.scored, "los": self.scored & seen, "nlos": self.scored & ~seen}

    def seen(self, paths: Multipath) -> Multipath:
        """Of resolved paths in the sounder's reference, what it would see."""
        return paths.above(self.floor_db).within(self.range_db)

    def metrics_of(self, paths: Multipath) -> SnapshotMetrics:
        """Metrics of paths by the rules that the measured ones went through."""
        return path_metrics(paths, self.measured.questions)


def ground_truth(
    snapshots: Sequence[Snapshot],
    questions: Questions,
    site: Site,
    facts: Mapping[str, Any],
    train_share: float,
    seed: int,
) -> GroundTruth:
    """What predictions are compared with."""
    relative = facts.get("gain_reference", "relative") != "absolute"
    floor, source = floors_db(snapshots, site, relative)
    span = dynamic_range_db(snapshots)
    told = resolved(measured_multipath([s.paths for s in snapshots]), questions.bandwidth)
    late, late_from = delay_offset(told, _straight(questions), DIRECT_WITHIN / questions.bandwidth)
    paths = later(told.above(floor).within(span), -np.nan_to_num(late))
    lacking = _lacking(snapshots)
    if np.isnan(late):
        lacking.setdefault("k_factor_db", late_from)
    metrics = path_metrics(paths, questions)
    unknown = {
        field: np.full(len(snapshots), np.nan)
        for name, (field, _) in QUANTITIES.items()
        if name in lacking
    }
    metrics = replace(metrics, **unknown)
    if not np.isfinite(metrics.k_factor_db).any():
        lacking.setdefault("k_factor_db", "no snapshot has a free line of sight")
    return GroundTruth(
        measured=Measured(questions, paths, metrics),
        floor_db=floor,
        floor_from=source,
        range_db=span,
        late=late,
        late_from=late_from,
        split=split(questions.stamp_ns, train_share, seed),
        relative=relative,
        ends=tuple(_beam_ends(snapshot, site) for snapshot in snapshots),
        lacking=lacking,
    )


def _lacking(snapshots: Sequence[Snapshot]) -> dict[str, str]:
    """What records of such paths cannot tell, and why."""
    paths = [s.paths for s in snapshots]
    found = {}
    if not any(np.isfinite(p.delay).sum() > 1 for p in paths):
        found["delay_spread_ns"] = found["k_factor_db"] = "no record has two paths with a delay"
    if not any(np.isfinite(p.aoa_azimuth).sum() > 1 for p in paths):
        found["azimuth_spread_deg"] = "no record has two paths with an angle of arrival"
        if found.get("delay_spread_ns"):
            found["clusters"] = "no record has two paths with a delay or an angle of arrival"
    directed = (
        np.isfinite([p.aoa_azimuth, p.aoa_elevation, p.aod_azimuth, p.aod_elevation]).all(axis=0)
        for p in paths
    )
    if not any(known.any() for known in directed):
        found["beams"] = "no record has a path with the angles at both ends"
    return found


@dataclass(frozen=True)
class TrueChannels:
    """The C channels of `truth/channels`: what may be asked of them, and without a sounder's limits
    what they were. shadow_loss_db, shadow_loss_los_db: (C,), the latter nan in older bags."""

    questions: Questions
    metrics: SnapshotMetrics
    shadow_loss_db: Float[np.ndarray, " c"]
    shadow_loss_los_db: Float[np.ndarray, " c"]


def true_channels(campaign: Campaign, site: Site, sees: Visibility) -> TrueChannels | None:
    """Of a campaign; None where it has none that can be asked about."""
    channels = usable_truth(campaign, site)
    if not channels:
        return None
    names = SnapshotMetrics.__dataclass_fields__
    return TrueChannels(
        truth_questions(channels, site, sees),
        SnapshotMetrics(**{n: np.array([getattr(c, n) for c in channels]) for n in names}),
        np.array([c.shadow_loss_db for c in channels]),
        np.array([c.shadow_loss_los_db for c in channels]),
    )


def path_metrics(paths: Multipath, questions: Questions) -> SnapshotMetrics:
    """`snapshot_metrics` with the free lines of sight of `questions`."""
    return snapshot_metrics(paths, _straight(questions), questions.bandwidth)


def _straight(questions: Questions) -> Float[np.ndarray, " n"]:
    """(N,) s, delay of the free line of sight, NaN where there is none."""
    return np.where(questions.line_of_sight, questions.distance / speed_of_light, np.nan)


def floors_db(
    snapshots: Sequence[Snapshot], site: Site, relative: bool
) -> tuple[Float[np.ndarray, " n"], str]:
    """(N,) the weakest gain [dB] that the sounder can have seen, and where that is from.

    The stated noise floor less the access point's transmit power, where gains are absolute and no
    measured path contradicts it; else the _WEAKEST quantile of all measured gains.
    """
    if not any(np.isfinite(s.paths.gain_db).sum() > 1 for s in snapshots):
        none = np.full(len(snapshots), np.nan)
        return none, "none: one gain a record is the power of all paths together"
    gains = np.concatenate([s.paths.gain_db[np.isfinite(s.paths.gain_db)] for s in snapshots])
    weakest = float(np.quantile(gains, _WEAKEST))
    empirical = np.full(len(snapshots), weakest)
    share = f"the {100 * _WEAKEST:g} % quantile of the measured gains"
    sent = {ap.name: ap.tx_power_dbm for ap in site.access_points}
    stated = np.array([s.noise_floor_dbm - sent[s.tx] for s in snapshots])
    known = np.isfinite(stated)
    if relative:
        return empirical, f"{share}: without an absolute reference a floor in dBm says nothing"
    if not known.any():
        return empirical, f"{share}: no noise floor is stated"
    if np.median(stated[known]) > weakest + _FLOOR_SLACK_DB:
        return empirical, (
            f"{share}: the stated noise floor, {np.median(stated[known]):.1f} dB of gain, is over "
            "measured paths"
        )
    return np.where(known, stated, weakest), "stated noise floor less transmit power"


def dynamic_range_db(snapshots: Sequence[Snapshot]) -> float:
    """How far under the strongest path of their record measured paths reach [dB], but for the
    _WEAKEST share of them: a correlator's sidelobes hide what is weaker. Infinite where no record
    has two paths: its one gain is the whole power, of whatever arrived."""
    gains = [s.paths.gain_db[np.isfinite(s.paths.gain_db)] for s in snapshots]
    under = [g.max() - g for g in gains if len(g) > 1]
    return float(np.quantile(np.concatenate(under), 1 - _WEAKEST)) if under else float("inf")


def _beam_ends(snapshot: Snapshot, site: Site) -> BeamEnds | None:
    robot = next((r for r in site.robots if r.name == snapshot.rx), None)
    tx = device_mount(site, snapshot.tx, snapshot.stamp_ns, {})
    if robot is None or tx is None or not np.isfinite(snapshot.rx_yaw):
        return None
    power = next(ap.tx_power_dbm for ap in site.access_points if ap.name == snapshot.tx)
    return BeamEnds(tx, Mount(robot.array, snapshot.rx_yaw), power)
