"""Measurements that came before the pose of their sensor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

TF_WAIT = 0.3
"""s that a measurement waits for its TF, where nobody says otherwise."""
MOST_WAITING = 16
"""Measurements that may wait; older ones go."""

Waiting = TypeVar("Waiting")


class WaitingRoom(Generic[Waiting]):
    """One sensor's measurements, taken in the order in which they came.

    seconds: how long each may wait. Times are those at which messages come, ROS time in ns: of a
    recording those at which they were recorded.
    """

    def __init__(self, seconds: float = TF_WAIT) -> None:
        self._longest_ns = round(seconds * 1e9)
        self._entries: deque[tuple[int, Waiting]] = deque(maxlen=MOST_WAITING)

    def add(self, measurement: Waiting, now_ns: int) -> None:
        """Behind those that wait already."""
        self._entries.append((now_ns, measurement))

    def serve(self, now_ns: int, take: Callable[[Waiting, bool], bool]) -> None:
        """Offers them to `take(measurement, last_try)`, which says whether one is done with, up to
        the first that has to wait on. The last try is when the time is up."""
        while self._entries:
            came_ns, measurement = self._entries[0]
            if not take(measurement, now_ns - came_ns >= self._longest_ns):
                return
            self._entries.popleft()

    def clear(self) -> None:
        """Nobody waits any more."""
        self._entries.clear()
