"""The boxes that somebody tracks, at the time of the people."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.bodies.people import Bodies, nobody
from visrftwin_ros.bodies.timeline import LONGEST_GAP, carried, record_at
from visrftwin_ros.messages.boxes import HeardBoxes, boxes_from_message

_KEPT = 64
"""Messages that are kept: some seconds, more than boxes and people may be apart."""


class BoxesHeard:
    """Takes in TrackedBoxes, each at its own stamp; where there are none, nothing is missing."""

    def __init__(self, world_frame: str) -> None:
        self._world_frame = world_frame
        self._heard: list[HeardBoxes] = []

    def hear(self, message: Any) -> HeardBoxes | None:
        """What is new; None for the predictions of a silent sensor, which are no news. TwinError
        where a message cannot be used."""
        if message.stale:
            return None
        new = boxes_from_message(message, self._world_frame)
        # Some come late by a little; what is long after this one is of before the clock went back.
        last = new.stamp_ns + round(LONGEST_GAP * 1e9)
        heard = [boxes for boxes in self._heard if boxes.stamp_ns <= last]
        insort(heard, new, key=attrgetter("stamp_ns"))
        self._heard = heard[-_KEPT:]
        return new

    def forget(self) -> None:
        """As if none had ever come."""
        self._heard = []

    def age(self, stamp_ns: int) -> float | None:
        """Seconds between the newest boxes and a time; None where none were ever heard of."""
        return abs(stamp_ns - self._heard[-1].stamp_ns) * 1e-9 if self._heard else None

    def at(self, stamp_ns: int) -> tuple[Bodies, Float[np.ndarray, "n 4 4"]]:
        """Those that count at a time, carried to it as those of a bag are, and their covariance;
        the last ones where they were if all are too old: an empty place would promise clear links.
        """
        if not self._heard:
            return nobody(), np.zeros((0, 4, 4))
        row = record_at([boxes.stamp_ns for boxes in self._heard], stamp_ns)
        if row is None:
            return self._heard[-1].bodies, self._heard[-1].covariance
        found = self._heard[row]
        return carried(found.stamp_ns, found.bodies, stamp_ns), found.covariance
