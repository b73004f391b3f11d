"""How the robots of a campaign drove, and their plans as they would have told them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.site.model import Robot
from visrftwin_ros.twin.mounts import RobotPose
from visrftwin_ros.twin.way_ahead import RobotPlan

_PLANNED_EVERY = 0.25
"""s between two places of a robot's plan."""


@dataclass(frozen=True)
class Drive:
    """How a robot on TF drove: time: (T,) s of ROS time. base: (T, 3) m, of its base. yaw: (T,) rad."""

    time: Float[np.ndarray, " t"]
    base: Float[np.ndarray, "t 3"]
    yaw: Float[np.ndarray, " t"]

    @classmethod
    def of(cls, campaign: Campaign, robot: Robot) -> Drive | None:
        """None where the bag has no poses of it."""
        there = {
            c.stamp_ns: c
            for c in campaign.truth_channels
            if c.rx == robot.name and np.isfinite(c.rx_position).all() and np.isfinite(c.rx_yaw)
        }
        if len(there) < 2:
            return None
        known = [there[stamp] for stamp in sorted(there)]
        up = np.array([0.0, 0.0, robot.antenna_height])
        return cls(
            np.array([c.stamp_ns for c in known]) * 1e-9,
            np.array([c.rx_position - up for c in known]),
            np.unwrap([c.rx_yaw for c in known]),
        )

    def pose(self, stamp_ns: int) -> RobotPose:
        """At that time."""
        at = stamp_ns * 1e-9
        base = np.array([np.interp(at, self.time, column) for column in self.base.T])
        return RobotPose(base, float(np.interp(at, self.time, self.yaw)))

    def plan(self, stamp_ns: int) -> RobotPlan | None:
        """What it means to do from then on: as it will; None at its end."""
        coming = self.time >= stamp_ns * 1e-9 - _PLANNED_EVERY
        rows = np.flatnonzero(coming)[:: max(round(_PLANNED_EVERY / np.diff(self.time).min()), 1)]
        return RobotPlan(self.base[rows, :2], self.time[rows]) if len(rows) > 1 else None
