"""Robots' own plans, as they come on `<robot>/plan`."""

from __future__ import annotations

from functools import partial

import numpy as np
from nav_msgs.msg import Path

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.nodes.shared.transforms import TransformBuffer
from visrftwin_ros.nodes.shared.twin_node import OK, WARN, TwinNode
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.way_ahead import RobotPlan


class PlansHeard:
    """The newest plan of each robot that TF places, for `node`'s parameter `plan_lasts`.

    What cannot be a plan is refused, and told in the diagnostics of `plan <robot>`.
    """

    def __init__(self, node: TwinNode, site: Site, transforms: TransformBuffer) -> None:
        self._node, self._world, self._transforms = node, site.world_frame, transforms
        self._plans: dict[str, tuple[int, RobotPlan]] = {}
        for robot in site.robots:
            if robot.is_on_tf:
                node.subscription(Path, f"{robot.name}/plan", partial(self._hear, robot.name))

    def at(self, stamp: int) -> dict[str, RobotPlan]:
        """By robot, of those that are not too old then [ns]."""
        lasts = self._node.value("plan_lasts")
        for robot, (heard, _) in list(self._plans.items()):
            if (stamp - heard) * 1e-9 > lasts:
                del self._plans[robot]
                self._tell(robot, f"no newer plan for {lasts:g} s: forgotten")
        return {robot: plan for robot, (_, plan) in self._plans.items()}

    def forget(self) -> None:
        """All of them."""
        self._plans.clear()

    def refuse(self, robot: str, reason: str) -> None:
        """A plan turned out to be of no use; the robot needs to send another."""
        self._plans.pop(robot, None)
        self._tell(robot, reason)

    def _hear(self, robot: str, message: Path) -> None:
        stamp = stamp_ns(message.header.stamp)
        if not self._node.active or self._node.is_left_over(stamp):
            return
        if self._node.is_old(stamp):
            self.refuse(robot, f"a plan that is {self._node.age_of(stamp):.1f} s old")
            return
        if not message.poses:
            self._plans.pop(robot, None)
            self._node.report(f"plan {robot}", OK, "withdrawn")
            return
        try:
            self._plans[robot] = stamp, self._plan(message, stamp)
        except TwinError as error:
            self.refuse(robot, str(error))
            return
        self._node.report(f"plan {robot}", OK, f"of {len(message.poses)} places")

    def _plan(self, message: Path, stamp: int) -> RobotPlan:
        places = np.array([[p.pose.position.x, p.pose.position.y, 0.0] for p in message.poses])
        if not np.isfinite(places).all():
            raise TwinError("a plan with a place that is no number")
        frame = message.header.frame_id
        if frame != self._world:
            tolerance = self._node.limits.extrapolation
            base = self._transforms.lookup(self._world, frame, stamp, tolerance)
            places = base.position + base.rotation.apply(places)
        # Most planners give no times: all stamps are equal.
        times = np.array([stamp_ns(p.header.stamp) for p in message.poses]) * 1e-9
        return RobotPlan(places[:, :2], times if (np.diff(times) > 0).all() else None)

    def _tell(self, robot: str, reason: str) -> None:
        self._node.report(f"plan {robot}", WARN, f"not used: {reason}")
