"""Hand-over policies on a campaign with true channels: what each would have been worth."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from visrftwin_ros.beams.fade_warnings import FadeWarning, FadeWarnings
from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service, links_ahead
from visrftwin_ros.beams.selection import BeamHolder, sweep
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.snapshot import Campaign, TrueChannel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.drives import Drive, on_tf
from visrftwin_ros.evaluation.observed_people import observed_people
from visrftwin_ros.evaluation.policies import advised, service_told, two_windows
from visrftwin_ros.evaluation.resolved_paths import measured_multipath
from visrftwin_ros.evaluation.scores.announcements import LEADS, announcement_score
from visrftwin_ros.evaluation.scores.service import (
    Course,
    Episode,
    ServiceScore,
    oracle,
    play,
    react,
    service_score,
    stay,
)
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.track_bodies import bodies_of
from visrftwin_ros.site.model import Radio, Site
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.mounts import RobotPose, device_mount

_MEASURED_SIGMA_DB = 1.0
"""dB, of an SNR as a radio reports it (our assumption)."""
_LEAST_SECONDS = 5.0
_LONGEST_SOLVE = 120.0
"""s that the paths of a robot that drives are waited for."""
_LOOK = 0.02


@dataclass(frozen=True)
class Outcome:
    """What one policy made of one robot's course; old_serves: the old link served on during hand-overs."""

    robot: str
    policy: str
    score: ServiceScore
    old_serves: bool


@dataclass(frozen=True)
class Decisions:
    """Of one bag. told: what each policy knows. outcomes: robots times policies, for both that may become
    of the old link (`service.old_serves` says nothing). served: at each of AHEAD s, the probability that a
    link will give the needed rate, and whether it did. warnings: of the live graph against the true shadow
    loss.
    """

    source: Path
    service: Service
    told: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    served: Mapping[float, tuple[NDArray[np.float64], NDArray[np.bool_]]]
    warnings: Warned
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """link_seconds: of all links, in which it is known whether a warning was false. fades: deep ones;
    announced: of these, each of LEADS s before."""

    link_seconds: float
    fades: int
    announced: tuple[int, ...]
    warnings: int
    false: int


AHEAD = (0.5, 1.0, 2.0)
"""s ahead at which the forecast of service is compared with what came."""


TOLD = {
    "stay": "nothing",
    "react at 3 dB": "measured SNR of every access point that the robot hears",
    "two windows": "as the twin, but a simple rule instead of the plan",
    "twin": "the site as it is, people as tracked, measured SNR of every access point, the robot's own"
    " plan where it drives",
    "twin, unmeasured": "the same without measured SNRs",
    "oracle": "all true channels, those to come too",
}


@dataclass(frozen=True)
class Question:
    """A bag to play policies over; fields as of `decide`."""

    bag: Path
    site: Site
    service: Service
    seed: int
    missed: float


def decided(asked: Question) -> Decisions:
    """As `decide`, by an engine of its own: what robots that drive teach it of the paths is no other bag's."""
    engine = TwinEngine(asked.site, cache_folder("paths"), threads=2)
    try:
        return decide(asked.bag, asked.site, engine, asked.service, asked.seed, asked.missed)
    finally:
        engine.close()


def decide(
    bag: str | Path,
    site: Site,
    engine: TwinEngine,
    service: Service,
    seed: int,
    missed: float = 0.0,
) -> Decisions:
    """Plays TOLD's policies over the true channels of a bag, for every robot.

    engine: of `site`. missed: share of the time in which each person is not seen. Raises TwinError
    where the bag has no true channels and people, or no robot that hears two access points.
    """
    campaign = read_campaign(bag, site)
    if not campaign.truth_channels or not campaign.truth_people:
        raise TwinError(
            f"{bag}: no truth/channels and truth/people; policies are judged by true channels only"
            ", which lab campaigns have"
        )
    found, problems = courses(campaign, site)
    if not found:
        raise TwinError(f"{bag}: no robot to decide for: {'; '.join(problems)}")
    start_ns = min(channel.stamp_ns for channel in campaign.truth_channels)
    seconds = float(found[0].time[-1])
    people = list(
        observed_people(PeopleTimeline(campaign.truth_people), start_ns, seconds, seed, missed)
    )
    drives = {robot.name: Drive.of(campaign, robot) for robot in site.robots if on_tf(robot)}
    foreseen = forecasts(engine, people, {name: d for name, d in drives.items() if d is not None})
    outcomes = []
    served: dict[float, list[tuple[NDArray[np.float64], NDArray[np.bool_]]]] = {}
    for number, course in enumerate(found):
        draw = np.random.default_rng([seed, number, 77])
        measured = course.snr_db + draw.normal(0, _MEASURED_SIGMA_DB, course.snr_db.shape)
        first = int(np.nan_to_num(course.snr_db[:, 0], nan=-np.inf).argmax())
        mine = [one.links.get(course.robot) for one in foreseen]
        radio = site.radio
        for meanwhile in (replace(service, old_serves=False), replace(service, old_serves=True)):
            episodes = _episodes(course, mine, measured, first, radio, meanwhile)
            outcomes += [
                Outcome(
                    course.robot,
                    name,
                    service_score(course, episode, radio, meanwhile),
                    meanwhile.old_serves,
                )
                for name, episode in episodes.items()
            ]
        for ahead in AHEAD:
            served.setdefault(ahead, []).append(
                service_told(course, mine, measured, ahead, radio, service)
            )
    return Decisions(
        Path(bag),
        service,
        TOLD,
        tuple(outcomes),
        {
            ahead: (np.concatenate([p for p, _ in parts]), np.concatenate([c for _, c in parts]))
            for ahead, parts in served.items()
        },
        warned(engine, campaign, foreseen),
        tuple(problems),
    )


def _episodes(
    course: Course,
    ahead: Sequence[LinksAhead | None],
    measured: Float[np.ndarray, "a t"],
    first: int,
    radio: Radio,
    service: Service,
) -> dict[str, Episode]:
    """Of each of TOLD's policies."""
    rule = two_windows(course, ahead, measured, radio, service)
    told = advised(course, ahead, measured, radio, service)
    unmeasured = advised(course, ahead, None, radio, service)
    return {
        "stay": play(course, first, stay, radio, service),
        "react at 3 dB": play(course, first, react(measured), radio, service),
        "two windows": play(course, first, rule, radio, service),
        "twin": play(course, first, told, radio, service),
        "twin, unmeasured": play(course, first, unmeasured, radio, service),
        "oracle": oracle(course, first, radio, service),
    }


def courses(campaign: Campaign, site: Site) -> tuple[list[Course], list[str]]:
    """The true course of every robot, with the pair of beams that was best when its radios swept last
    (`radio.beam_sweep_period`; each moment where that is 0); and why there is none of the others."""
    by_link: dict[str, dict[str, list[TrueChannel]]] = {}
    for channel in campaign.truth_channels:
        by_link.setdefault(channel.rx, {}).setdefault(channel.tx, []).append(channel)
    made, problems = [], []
    for robot in site.robots:
        links = by_link.get(robot.name, {})
        if len(links) < 2:
            problems.append(f"{robot.name} has true channels of {len(links)} access points")
            continue
        stamps = sorted({channel.stamp_ns for every in links.values() for channel in every})
        time = (np.array(stamps) - stamps[0]) * 1e-9
        if time[-1] < _LEAST_SECONDS:
            problems.append(f"{robot.name}: {time[-1]:.1f} s of truth, under {_LEAST_SECONDS:g} s")
            continue
        row = {stamp: k for k, stamp in enumerate(stamps)}
        snr = np.full((len(links), len(stamps)), -np.inf)
        for a, (ap, every) in enumerate(links.items()):
            for channel, snr_db in zip(every, true_snrs_db(every, ap, site), strict=True):
                snr[a, row[channel.stamp_ns]] = snr_db
        made.append(Course(robot.name, tuple(links), time, snr))
    return made, problems


def true_snrs_db(course: Sequence[TrueChannel], ap: str, site: Site) -> list[float]:
    """Of one link over time, in the order of its stamps, of the paths that the truth lists."""
    power = next(one.tx_power_dbm for one in site.access_points if one.name == ap)
    radios = BeamHolder(margin_db=0.0)
    found = []
    for channel in course:
        there = {channel.rx: RobotPose(channel.rx_position, channel.rx_yaw)}
        tx = device_mount(site, ap, channel.stamp_ns, {})
        rx = device_mount(site, channel.rx, channel.stamp_ns, there)
        assert tx is not None and rx is not None
        gains = sweep(measured_multipath([channel.paths]).of(0), tx, rx)
        at = channel.stamp_ns * 1e-9
        found.append(radios.choose((ap, channel.rx), gains, power, site.radio, at).snr_db)
    return found


@dataclass(frozen=True)
class Foreseen:
    """At one time [s from the first]: links by robot, and the warnings that were issued then, by link."""

    links: Mapping[str, LinksAhead]
    warnings: tuple[FadeWarning, ...]


def forecasts(
    engine: TwinEngine, people: list[People], drives: Mapping[str, Drive]
) -> list[Foreseen]:
    """The forecast of every robot's links at each of `people`'s times; it waits for the paths of robots
    that drive, so that equal bags give equal forecasts."""
    out, warnings = [], FadeWarnings()
    for tracked in people:
        bodies, stamp = bodies_of(tracked), tracked.stamp_ns
        robots = {name: drive.pose(stamp) for name, drive in drives.items()}
        state = engine.update(stamp, bodies, robots)
        given_up = time.monotonic() + _LONGEST_SOLVE
        while engine.is_behind and time.monotonic() < given_up:
            time.sleep(_LOOK)
            state = engine.update(stamp, bodies, robots)
        plans = {name: plan for name, d in drives.items() if (plan := d.plan(stamp)) is not None}
        ahead = engine.forecast(bodies, tracked.covariance, plans)
        snr_db = ahead.snr_db(engine.links, engine.site)
        warnings, new = warnings.ahead(
            (stamp - people[0].stamp_ns) * 1e-9,
            ahead.horizons[1:],
            ahead.loss_db[:, :, 1:],
            state.metrics.shadow_loss_db,
        )
        out.append(Foreseen(links_ahead(engine.links, ahead.horizons, snr_db), new))
    return out


def warned(engine: TwinEngine, campaign: Campaign, foreseen: Sequence[Foreseen]) -> Warned:
    """The warnings against the true shadow loss of all links."""
    by_link: dict[tuple[str, str], list[TrueChannel]] = {}
    for channel in campaign.truth_channels:
        by_link.setdefault((channel.tx, channel.rx), []).append(channel)
    start = min(channel.stamp_ns for channel in campaign.truth_channels)
    seconds, fades, announced, issued, false = 0.0, 0, np.zeros(len(LEADS), int), 0, 0
    for number, link in enumerate(engine.links):
        course = by_link.get(link, [])
        if len(course) < 2:
            continue
        when = np.array([c.stamp_ns - start for c in course]) * 1e-9
        loss = np.array([[c.shadow_loss_db] for c in course])
        mine = [replace(one, link=0) for f in foreseen for one in f.warnings if one.link == number]
        score = announcement_score(when, loss, mine)
        seconds += score.known_seconds
        fades += score.fades
        announced += np.round(np.nan_to_num(score.announced) * score.fades).astype(int)
        issued += score.warnings
        false += score.false
    return Warned(seconds, fades, tuple(announced.tolist()), issued, false)


@dataclass(frozen=True)
class PolicySummary:
    """Sums over bags and robots: seconds, out: s. bits: bit/s, mean. closed: share of the gap from
    reacting to the oracle, in s out, and closed_interval: 95 % of a bootstrap over bags; nan where
    there is no gap. regret: s out over the oracle, and its interval. worse: bags in which it was out
    for longer than reacting."""

    policy: str
    told: str
    seconds: float
    out: float
    closed: float
    closed_interval: tuple[float, float]
    regret: float
    regret_interval: tuple[float, float]
    bits: float
    hand_overs: int
    useless: int
    missed: int
    worse: int


_DRAWS = 2000


def summary(played: Sequence[Decisions], old_serves: bool) -> list[PolicySummary]:
    """One a policy; old_serves: as of Outcome."""
    by_bag = [[o for o in one.outcomes if o.old_serves == old_serves] for one in played]
    out = {
        policy: np.array([sum(o.score.out for o in bag if o.policy == policy) for bag in by_bag])
        for policy in TOLD
    }
    draws = np.random.default_rng(7).integers(0, len(played), (_DRAWS, len(played)))
    react_out, oracle_out = out["react at 3 dB"], out["oracle"]
    lines = []
    for policy, told in TOLD.items():
        mine = [o.score for bag in by_bag for o in bag if o.policy == policy]
        seconds = sum(score.seconds for score in mine)
        over_draws = _closed(*(x[draws].sum(axis=1) for x in (out[policy], react_out, oracle_out)))
        known = over_draws[np.isfinite(over_draws)]
        regret = np.quantile((out[policy] - oracle_out)[draws].sum(axis=1), (0.025, 0.975))
        interval = np.quantile(known, (0.025, 0.975)) if len(known) else np.full(2, np.nan)
        lines.append(
            PolicySummary(
                policy=policy,
                told=told,
                seconds=seconds,
                out=float(out[policy].sum()),
                closed=float(_closed(*(x.sum() for x in (out[policy], react_out, oracle_out)))),
                closed_interval=(float(interval[0]), float(interval[1])),
                regret=float((out[policy] - oracle_out).sum()),
                regret_interval=(float(regret[0]), float(regret[1])),
                bits=sum(score.bits * score.seconds for score in mine) / seconds,
                hand_overs=sum(score.hand_overs for score in mine),
                useless=sum(score.useless for score in mine),
                missed=sum(score.missed for score in mine),
                worse=int((out[policy] > react_out + 1e-9).sum()),
            )
        )
    return lines


def _closed(mine: np.ndarray, reacting: np.ndarray, best: np.ndarray) -> np.ndarray:
    gap = np.asarray(reacting - best, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(gap > 0, (reacting - mine) / gap, np.nan))
