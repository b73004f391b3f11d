"""Publishes the frames that a site fixes: cameras and APs on /tf_static, scripted robots on /tf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.twin_node import (
    LATCHED_QOS,
    RESULT_QOS,
    SITE_PARAMETER,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.site.frames import Pose, fixed_frames
from visrftwin_ros.site.motion import pose_at


class SiteFrames(TwinNode):
    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("robot_rate", 30.0, "Poses a second of each scripted robot", (1.0, 200.0)),
    )

    def configure(self) -> None:
        self._site = self.site()
        self._static = self.publisher(TFMessage, "/tf_static", LATCHED_QOS)
        self._moving = self.publisher(TFMessage, "/tf", RESULT_QOS)
        self._scripted = [
            (robot.tf_frame, robot.path) for robot in self._site.robots if robot.path is not None
        ]
        if self._scripted:
            self.timer(1.0 / self.value("robot_rate"), self._publish_robots)

    def activate(self) -> None:
        world, now = self._site.world_frame, self.now_ns()
        frames = [
            transform_message(made, world, frame, now, pose)
            for frame, pose in fixed_frames(self._site).items()
        ]
        self._static.publish(TFMessage(transforms=frames))

    def _publish_robots(self) -> None:
        now = self.now_ns()
        frames = []
        for frame, path in self._scripted:
            position, yaw = pose_at(path, now)
            pose = Pose(np.array([*position, 0.0]), Rotation.from_euler("Z", yaw))
            frames.append(transform_message(made, self._site.world_frame, frame, now, pose))
        self._moving.publish(TFMessage(transforms=frames))


def main() -> None:
    run(SiteFrames, "site_frames")


if __name__ == "__main__":
    main()
