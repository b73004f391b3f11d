"""Hand-over policies played against true links: seconds out of service, bits, hand-overs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.beams.connections import NEVER, NOBODY
from visrftwin_ros.beams.hand_over_plan import Service, best_course, rates, service_value
from visrftwin_ros.site.model import Radio

Decide = Callable[[int, int], int]
"""Which group of access points (`Service.groups`) is to serve from step k on, while group `serving` does; with one
connection the number of a group is that of its access point."""

_SOON = 3.0
"""s after a hand-over in which the old link must fail for it not to have been useless, and that an
outage may last for a hand-over before it to have spared it."""


@dataclass(frozen=True)
class Course:
    """The truth of one robot: aps: A names. time: (T,) s in equal steps. snr_db: (A, T) with the
    beam pair that each link's own radios hold, -inf without a path."""

    robot: str
    aps: tuple[str, ...]
    time: Float[np.ndarray, " t"]
    snr_db: Float[np.ndarray, "a t"]

    @property
    def step(self) -> float:
        """s between times."""
        return float(self.time[1] - self.time[0])


@dataclass(frozen=True)
class Episode:
    """What a policy made of a course: serving: (T,) group, the old one during a hand-over. busy: (T,) one is under way.
    bits: (T,) bit/s. begun: (S,) steps at which hand-overs began."""

    serving: Int[np.ndarray, " t"]
    busy: Bool[np.ndarray, " t"]
    bits: Float[np.ndarray, " t"]
    begun: Int[np.ndarray, " s"]


@dataclass(frozen=True)
class ServiceScore:
    """seconds: of the course. out: s under the needed rate. bits: bit/s, mean. hand_overs: begun.
    useless: of these, ones whose old link would have served for _SOON. missed: outages that began
    outside a hand-over while another link would have served."""

    seconds: float
    out: float
    bits: float
    hand_overs: int
    useless: int
    missed: int


def play(course: Course, first: int, decide: Decide, radio: Radio, service: Service) -> Episode:
    """`decide` asked at every step outside a hand-over, from group `first` serving."""
    groups = service.groups(len(course.aps))
    carried = rates(groups.strongest(course.snr_db), radio)
    steps = len(course.time)
    busy_steps = max(round(service.interruption / course.step), 1)
    serving, busy = np.empty(steps, int), np.zeros(steps, bool)
    bits, begun = np.zeros(steps), []
    here, k = first, 0
    while k < steps:
        there = decide(k, here)
        if there == here:
            serving[k], bits[k] = here, carried[here, k]
            k += 1
            continue
        begun.append(k)
        span = slice(k, min(k + busy_steps, steps))
        serving[span], busy[span] = here, True
        meanwhile = groups.meanwhile[here, there]
        assert meanwhile != NEVER, "one change at a time"
        if meanwhile != NOBODY:
            bits[span] = carried[meanwhile, span]
        here, k = there, k + busy_steps
    return Episode(serving, busy, bits, np.array(begun, int))


def oracle(course: Course, first: int, radio: Radio, service: Service) -> Episode:
    """What is best for one who knows all that comes."""
    groups = service.groups(len(course.aps))
    value = service_value(rates(groups.strongest(course.snr_db), radio), radio, service)
    going = dict(best_course(value, course.step, first, groups, service).changes)
    return play(course, first, lambda k, here: going.get(k, here), radio, service)


def react(
    measured_db: Float[np.ndarray, "a t"], service: Service, margin_db: float = 3.0
) -> Decide:
    """To the strongest measured one that does not serve, instead of the weakest that does, once it is `margin_db`
    over that (3GPP's event A3)."""
    groups = service.groups(len(measured_db))

    def decide(k: int, serving: int) -> int:
        now = np.nan_to_num(measured_db[:, k], nan=-np.inf)
        mine = groups.members[serving]
        others = [row for row in range(len(now)) if row not in mine]
        if not others:
            return serving
        weakest = min(mine, key=lambda row: now[row])
        best = max(others, key=lambda row: now[row])
        if not now[best] > now[weakest] + margin_db:
            return serving
        return groups.number([*(row for row in mine if row != weakest), best])

    return decide


def stay(k: int, serving: int) -> int:
    """Whoever serves."""
    return serving


def service_score(course: Course, episode: Episode, radio: Radio, service: Service) -> ServiceScore:
    """What an episode was worth."""
    groups = service.groups(len(course.aps))
    served = rates(groups.strongest(course.snr_db), radio) >= service.rate
    out = episode.bits < service.rate
    soon = round(_SOON / course.step)
    useless = sum(
        bool(served[episode.serving[k], k : k + soon].all()) for k in episode.begun.tolist()
    )
    lost = out & ~episode.busy
    onset = np.flatnonzero(lost & ~np.concatenate([[False], out[:-1]]))
    missed = sum(
        bool((served[:, k] & (np.arange(len(served)) != episode.serving[k])).any())
        for k in onset.tolist()
    )
    return ServiceScore(
        seconds=len(course.time) * course.step,
        out=float(out.sum() * course.step),
        bits=float(episode.bits.mean()),
        hand_overs=len(episode.begun),
        useless=useless,
        missed=missed,
    )
