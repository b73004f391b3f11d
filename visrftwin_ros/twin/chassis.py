"""The robots' own bodies, wherever the robots are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import BOX, Bodies, nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.site.model import Robot, Site
from visrftwin_ros.site.motion import pose_at
from visrftwin_ros.twin.mounts import RobotPose

_LONGEST_STEP = 1.0
"""Seconds; a velocity is not drawn across longer gaps between poses or jumps of the clock."""


class RobotBodies:
    """The chassis of a site's robots as boxes; raises TwinError on a material nobody knows."""

    def __init__(self, site: Site) -> None:
        self._robots = [robot for robot in site.robots if robot.chassis is not None]
        for robot in self._robots:
            assert robot.chassis is not None
            try:
                material_values(robot.chassis.material, site.radio.frequency, site.materials)
            except TwinError as error:
                raise TwinError(f"chassis of robot {robot.name!r}: {error}") from error
        self._last: dict[str, tuple[int, NDArray[np.float64]]] = {}

    def at(self, stamp_ns: int, robots: Mapping[str, RobotPose]) -> Bodies:
        """Those whose robot's place is known at that time; `robots` are those placed by TF."""
        places = [(robot, self._place(robot, stamp_ns, robots)) for robot in self._robots]
        known = [(robot, *place) for robot, place in places if place is not None]
        if not known:
            return nobody()
        chassis = [robot.chassis for robot, *_ in known if robot.chassis is not None]
        size = np.array([one.size for one in chassis])
        up = np.array([[0.0, 0.0, one.height] for one in chassis])
        return Bodies(
            ids=tuple(f"{robot.name}/chassis" for robot, *_ in known),
            position=np.array([position for _, position, _, _ in known]) + up,
            velocity=np.array([velocity for *_, velocity in known]),
            width=size[:, 1],
            depth=size[:, 0],
            height=size[:, 2],
            heading=np.array([yaw for _, _, yaw, _ in known]),
            material=tuple(one.material for one in chassis),
            shape=(BOX,) * len(known),
        )

    def _place(
        self, robot: Robot, stamp_ns: int, robots: Mapping[str, RobotPose]
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64]] | None:
        """Base (3,), yaw and velocity (3,)."""
        if robot.position is not None:
            return np.array([*robot.position, 0.0]), robot.yaw, np.zeros(3)
        if robot.path is not None:
            ground, yaw = pose_at(robot.path, stamp_ns)
            ahead = np.array([np.cos(yaw), np.sin(yaw), 0.0])
            return np.append(ground, 0.0), yaw, robot.path.speed * ahead
        if robot.name not in robots:
            return None
        pose = robots[robot.name]
        return pose.position, pose.yaw, self._velocity(robot.name, stamp_ns, pose.position)

    def _velocity(
        self, name: str, stamp_ns: int, position: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Since the last call."""
        before, self._last[name] = self._last.get(name), (stamp_ns, position)
        if before is None or not 0 < (elapsed := (stamp_ns - before[0]) * 1e-9) <= _LONGEST_STEP:
            return np.zeros(3)
        return np.asarray((position - before[1]) / elapsed)
