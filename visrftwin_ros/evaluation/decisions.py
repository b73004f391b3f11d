"""Hand-over policies on a campaign with true channels: what each would have been worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.hand_over_advice import NetworkState
from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service, links_ahead
from visrftwin_ros.beams.rates_802_11ad import noise_dbm
from visrftwin_ros.beams.selection import sweep
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.snapshot import Campaign, TrueChannel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.observed_people import RATE, observed_people
from visrftwin_ros.evaluation.resolved_paths import measured_multipath
from visrftwin_ros.evaluation.scores.service import (
    Course,
    Decide,
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
from visrftwin_ros.twin.mounts import device_mount

_MEASURED_SIGMA_DB = 1.0
"""dB, of an SNR as a radio reports it (our assumption)."""
_LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class Outcome:
    """What one policy made of one robot's course."""

    robot: str
    policy: str
    score: ServiceScore


@dataclass(frozen=True)
class Decisions:
    """Of one bag. told: what each policy knows. outcomes: robots times policies."""

    source: Path
    service: Service
    told: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    problems: tuple[str, ...]


TOLD = {
    "stay": "nothing",
    "react at 3 dB": "measured SNR of every access point that the robot hears",
    "twin": "the site as it is, people as tracked, measured SNR of every access point",
    "twin, unmeasured": "the site as it is, people as tracked",
    "oracle": "all true channels, those to come too",
}


def decide(
    bag: str | Path,
    site: Site,
    engine: TwinEngine,
    service: Service,
    seed: int,
    missed: float = 0.0,
) -> Decisions:
    """Plays TOLD's policies over the true channels of a bag, for every robot that stands.

    engine: of `site`. missed: share of the time in which each person is not seen. Raises TwinError
    where the bag has no true channels and people, or no robot that stands and hears two access
    points.
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
    ahead = forecasts(engine, people)
    outcomes = []
    for number, course in enumerate(found):
        draw = np.random.default_rng([seed, number, 77])
        measured = course.snr_db + draw.normal(0, _MEASURED_SIGMA_DB, course.snr_db.shape)
        first = int(np.nan_to_num(course.snr_db[:, 0], nan=-np.inf).argmax())
        mine = [one[course.robot] for one in ahead]
        radio = site.radio
        episodes = {
            "stay": play(course, first, stay, radio, service),
            "react at 3 dB": play(course, first, react(measured), radio, service),
            "twin": play(
                course, first, advised(course, mine, measured, radio, service), radio, service
            ),
            "twin, unmeasured": play(
                course, first, advised(course, mine, None, radio, service), radio, service
            ),
            "oracle": oracle(course, first, radio, service),
        }
        outcomes += [
            Outcome(course.robot, name, service_score(course, episode, radio, service))
            for name, episode in episodes.items()
        ]
    return Decisions(Path(bag), service, TOLD, tuple(outcomes), tuple(problems))


def courses(campaign: Campaign, site: Site) -> tuple[list[Course], list[str]]:
    """The true course of every robot that stands, with the best pair of beams of each moment; and
    why there is none of the others."""
    by_link: dict[str, dict[str, list[TrueChannel]]] = {}
    for channel in campaign.truth_channels:
        by_link.setdefault(channel.rx, {}).setdefault(channel.tx, []).append(channel)
    made, problems = [], []
    for robot in site.robots:
        links = by_link.get(robot.name, {})
        if robot.position is None:
            problems.append(f"{robot.name} moves: its links are not foreseen yet")
            continue
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
            for channel in every:
                snr[a, row[channel.stamp_ns]] = true_snr_db(channel, ap, site)
        made.append(Course(robot.name, tuple(links), time, snr))
    return made, problems


def true_snr_db(channel: TrueChannel, ap: str, site: Site) -> float:
    """With the pair that is best now, of the paths that the truth lists."""
    tx = device_mount(site, ap, channel.stamp_ns, {})
    rx = device_mount(site, channel.rx, channel.stamp_ns, {})
    power = next(one.tx_power_dbm for one in site.access_points if one.name == ap)
    assert tx is not None and rx is not None
    gain = sweep(measured_multipath([channel.paths]).of(0), tx, rx).max()
    with np.errstate(divide="ignore"):
        return float(power + 10 * np.log10(gain) - noise_dbm(site.radio))


def forecasts(engine: TwinEngine, people: list[People]) -> list[dict[str, LinksAhead]]:
    """The forecast of every robot's links at each of `people`'s times, by robot."""
    out = []
    for tracked in people:
        bodies = bodies_of(tracked)
        engine.update(tracked.stamp_ns, bodies)
        ahead = engine.forecast(bodies, tracked.covariance)
        snr_db = ahead.snr_db(engine.links, engine.site)
        out.append(links_ahead(engine.links, ahead.horizons, snr_db))
    return out


def advised(
    course: Course,
    ahead: list[LinksAhead],
    measured_db: Float[np.ndarray, "a t"] | None,
    radio: Radio,
    service: Service,
) -> Decide:
    """The live advice, followed when it says 'now'."""
    state = NetworkState()

    def decide(k: int, serving: int) -> int:
        nonlocal state
        now = float(course.time[k])
        links = ahead[min(int(now * RATE), len(ahead) - 1)]
        if measured_db is not None:
            for a, ap in enumerate(course.aps):
                row = links.aps.index(ap)
                predicted = float(np.median(links.snr_db[row, :, 0]))
                state = state.measured((ap, course.robot), now, float(measured_db[a, k]), predicted)
        state = state.associated(course.robot, course.aps[serving], now)
        state, _ = state.advise(course.robot, links, now, radio, service)
        advice = state.advised.get(course.robot)
        if advice is None or advice.from_ap != course.aps[serving] or advice.at > now:
            return serving
        return course.aps.index(advice.to_ap)

    return decide


@dataclass(frozen=True)
class PolicySummary:
    """Sums over bags and robots: seconds, out: s. bits: bit/s, mean. closed: share of the gap from
    reacting to the oracle, in s out, and closed_interval: 95 % of a bootstrap over bags; nan where
    there is no gap. worse: bags in which it was out for longer than reacting."""

    policy: str
    told: str
    seconds: float
    out: float
    closed: float
    closed_interval: tuple[float, float]
    bits: float
    hand_overs: int
    useless: int
    missed: int
    worse: int


_DRAWS = 2000


def summary(played: Sequence[Decisions]) -> list[PolicySummary]:
    """One a policy."""
    out = {
        policy: np.array(
            [sum(o.score.out for o in one.outcomes if o.policy == policy) for one in played]
        )
        for policy in TOLD
    }
    draws = np.random.default_rng(7).integers(0, len(played), (_DRAWS, len(played)))
    react_out, oracle_out = out["react at 3 dB"], out["oracle"]
    lines = []
    for policy, told in TOLD.items():
        mine = [o.score for one in played for o in one.outcomes if o.policy == policy]
        seconds = sum(score.seconds for score in mine)
        over_draws = _closed(*(x[draws].sum(axis=1) for x in (out[policy], react_out, oracle_out)))
        known = over_draws[np.isfinite(over_draws)]
        interval = np.quantile(known, (0.025, 0.975)) if len(known) else np.full(2, np.nan)
        lines.append(
            PolicySummary(
                policy=policy,
                told=told,
                seconds=seconds,
                out=float(out[policy].sum()),
                closed=float(_closed(*(x.sum() for x in (out[policy], react_out, oracle_out)))),
                closed_interval=(float(interval[0]), float(interval[1])),
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
