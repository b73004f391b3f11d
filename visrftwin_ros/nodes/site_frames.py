"""Publishes the frames that a site fixes: cameras and APs on /tf_static, scripted robots on /tf.

Where somebody else says where one of them is, it is left to them on TF, and told of; so are frames
of which two others speak.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.frame_watch import FrameWatch, apart
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, STATIC_QOS
from visrftwin_ros.nodes.shared.twin_node import (
    LATCHED_QOS,
    OK,
    RESULT_QOS,
    SITE_PARAMETER,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.site.frames import Pose, fixed_frames, pose_from_message
from visrftwin_ros.site.motion import pose_at

HEARD_FIRST = 0.5
"""Seconds in which a driver or a URDF that is there already is heard, before the site's frames are
published: what comes last on /tf_static is what everybody keeps."""
SAME = 0.01
"""Metres plus radians within which another's pose of a frame is the site's."""


class SiteFrames(TwinNode):
    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("robot_rate", 30.0, "Poses a second of each scripted robot", (1.0, 200.0)),
    )

    def configure(self) -> None:
        self._site = self.site()
        self._fixed = fixed_frames(self._site)
        self._scripted = {
            robot.tf_frame: robot.path for robot in self._site.robots if robot.path is not None
        }
        self._left: dict[str, str] = {}  # frames of ours that others publish -> how
        self._heard = FrameWatch()
        self._waits = True
        self._static = self.publisher(TFMessage, "/tf_static", LATCHED_QOS)
        self._moving = self.publisher(TFMessage, "/tf", RESULT_QOS)
        self.subscription(TFMessage, "/tf", partial(self._on_tf, static=False), MOVING_QOS)
        self.subscription(TFMessage, "/tf_static", partial(self._on_tf, static=True), STATIC_QOS)
        if self._scripted:
            self.timer(1.0 / self.value("robot_rate"), self._publish_robots)
        for period, callback in ((HEARD_FIRST, self._begin), (1.0, self._watch)):
            timer = self.create_timer(period, callback, clock=self._steady)
            self._entities.append((self.destroy_timer, timer))

    def time_went_back(self) -> None:
        self._heard = FrameWatch()

    def _begin(self) -> None:
        if self.active and self._waits:
            self._waits = False
            self._publish_fixed()

    def _publish_fixed(self) -> None:
        world, now = self._site.world_frame, self.now_ns()
        frames = [
            transform_message(made, world, frame, now, pose)
            for frame, pose in self._fixed.items()
            if frame not in self._left
        ]
        self._static.publish(TFMessage(transforms=frames))

    def _on_tf(self, message: TFMessage, static: bool) -> None:
        self._heard.add(message, static, time.monotonic())
        before = len(self._left)
        for transform in message.transforms:
            frame, parent = transform.child_frame_id, transform.header.frame_id
            if frame in self._left or not (frame in self._fixed or frame in self._scripted):
                continue
            if parent != self._site.world_frame:
                self._left[frame] = f"under {parent!r}"
            elif frame in self._fixed and (pose := pose_from_message(transform)) is not None:
                gap = apart(pose, self._fixed[frame])
                if gap > SAME:
                    self._left[frame] = f"{gap:.2f} m and rad from where the site has it"
        if len(self._left) > before and self.active and not self._waits:
            self._publish_fixed()

    def _watch(self) -> None:
        told = [
            f"{frame!r} comes from others, {how}: left to them on TF, while the twin goes on with the"
            " site's pose; correct one of the two"
            for frame, how in sorted(self._left.items())
        ]
        told += [
            f"{frame!r} {how}: two publish it; stop one of them"
            for frame, how in self._heard.conflicts(time.monotonic()).items()
            if frame not in self._left
        ]
        if told:
            publishers = self.get_publishers_info_by_topic(self._static.topic_name)
            publishers += self.get_publishers_info_by_topic(self._moving.topic_name)
            names = {f"{one.node_namespace.rstrip('/')}/{one.node_name}" for one in publishers}
            names -= {self.get_fully_qualified_name()}
            told.append(f"others on TF: {', '.join(sorted(names)) or 'none any more'}")
        self.report(
            "frames", WARN if told else OK, "; ".join(told) or "one publisher of each frame"
        )

    def _publish_robots(self) -> None:
        now = self.now_ns()
        frames = []
        for frame, path in self._scripted.items():
            if frame in self._left:
                continue
            position, yaw = pose_at(path, now)
            pose = Pose(np.array([*position, 0.0]), Rotation.from_euler("Z", yaw))
            frames.append(transform_message(made, self._site.world_frame, frame, now, pose))
        self._moving.publish(TFMessage(transforms=frames))


def main() -> None:
    run(SiteFrames, "site_frames")


if __name__ == "__main__":
    main()
