"""Several sensors around the same walkers, and what a tracker makes of what they see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visrftwin_ros.benchmarks.simulated.arrivals import (
    SECOND,
    START,
    Arrival,
    Path,
    camera_arrivals,
    ground_arrivals,
    line,
    looking_at,
    placed_by,
    seen_by,
)
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

__all__ = [
    "SECOND", "START", "Arrival", "Path", "camera_arrivals", "errors", "ground_arrivals",
    "identities", "line", "looking_at", "placed_by", "played", "seen_by",
]  # fmt: skip


def played(
    tracker: PeopleTracker, arrivals: Sequence[Arrival], in_order: bool = False
) -> list[People]:
    """The people after each measurement, in the order of arrival, or of the stamps."""
    key = (lambda a: a.stamp) if in_order else (lambda a: a.at)
    return [arrival.take(tracker) for arrival in sorted(arrivals, key=key)]


def identities(history: Sequence[People], walkers: Sequence[Path]) -> list[list[str]]:
    """The ids under which each walker was shown, in order, and each id once."""
    names: list[list[str]] = [[] for _ in walkers]
    for people in history:
        seconds = (people.stamp_ns - START) / SECOND
        for name, place in zip(people.ids, people.position, strict=True):
            gaps = [float(np.hypot(*(walker(seconds) - place))) for walker in walkers]
            nearest = int(np.argmin(gaps))
            if gaps[nearest] < 1.0 and name not in names[nearest]:
                names[nearest].append(name)
    return names


def errors(history: Sequence[People], walkers: Sequence[Path], after: float) -> np.ndarray:
    """Distances [m] of everybody shown from the nearest walker, from a time [s] on."""
    found = []
    for people in history:
        seconds = (people.stamp_ns - START) / SECOND
        if seconds < after:
            continue
        places = np.array([walker(seconds) for walker in walkers])
        for place in people.position:
            found.append(float(np.hypot(*(places - place).T).min()))
    return np.array(found)
