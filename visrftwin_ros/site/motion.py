"""Where a scripted robot is at a given time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.site.model import ScriptedPath


def pose_at(path: ScriptedPath, stamp_ns: int) -> tuple[NDArray[np.float64], float]:
    """Position (2,) metres in the world and yaw in radians on a closed loop at `stamp_ns`.

    The phase is ROS time modulo the lap time, so that everyone who knows the time and the site
    agrees on the pose, on line and off line.
    """
    corners = np.array([*path.waypoints, path.waypoints[0]], dtype=float)
    legs = np.diff(corners, axis=0)
    ends = np.cumsum(np.hypot(*legs.T))
    lap_ns = round(ends[-1] / path.speed * 1e9)
    travelled = (stamp_ns % lap_ns) * 1e-9 * path.speed
    leg = int(min(np.searchsorted(ends, travelled, side="right"), len(legs) - 1))
    length = np.hypot(*legs[leg])
    share = 1.0 - (ends[leg] - travelled) / length if length > 0 else 0.0
    yaw = float(np.arctan2(legs[leg, 1], legs[leg, 0]))
    return corners[leg] + np.clip(share, 0.0, 1.0) * legs[leg], yaw
