"""When to let another access point serve: the plan of most service over sampled futures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.beams.connections import NEVER, Groups, groups_of
from visrftwin_ros.beams.mcs_table import mcs_of_snr, mcs_table, throughput
from visrftwin_ros.compiled import compiled
from visrftwin_ros.site.model import Radio

PLAN_STEP = 0.05
"""s."""
NO_SIGNAL_DB = -100.0
"""SNR of a link where nothing arrives."""
_BITS_WEIGHT = 0.2
"""Of bits beside service: a second at the top rate weighs as much as a fifth of a second served."""
_BETTER = 1e-12
"""s of service by which going must be better than staying, for rounding."""


@dataclass(frozen=True)
class Service:
    """What a robot needs, and what changing its access point costs.

    rate: bit/s above the MAC under which it is out of service. interruption: s that a hand-over
    takes; meanwhile the old link serves on where `old_serves`, else none does.
    hand_over_cost: s of service that a hand-over has to gain at least. connections: access points that
    serve a robot at a time, 1 or 2: of two the stronger one carries, and one is changed while the other serves.
    """

    rate: float = 1e9
    interruption: float = 0.3
    old_serves: bool = False
    hand_over_cost: float = 0.05
    connections: int = 1

    def groups(self, aps: int) -> Groups:
        """Of that many access points those that may serve together."""
        return groups_of(aps, self.connections, self.old_serves)


@dataclass(frozen=True)
class LinksAhead:
    """One robot's links to A access points in M sampled futures at H times.

    aps: names. times: (H,) s ahead, ascending from 0 in equal steps. snr_db: (A, M, H) of the pair
    that serves then, -inf where nothing arrives.
    """

    aps: tuple[str, ...]
    times: Float[np.ndarray, " h"]
    snr_db: Float[np.ndarray, "a m h"]

    @property
    def step(self) -> float:
        """s between times."""
        return float(self.times[1] - self.times[0])

    def with_one_more(self, ap: str, snr_db: float) -> LinksAhead:
        """And an access point whose SNR stays the same."""
        row = np.full((1, *self.snr_db.shape[1:]), snr_db)
        return LinksAhead((*self.aps, ap), self.times, np.concatenate([self.snr_db, row]))


@dataclass(frozen=True)
class Plan:
    """What is best over the futures: let `to` serve instead of `leaves` from `at` s ahead for `duration` s.

    to, leaves: rows of the access points; to is None where staying is best (at and duration are inf
    then), leaves where one is added. duration: until the plan changes again, inf where it does not. gain: s of
    service (with bits at their weight) over staying, costs taken off. gain_bits: bit/s, mean over the time
    looked ahead. confidence: share of the futures in which the plan is better than staying.
    """

    to: int | None
    leaves: int | None
    at: float
    duration: float
    gain: float
    gain_bits: float
    confidence: float


def links_ahead(
    links: Sequence[tuple[str, str]],
    horizons: Float[np.ndarray, " h"],
    snr_db: Float[np.ndarray, "l m h"],
) -> dict[str, LinksAhead]:
    """Of every robot: laid out in steps of PLAN_STEP, straight between the forecast's horizons.

    links: (access point, robot). Links whose SNR now is nan in any future, of which nothing is known,
    are left out. One that is known now and nan later has no path known to where the robot will be:
    no signal.
    """
    rows: dict[str, list[int]] = {}
    for i, (_, robot) in enumerate(links):
        if not np.isnan(snr_db[i, :, 0]).any():
            rows.setdefault(robot, []).append(i)
    times = np.arange(0, horizons[-1] + PLAN_STEP / 2, PLAN_STEP)
    after = np.clip(np.searchsorted(horizons, times), 1, len(horizons) - 1)
    share = (times - horizons[after - 1]) / (horizons[after] - horizons[after - 1])
    finite = np.fmax(snr_db, NO_SIGNAL_DB)
    fine = finite[..., after - 1] * (1 - share) + finite[..., after] * share
    return {
        robot: LinksAhead(tuple(links[i][0] for i in mine), times, fine[mine])
        for robot, mine in rows.items()
    }


def service_value(
    bits: Float[np.ndarray, "*n"], radio: Radio, service: Service
) -> Float[np.ndarray, "*n"]:
    """s of service that each second is worth at this rate [bit/s above the MAC]."""
    return (bits >= service.rate) + _BITS_WEIGHT * bits / mcs_table(radio.mcs_table).top


def rates(snr_db: Float[np.ndarray, "*n"], radio: Radio) -> Float[np.ndarray, "*n"]:
    """bit/s above the MAC at these SNRs."""
    return throughput(mcs_of_snr(snr_db, radio), radio)


@dataclass(frozen=True)
class ServingCourse:
    """Who serves at each of H steps: serving: (H,) number of a group, NOBODY where none does. changes: step at
    which each hand-over begins, and to which group."""

    serving: Int[np.ndarray, " h"]
    changes: tuple[tuple[int, int], ...]

    def value(self, value: Float[np.ndarray, "g *m h"]) -> Float[np.ndarray, "*m h"]:
        """What each step is worth a second; hand-over costs are not in it."""
        taken = np.moveaxis(value, -1, 1)[self.serving, np.arange(len(self.serving))]
        taken[self.serving < 0] = 0.0
        return np.moveaxis(taken, 0, -1)


def best_course(
    value: Float[np.ndarray, "g h"],
    step: float,
    serving: int,
    groups: Groups,
    service: Service,
    tail: float = 0.0,
) -> ServingCourse:
    """The course of most value for a robot that group `serving` serves.

    Dynamic programming (Bellman) over who serves and when; `value` of each group per second, `step` in s. tail: s
    for which the last step's value goes on after the end.
    """
    steps = value.shape[1]
    busy = max(round(service.interruption / step), 1)
    until = np.zeros((len(value), steps + 1))
    np.cumsum(value * step, axis=1, out=until[:, 1:])
    choice = _choices(until, busy, groups.meanwhile, service.hand_over_cost, tail * value[:, -1])
    taken = np.empty(steps, int)
    changes, k, here = [], 0, serving
    while k < steps:
        there = int(choice[here, k])
        span = slice(k, k + 1 if there == here else k + busy)
        taken[span] = groups.meanwhile[here, there] if there != here else here
        if there != here:
            changes.append((k, there))
        k, here = span.stop, there
    return ServingCourse(taken, tuple(changes))


@compiled
def _choices(
    until: Float[np.ndarray, "g h1"],
    busy: int,
    meanwhile: Int[np.ndarray, "g g"],
    cost: float,
    after: Float[np.ndarray, " g"],
) -> Int[np.ndarray, "g h"]:
    """To which group it is best to change at each step, while each one serves; itself where staying is as
    good. until: what each was worth before each step. busy: steps that a change takes. after: what serving at
    the end is worth."""
    count, steps = until.shape[0], until.shape[1] - 1
    worth = np.empty((count, steps + busy + 1))
    for here in range(count):
        worth[here, steps:] = after[here]
    choice = np.empty((count, steps), np.intp)
    for k in range(steps - 1, -1, -1):
        end = min(k + busy, steps)
        for here in range(count):
            best, to = until[here, k + 1] - until[here, k] + worth[here, k + 1], here
            for there in range(count):
                kept = meanwhile[here, there]
                if there == here or kept == NEVER:
                    continue
                going = worth[there, k + busy] - cost
                if kept >= 0:
                    going += until[kept, end] - until[kept, k]
                if going > best + _BETTER:
                    best, to = going, there
            worth[here, k], choice[here, k] = best, to
    return choice


def hand_over_plan(
    ahead: LinksAhead, serving: Sequence[int], radio: Radio, service: Service, tail: float = 1.0
) -> Plan:
    """The best plan for a robot that the access points `serving` (rows of `ahead`) serve.

    Open loop over the mean value of the futures, made anew at every forecast: model-predictive
    control over samples.
    """
    groups = service.groups(len(ahead.aps))
    here = groups.number(serving)
    bits = rates(groups.strongest(ahead.snr_db), radio)
    value = service_value(bits, radio, service)
    course = best_course(value.mean(axis=1), ahead.step, here, groups, service, tail)
    lasts = len(ahead.times) * ahead.step
    if not course.changes or course.changes[0][0] * ahead.step + service.interruption > lasts:
        return Plan(None, None, np.inf, np.inf, 0.0, 0.0, 0.0)
    first, there = course.changes[0]
    last = course.changes[-1][1]
    then = course.changes[1][0] - first if len(course.changes) > 1 else np.inf
    planned = course.value(value).sum(axis=-1) * ahead.step
    planned += tail * (value[last, :, -1] - value[here, :, -1])
    gain = planned - value[here].sum(axis=-1) * ahead.step
    gain -= len(course.changes) * service.hand_over_cost
    leaves, joins = groups.change(here, there)
    return Plan(
        to=joins,
        leaves=leaves,
        at=first * ahead.step,
        duration=max(then * ahead.step - service.interruption, 0.0),
        gain=float(gain.mean()),
        gain_bits=float((course.value(bits) - bits[here]).mean()),
        confidence=float((gain > 0).mean()),
    )
