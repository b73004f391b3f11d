"""Warnings that no access point will serve a robot, and what one that drives could do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service, rates
from visrftwin_ros.beams.warnings_ahead import StandingWarnings
from visrftwin_ros.site.model import Radio

WhatToDo = Literal["none", "slow down", "reroute"]


@dataclass(frozen=True)
class ServiceWarning:
    """`robot` is out of service from `begins` on and no more by `ends`, told at `at`, all in s of the same clock.

    probability: share of the futures in which it is. what: to do; "reroute" where most of the outages go on to the
    end of what is foreseen, which `ends` then is. reason: in words.
    """

    robot: str
    at: float
    begins: float
    ends: float
    probability: float
    what: WhatToDo
    reason: str


@dataclass(frozen=True)
class ServiceWarnings:
    """The warnings that stand, each robot has one at a time."""

    known: StandingWarnings[str] = field(default_factory=StandingWarnings)

    def ahead(
        self,
        now: float,
        foreseen: Mapping[str, LinksAhead],
        radio: Radio,
        service: Service,
        driving: Collection[str],
    ) -> tuple[ServiceWarnings, tuple[ServiceWarning, ...]]:
        """With new forecasts by robot, measurements blended in, and what they warn of anew; driving: robots that can
        do something about it."""
        over: dict[str, NDArray[np.bool_]] = {}
        now_over, times = set(), np.zeros(0)
        for robot, ahead in foreseen.items():
            served = np.any(rates(ahead.snr_db, radio) >= service.rate, axis=0)
            over[robot], times = ~served[:, 1:], ahead.times[1:]
            if served[:, 0].mean() < 0.5:
                now_over.add(robot)
        known, new = self.known.ahead(now, times, over, now_over)
        told = []
        for one in new:
            out = over[one.key]
            lasts = out[out.any(axis=1), -1].mean() > 0.5
            what: WhatToDo = "none"
            if one.key in driving:
                what = "reroute" if lasts else "slow down"
            begins = max(one.begins - now, 0.0)
            until = "and longer than is foreseen" if lasts else f"to {one.ends - now:.1f} s"
            reason = (
                f"no access point gives {service.rate / 1e9:g} Gbit/s from {begins:.1f} s on {until}"
                f" in {one.probability:.0%} of the futures"
            )
            told.append(
                ServiceWarning(one.key, now, one.begins, one.ends, one.probability, what, reason)
            )
        return ServiceWarnings(known), tuple(told)
