"""How the arrays of access points and robots stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.motion import pose_at


@dataclass(frozen=True)
class RobotPose:
    """Where a robot's base is: position (3,) metres and yaw, radians, world frame."""

    position: NDArray[np.float64]
    yaw: float


def antenna_place(
    site: Site, name: str, stamp_ns: int, robots: Mapping[str, RobotPose]
) -> NDArray[np.float64] | None:
    """(3,) m of a device's antenna in the world at that time; None for a robot on TF without a pose."""
    for ap in site.access_points:
        if ap.name == name:
            return np.array(ap.position, float)
    for robot in site.robots:
        if robot.name != name:
            continue
        if robot.position is not None:
            return np.array([*robot.position, robot.antenna_height])
        if robot.path is not None:
            return np.append(pose_at(robot.path, stamp_ns)[0], robot.antenna_height)
        up = np.array([0.0, 0.0, robot.antenna_height])
        return robots[name].position + up if name in robots else None
    raise TwinError(f"site {site.name!r} has no device {name!r}")


def device_mount(
    site: Site, name: str, stamp_ns: int, robots: Mapping[str, RobotPose]
) -> Mount | None:
    """How a device's array stands at that time; None for a robot on TF without a pose."""
    for ap in site.access_points:
        if ap.name == name:
            return Mount(ap.array, ap.yaw, ap.pitch)
    for robot in site.robots:
        if robot.name != name:
            continue
        if robot.position is not None:
            return Mount(robot.array, robot.yaw)
        if robot.path is not None:
            return Mount(robot.array, pose_at(robot.path, stamp_ns)[1])
        return Mount(robot.array, robots[name].yaw) if name in robots else None
    raise TwinError(f"site {site.name!r} has no device {name!r}")
