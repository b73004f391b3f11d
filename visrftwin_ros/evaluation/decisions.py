"""Hand-over policies on a campaign with true channels: what each would have been worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
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
from visrftwin_ros.evaluation.drives import Drive
from visrftwin_ros.evaluation.observed_people import observed_people
from visrftwin_ros.evaluation.policies import advised, service_told, service_warned, two_windows
from visrftwin_ros.evaluation.resolved_paths import measured_multipath
from visrftwin_ros.evaluation.scores.announcements import (
    LEADS,
    AnnouncementScore,
    announcement_score,
    outage_score,
)
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
    """What one policy made of one robot's course; meanwhile: who served during hand-overs, one of MEANWHILE."""

    robot: str
    policy: str
    score: ServiceScore
    meanwhile: str


@dataclass(frozen=True)
class Decisions:
    """Of one bag. told: what each policy knows. outcomes: robots times policies, for each of MEANWHILE, which
    `service` says nothing of. served: at each of AHEAD s, the probability that a link will give the needed rate,
    and whether it did. warnings: of fades of the live graph against the true shadow loss. outages: warnings that no
    access point serves, against the true rates of robots, those that drive by their plan and those that stand.
    """

    source: Path
    service: Service
    told: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    served: Mapping[float, tuple[NDArray[np.float64], NDArray[np.bool_]]]
    warnings: Warned
    outages: Mapping[str, Warned]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """seconds: of all links or robots, in which it is known whether a warning was false. events: deep fades, or
    outages; announced: of these, each of LEADS s before; leads: of the announced ones, s."""

    seconds: float = 0.0
    events: int = 0
    announced: tuple[int, ...] = (0,) * len(LEADS)
    warnings: int = 0
    false: int = 0
    leads: tuple[float, ...] = ()

    def plus(self, score: AnnouncementScore) -> Warned:
        """And those of one more link or robot."""
        came = np.round(np.nan_to_num(score.announced) * score.fades).astype(int)
        return Warned(
            self.seconds + score.known_seconds,
            self.events + score.fades,
            tuple((np.array(self.announced) + came).tolist()),
            self.warnings + score.warnings,
            self.false + score.false,
            (*self.leads, *score.leads),
        )


STANDING, DRIVING = "robots that stand", "robots that drive by their plan"
MEANWHILE: Mapping[str, Callable[[Service], Service]] = {
    "nobody serves": lambda service: replace(service, old_serves=False, connections=1),
    "the old link serves": lambda service: replace(service, old_serves=True, connections=1),
    "a second access point serves": lambda service: replace(
        service, old_serves=False, connections=2
    ),
}
"""Who serves during a hand-over; in the last case a robot always has two, and the stronger one carries."""
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
    drives = {robot.name: Drive.of(campaign, robot) for robot in site.robots if robot.is_on_tf}
    foreseen = forecasts(engine, people, {name: d for name, d in drives.items() if d is not None})
    outcomes, outages = [], {STANDING: Warned(), DRIVING: Warned()}
    served: dict[float, list[tuple[NDArray[np.float64], NDArray[np.bool_]]]] = {}
    for number, course in enumerate(found):
        draw = np.random.default_rng([seed, number, 77])
        measured = course.snr_db + draw.normal(0, _MEASURED_SIGMA_DB, course.snr_db.shape)
        mine = [one.links.get(course.robot) for one in foreseen]
        radio = site.radio
        for meanwhile, changed in MEANWHILE.items():
            kind = changed(service)
            outcomes += [
                Outcome(course.robot, name, service_score(course, episode, radio, kind), meanwhile)
                for name, episode in _episodes(course, mine, measured, radio, kind).items()
            ]
        drives_on = drives.get(course.robot) is not None
        told = service_warned(course, mine, measured, radio, service, drives_on)
        whose = DRIVING if drives_on else STANDING
        outages[whose] = outages[whose].plus(outage_score(course, told, radio, service))
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
        outages,
        tuple(problems),
    )


def _episodes(
    course: Course,
    ahead: Sequence[LinksAhead | None],
    measured: Float[np.ndarray, "a t"],
    radio: Radio,
    service: Service,
) -> dict[str, Episode]:
    """Of each of TOLD's policies; the strongest serves first."""
    first = service.groups(len(course.aps)).of_strongest(course.snr_db[:, 0])
    rule = two_windows(course, ahead, measured, radio, service)
    told = advised(course, ahead, measured, radio, service)
    unmeasured = advised(course, ahead, None, radio, service)
    return {
        "stay": play(course, first, stay, radio, service),
        "react at 3 dB": play(course, first, react(measured, service), radio, service),
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
    found = Warned()
    for number, link in enumerate(engine.links):
        course = by_link.get(link, [])
        if len(course) < 2:
            continue
        when = np.array([c.stamp_ns - start for c in course]) * 1e-9
        loss = np.array([[c.shadow_loss_db] for c in course])
        mine = [replace(one, link=0) for f in foreseen for one in f.warnings if one.link == number]
        found = found.plus(announcement_score(when, loss, mine))
    return found
