"""Hand-over policies that go by the twin's forecast, to be played over a course."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from visrftwin_ros.beams.connections import NEVER
from visrftwin_ros.beams.hand_over_advice import NetworkState
from visrftwin_ros.beams.hand_over_plan import NO_SIGNAL_DB, LinksAhead, Service, rates
from visrftwin_ros.beams.service_warnings import ServiceWarning, ServiceWarnings
from visrftwin_ros.evaluation.observed_people import RATE
from visrftwin_ros.evaluation.scores.service import Course, Decide
from visrftwin_ros.site.model import Radio

_NEAR = 1.0
"""s of the near window of the rule that looks at two; the far one goes on to the forecast's end."""
_HOLDS = 0.9
"""Share of the futures in which who is gone to must hold."""


def blended(
    course: Course, links: LinksAhead, state: NetworkState, now: float, service: Service
) -> tuple[LinksAhead, list[int]]:
    """With what radios measured, and the rows of the course's access points in it; one that is neither
    foreseen nor heard has no signal."""
    known = state.corrected(course.robot, links, now, service)
    for ap in course.aps:
        if ap not in known.aps:
            known = known.with_one_more(ap, NO_SIGNAL_DB)
    return known, [known.aps.index(ap) for ap in course.aps]


def told_by_radios(
    state: NetworkState,
    course: Course,
    links: LinksAhead,
    measured_db: Float[np.ndarray, "a t"],
    k: int,
) -> NetworkState:
    """With what the robot measured at step `k`."""
    now = float(course.time[k])
    for a, ap in enumerate(course.aps):
        link, snr_db = (ap, course.robot), float(measured_db[a, k])
        state = state.hears(link, now, snr_db)
        if ap in links.aps:
            predicted = float(np.median(links.snr_db[links.aps.index(ap), :, 0]))
            state = state.measured(link, now, snr_db, predicted)
    return state


def newest(ahead: Sequence[LinksAhead | None], now: float) -> LinksAhead | None:
    """The newest forecast of a robot then, None where it has none."""
    return ahead[min(int(now * RATE), len(ahead) - 1)]


def service_told(
    course: Course,
    ahead: Sequence[LinksAhead | None],
    measured_db: Float[np.ndarray, "a t"],
    seconds: float,
    radio: Radio,
    service: Service,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The share of the futures in which each link gives the needed rate that much later, twice a second;
    and whether it did."""
    state, told, came = NetworkState(), [], []
    later, every = round(seconds / course.step), max(round(0.5 / course.step), 1)
    true = rates(course.snr_db, radio) >= service.rate
    for k in range(len(course.time) - later):
        now = float(course.time[k])
        links = newest(ahead, now)
        if links is None:
            continue
        state = told_by_radios(state, course, links, measured_db, k)
        if k % every:
            continue
        known, rows = blended(course, links, state, now, service)
        step = min(round(seconds / known.step), len(known.times) - 1)
        served = rates(known.snr_db[rows, :, step], radio) >= service.rate
        told.append(served.mean(axis=1))
        came.append(true[:, k + later])
    if not told:
        return np.zeros(0), np.zeros(0, bool)
    return np.concatenate(told), np.concatenate(came)


def service_warned(
    course: Course,
    ahead: Sequence[LinksAhead | None],
    measured_db: Float[np.ndarray, "a t"],
    radio: Radio,
    service: Service,
    drives: bool,
) -> list[ServiceWarning]:
    """The live warnings that no access point will serve the robot; drives: it can do something about it."""
    state, warnings = NetworkState(), ServiceWarnings()
    told: list[ServiceWarning] = []
    driving = {course.robot} if drives else set()
    for k in range(len(course.time)):
        now = float(course.time[k])
        links = newest(ahead, now)
        if links is None:
            continue
        state = told_by_radios(state, course, links, measured_db, k)
        foreseen = {course.robot: state.corrected(course.robot, links, now, service)}
        warnings, new = warnings.ahead(now, foreseen, radio, service, driving)
        told += new
    return told


def two_windows(
    course: Course,
    ahead: Sequence[LinksAhead | None],
    measured_db: Float[np.ndarray, "a t"],
    radio: Radio,
    service: Service,
) -> Decide:
    """A rule on the same forecast: away from a link that will fail in the near window in most futures,
    to the one that holds best in both that and the far one, if it does in nine futures of ten."""
    state, groups = NetworkState(), service.groups(len(course.aps))

    def decide(k: int, serving: int) -> int:
        nonlocal state
        now = float(course.time[k])
        links = newest(ahead, now)
        if links is None:
            return serving
        state = told_by_radios(state, course, links, measured_db, k)
        known, rows = blended(course, links, state, now, service)
        served = rates(groups.strongest(known.snr_db[rows]), radio) >= service.rate
        near, begun = known.times <= _NEAR, known.times >= service.interruption
        fails = ~served[serving][:, near].all(axis=1)
        holds = served[:, :, begun].all(axis=2).mean(axis=1)
        holds[groups.meanwhile[serving] == NEVER] = 0.0
        best = int(holds.argmax())
        return best if fails.mean() > 0.5 and best != serving and holds[best] >= _HOLDS else serving

    return decide


def advised(
    course: Course,
    ahead: Sequence[LinksAhead | None],
    measured_db: Float[np.ndarray, "a t"] | None,
    radio: Radio,
    service: Service,
) -> Decide:
    """The live advice, followed when it says 'now'."""
    state, groups = NetworkState(), service.groups(len(course.aps))

    def decide(k: int, serving: int) -> int:
        nonlocal state
        now = float(course.time[k])
        mine = tuple(course.aps[row] for row in groups.members[serving])
        links = newest(ahead, now)
        if links is not None:
            if measured_db is not None:
                state = told_by_radios(state, course, links, measured_db, k)
            state = state.associated(course.robot, mine[0], now, course.robot, mine[1:])
            state, _ = state.advise(course.robot, links, now, radio, service)
        # What was advised for later stands where the forecast stops.
        advice = state.advised.get(course.robot)
        if advice is None or advice.from_ap not in mine or advice.at > now:
            return serving
        return groups.number([course.aps.index(ap) for ap in advice.followed_by(mine)])

    return decide
