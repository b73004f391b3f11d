"""Where the antennas of a site's devices stood during a recording."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.site.model import Robot, Site
from visrftwin_ros.site.motion import pose_at

_FOREVER_NS = 2**62
TOLERANCE = 0.5
"""Seconds that a robot's pose may be away from the time asked for, at the ends of its TF."""


class DevicePoses:
    """Of access points from the site; of robots from TF where the recording has their frame, else
    from the site where they stand or drive a scripted path.

    transforms: (TFMessage, whether static) of the whole recording, in any order.
    """

    def __init__(self, site: Site, transforms: Iterable[tuple[Any, bool]]) -> None:
        self._site = site
        self._access_points = {ap.name: ap for ap in site.access_points}
        self._robots = {robot.name: robot for robot in site.robots}
        self._buffer = TransformBuffer(history_ns=_FOREVER_NS)
        self._frames: set[str] = set()
        moving = []
        for message, static in transforms:
            for transform in message.transforms:
                self._frames.add(transform.child_frame_id)
                moving.append((stamp_ns(transform.header.stamp), static, transform))
        # By stamp: to a buffer of the live graph, one that comes late means that the clock went back.
        for _, static, transform in sorted(moving, key=lambda entry: entry[0]):
            self._buffer.add(SimpleNamespace(transforms=[transform]), static)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._access_points, *self._robots)

    def antenna(self, device: str, stamp_ns: int) -> Float[np.ndarray, " 3"]:
        """(3,) m in the world; TwinError where neither the site nor TF says."""
        if device in self._access_points:
            return np.array(self._access_points[device].position, dtype=np.float64)
        robot = self._robots[device]
        place = self._pose(robot, stamp_ns)
        up = np.array([0.0, 0.0, robot.antenna_height])
        if isinstance(place, Pose):
            return place.position + up
        return np.array([*place[:2], 0.0]) + up

    def yaw(self, device: str, stamp_ns: int) -> float:
        """rad from x towards y; NaN where unknown."""
        if device in self._access_points:
            return self._access_points[device].yaw
        try:
            place = self._pose(self._robots[device], stamp_ns)
        except TwinError:
            return float("nan")
        if isinstance(place, Pose):
            forward = place.rotation.apply([1.0, 0.0, 0.0])
            return float(np.arctan2(forward[1], forward[0]))
        return place[2]

    def _pose(self, robot: Robot, stamp_ns: int) -> Pose | tuple[float, float, float]:
        """A pose of TF, or x, y and yaw of the site."""
        if robot.tf_frame in self._frames:
            return self._buffer.lookup(self._site.world_frame, robot.tf_frame, stamp_ns, TOLERANCE)
        if robot.position is not None:
            return (*robot.position, robot.yaw)
        if robot.path is not None:
            position, yaw = pose_at(robot.path, stamp_ns)
            return float(position[0]), float(position[1]), yaw
        raise TwinError(
            f"the bag has no TF of {robot.tf_frame!r}, and the site gives robot {robot.name!r} "
            f"neither `position` nor `path`"
        )
