"""The robots' own bodies during a campaign, as the live graph has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.timeline import record_at
from visrftwin_ros.campaign.snapshot import Snapshot
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.chassis import RobotBodies
from visrftwin_ros.twin.mounts import RobotPose


class RecordedRobots:
    """The chassis of a site's robots: from the site where it places them, else where the snapshots
    that they received have them, up to `LONGEST_GAP` of the nearest."""

    def __init__(self, site: Site, snapshots: Sequence[Snapshot]) -> None:
        self._bodies = RobotBodies(site)
        self._stamps: dict[str, list[int]] = {}
        self._poses: dict[str, list[RobotPose]] = {}
        height = {robot.name: robot.antenna_height for robot in site.robots if robot.chassis}
        for one in sorted(snapshots, key=lambda snapshot: snapshot.stamp_ns):
            if one.rx in height and np.isfinite([*one.rx_position, one.rx_yaw]).all():
                base = one.rx_position - np.array([0.0, 0.0, height[one.rx]])
                self._stamps.setdefault(one.rx, []).append(one.stamp_ns)
                self._poses.setdefault(one.rx, []).append(RobotPose(base, one.rx_yaw))

    def at(self, stamp_ns: int) -> Bodies:
        """Those whose place is known at that ROS time."""
        rows = {name: record_at(stamps, stamp_ns) for name, stamps in self._stamps.items()}
        known = {name: self._poses[name][row] for name, row in rows.items() if row is not None}
        return self._bodies.at(stamp_ns, known)
