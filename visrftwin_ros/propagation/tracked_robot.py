"""A robot that is wherever TF says: its paths are discovered in the background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.propagation.background_solver import Found
from visrftwin_ros.propagation.moving import MovingReceiver, ReplayScene
from visrftwin_ros.propagation.moving_links import Receiver

_MOVED = 0.25
"""Metres from the last discovery after which new sequences are looked for."""
_LONGEST_STEP = 1.0
"""Seconds; a velocity is not drawn across longer gaps between poses or jumps of the clock."""


class TrackedRobot:
    """Where the robot's antenna is, and the newest paths known for it."""

    def __init__(self, name: str, antenna_height: float) -> None:
        self.name = name
        self.fault = ""
        self.known: MovingReceiver | None = None
        self._antenna_height = antenna_height
        self._last: tuple[int, NDArray[np.float64]] | None = None
        self._discovered_at: NDArray[np.float64] | None = None
        self._discovered_ns = 0

    def receiver(self, stamp_ns: int, base: NDArray[np.float64]) -> Receiver:
        """Its antenna, above `base` (3,), with the velocity since the last call."""
        position = base + np.array([0.0, 0.0, self._antenna_height])
        velocity = np.zeros(3)
        if self._last is not None:
            elapsed = (stamp_ns - self._last[0]) * 1e-9
            if 0 < elapsed <= _LONGEST_STEP:
                velocity = (position - self._last[1]) / elapsed
        self._last = (stamp_ns, position)
        return Receiver(position, velocity)

    def wants_discovery(self, receiver: Receiver) -> bool:
        """It has moved since the last discovery, or had none."""
        if self._discovered_at is None:
            return True
        return bool(np.linalg.norm(receiver.position - self._discovered_at) > _MOVED)

    def take(self, found: Found, scene: ReplayScene) -> None:
        """Replaces what is known by an answer of the background solver, if it is about us."""
        if self.name not in found.receivers.names:
            return
        if found.paths is None:
            self.fault = f"path discovery failed: {found.failure}"
            return
        index = found.receivers.names.index(self.name)
        own = np.flatnonzero(found.paths.link % len(found.receivers.names) == index)
        aps = dict.fromkeys(tx for tx, _ in found.paths.links)
        mine = found.paths.select(own)
        mine = replace(
            mine,
            links=tuple((ap, self.name) for ap in aps),
            link=(mine.link // len(found.receivers.names)).astype(np.int32),
        )
        self.known = MovingReceiver(mine, scene)
        self.fault = ""
        self._discovered_at = found.receivers.positions[index]
        self._discovered_ns = found.stamp_ns

    def paths_age(self, stamp_ns: int) -> float:
        """Seconds since the discovery in use was asked for; nan before the first."""
        if self.known is None:
            return float("nan")
        return max(0.0, (stamp_ns - self._discovered_ns) * 1e-9)
