"""What the twin knew before a fade, and what its advice was worth: by true channels, else by its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.fade_warnings import WARN_DB, FadeWarning
from visrftwin_ros.beams.hand_over_plan import Service
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.demo.record import GraphRecord, HandOverHeard, WarningHeard, link_name
from visrftwin_ros.evaluation.decisions import courses
from visrftwin_ros.evaluation.scores.announcements import LEADS, announcement_score, deep_fades
from visrftwin_ros.evaluation.scores.service import (
    Course,
    Decide,
    oracle,
    play,
    react,
    service_score,
    stay,
)
from visrftwin_ros.site.model import Radio, Site

OWN = "the twin's own estimate: nobody measured the channels here"
TRUE = "by the recording's true channels"
STEP = 0.05
"""s between the moments at which the twin's own channels are taken."""
Losses = Mapping[str, tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]]
"""Time [s] and shadow loss [dB] of each link, by its name."""


@dataclass(frozen=True)
class Known:
    """Of all links: fades over WARN_DB, those announced LEADS[0] s before, the median lead [s] of those
    announced at all, None of none; warnings, and those without a fade."""

    fades: int
    announced: int
    lead: float | None
    warnings: int
    false: int


@dataclass(frozen=True)
class Worth:
    """by: OWN or TRUE. seconds: of all robots together; out: of these, without the rate that `service`
    asks for, by policy."""

    by: str
    known: Known
    service: Service
    seconds: float
    out: Mapping[str, float]


def worth(record: GraphRecord, site: Site, campaign: Campaign | None) -> Worth:
    """By the true channels of `campaign` where it has them, else by those that the twin published."""
    service = Service()
    if campaign is None or not campaign.truth_channels:
        start = min((stamp for series in record.snr_db.values() for stamp, _ in series), default=0)
        known = known_before(_own_losses(record, start), record.fade_warnings, start)
        own = own_courses(record, start)
        return _worth(OWN, known, own, record.hand_overs, start, site.radio, service)
    start = min(channel.stamp_ns for channel in campaign.truth_channels)
    found, _ = courses(campaign, site)
    known = known_before(_true_losses(campaign, start), record.fade_warnings, start)
    return _worth(TRUE, known, found, record.hand_overs, start, site.radio, service)


def known_before(losses: Losses, warnings: Sequence[WarningHeard], start_ns: int) -> Known:
    """Warnings against the fades of each link, whose times are s after `start_ns`."""
    fades = announced = false = 0
    leads: list[float] = []
    for link, (time, loss_db) in losses.items():
        if len(time) < 2:
            continue
        mine = [
            FadeWarning(
                link=0,
                at=(one.heard_ns - start_ns) * 1e-9,
                begins=(one.begins_ns - start_ns) * 1e-9,
                ends=(one.ends_ns - start_ns) * 1e-9,
                probability=one.probability,
            )
            for one in warnings
            if one.link == link
        ]
        score = announcement_score(time, loss_db[:, None], mine, WARN_DB)
        false += score.false
        found = [fade.lead for fade in deep_fades(time, loss_db[:, None], mine, WARN_DB)]
        fades += len(found)
        announced += sum(lead >= LEADS[0] for lead in found)
        leads += [lead for lead in found if np.isfinite(lead)]
    lead = float(np.median(leads)) if leads else None
    return Known(fades, announced, lead, len(warnings), false)


def own_courses(record: GraphRecord, start_ns: int) -> list[Course]:
    """Of each robot, by the SNRs that the twin published, each held until the next one."""
    end = max((stamp for series in record.snr_db.values() for stamp, _ in series), default=start_ns)
    time = np.arange(0.0, (end - start_ns) * 1e-9 + STEP / 2, STEP)
    found = []
    by_robot: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for link, series in sorted(record.snr_db.items()):
        tx, rx = link.split(" > ")
        by_robot.setdefault(rx, {})[tx] = series
    for robot, mine in by_robot.items():
        snr_db = np.full((len(mine), len(time)), -np.inf)
        for row, series in enumerate(mine.values()):
            when, values = _since(series, start_ns)
            newest = np.searchsorted(when, time, side="right") - 1
            snr_db[row] = np.where(newest >= 0, values[newest], -np.inf)
        if len(time) > 1:
            found.append(Course(robot, tuple(mine), time, snr_db))
    return found


def follow(course: Course, advice: Sequence[HandOverHeard], start_ns: int) -> Decide:
    """Goes over at the time that each advice of the course's robot named."""
    mine = [(one.at_ns, one.to_ap) for one in advice if one.robot == course.robot]
    due = [((at - start_ns) * 1e-9, course.aps.index(ap)) for at, ap in mine if ap in course.aps]
    taken = 0

    def decide(k: int, serving: int) -> int:
        nonlocal taken
        while taken < len(due) and due[taken][0] <= course.time[k]:
            serving, taken = due[taken][1], taken + 1
        return serving

    return decide


def _worth(
    by: str,
    known: Known,
    found: Sequence[Course],
    advice: Sequence[HandOverHeard],
    start_ns: int,
    radio: Radio,
    service: Service,
) -> Worth:
    out: dict[str, float] = {}
    seconds = 0.0
    for course in found:
        first = int(np.nan_to_num(course.snr_db[:, 0], nan=-np.inf).argmax())
        policies = {
            "stay": stay,
            "react at 3 dB": react(course.snr_db, service),
            "twin": follow(course, advice, start_ns),
        }
        episodes = {
            name: play(course, first, decide, radio, service) for name, decide in policies.items()
        }
        episodes["oracle"] = oracle(course, first, radio, service)
        seconds += len(course.time) * course.step
        for name, episode in episodes.items():
            out[name] = out.get(name, 0.0) + service_score(course, episode, radio, service).out
    return Worth(by, known, service, seconds, out)


def _own_losses(record: GraphRecord, start_ns: int) -> Losses:
    return {link: _since(series, start_ns) for link, series in record.shadow.items()}


def _true_losses(campaign: Campaign, start_ns: int) -> Losses:
    by_link: dict[str, list[tuple[int, float]]] = {}
    for channel in campaign.truth_channels:
        one = channel.stamp_ns, channel.shadow_loss_db
        by_link.setdefault(link_name(channel.tx, channel.rx), []).append(one)
    return {link: _since(series, start_ns) for link, series in by_link.items()}


def _since(
    series: Sequence[tuple[int, float]], start_ns: int
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    stamps, values = np.array(series, float).T
    return (stamps - start_ns) * 1e-9, values
