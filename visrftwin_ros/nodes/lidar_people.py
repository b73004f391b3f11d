"""Finds people in one LiDAR's sweeps and places them in the world frame; only they leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from sensor_msgs.msg import PointCloud2

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.msg import LidarPeople as LidarPeopleMessage
from visrftwin_ros.nodes.messages.clouds import cloud_from_message
from visrftwin_ros.nodes.messages.lidar_messages import lidar_people_message
from visrftwin_ros.nodes.shared.transforms import Pose, listen
from visrftwin_ros.nodes.shared.twin_node import (
    ERROR,
    OK,
    SENSOR_QOS,
    SITE_PARAMETER,
    STALE,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.lidar.static_scene import StaticScene
from visrftwin_ros.site.frames import lidar_pose

SILENT_AFTER = 1.0
TF_GAP = 0.2
"""s: a pose further from the sweep's stamp is not its own."""
JUMP_BACK_NS = 1_000_000_000
"""A stamp older than the newest by more means that the clock started again."""


class LidarPeopleNode(TwinNode):
    """Always works on the newest sweep. People leave in the world frame, because the background is
    kept there and the pose at the sweep's stamp is known best here."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("lidar", "", "Name of the site's LiDAR (may be empty if it has one)"),
        NodeParameter("least_score", 0.3, "Least score of a reported cluster", (0.0, 1.0)),
        NodeParameter(
            "learning_time",
            3.0,
            "Seconds of sweeps from which a standing LiDAR learns its background; 0 = none, for a "
            "moving one: then only what stands apart is a person",
            (0.0, 600.0),
        ),
    )

    def configure(self) -> None:
        site = self.site()
        if not site.lidars:
            raise TwinError(f"site {site.name!r} has no LiDARs: add one under `lidars`")
        try:
            self._lidar = site.lidar(self.value("lidar"))
        except KeyError as error:
            raise TwinError(f"parameter 'lidar': {error.args[0]}") from error
        self._world = site.world_frame
        self._fixed = lidar_pose(self._lidar)
        self._tf = listen(self)
        self._finder = LidarPeopleFinder(
            sensor=self._lidar.name,
            config=LidarPeopleConfig(
                min_range=self._lidar.min_range,
                max_range=self._lidar.max_range,
                least_score=self.value("least_score"),
                learning_time=self.value("learning_time"),
            ),
            scene=StaticScene.of_site(site),
        )
        self._heard_ns: int | None = None
        self._newest_ns: int | None = None
        self._people = self.publisher(LidarPeopleMessage, "people", SENSOR_QOS)
        self.subscription(PointCloud2, self._lidar.topic, self._on_cloud, SENSOR_QOS)
        self.timer(0.5, self._watch)

    def time_went_back(self) -> None:
        self._heard_ns = None

    def _on_cloud(self, message: PointCloud2) -> None:
        if not self.active:
            return
        self._heard_ns = self.now_ns()
        start = time.perf_counter()
        try:
            cloud = cloud_from_message(message)
            pose = self._pose(cloud)
            if pose is not self._fixed:
                cloud = undistorted(cloud, partial(self._moving_pose, cloud.frame))
        except TwinError as error:
            self.report("clouds", ERROR, str(error))
            return
        if not len(cloud):
            total = message.width * message.height
            text = f"a cloud of {total} points holds no valid return: is the sensor covered?"
            self.report("clouds", WARN, text)
            return
        self._check_clock(cloud)
        found = self._finder.find(cloud, pose.position, pose.rotation)
        answer = lidar_people_message(found, self._world)
        answer.latency = (self.now_ns() - cloud.stamp_ns) * 1e-9
        self._people.publish(answer)
        self.report(
            "clouds",
            OK,
            "clouds arrive",
            people=len(found.people),
            returns=found.returns,
            invalid=cloud.invalid,
            milliseconds=f"{1e3 * (time.perf_counter() - start):.1f}",
            background="being learnt" if found.learning else "known",
        )

    def _pose(self, cloud: PointCloud) -> Pose:
        """Of the cloud's frame in the world, at its stamp."""
        if self._fixed is not None and cloud.frame in ("", self._lidar.tf_frame):
            return self._fixed
        return self._moving_pose(cloud.frame, cloud.stamp_ns)

    def _moving_pose(self, frame: str, stamp: int) -> Pose:
        try:
            return self._tf.lookup(self._world, frame, stamp, TF_GAP)
        except TwinError as error:
            raise TwinError(
                f"where the cloud's frame {frame!r} is in {self._world!r} is not known: "
                f"{error}; the site says frame {self._lidar.tf_frame!r}"
            ) from error

    def _check_clock(self, cloud: PointCloud) -> None:
        if self._newest_ns is not None and cloud.stamp_ns < self._newest_ns - JUMP_BACK_NS:
            back = (self._newest_ns - cloud.stamp_ns) * 1e-9
            self.report("clock", WARN, f"time jumped back by {back:.1f} s: background dropped")
            self._finder.reset()
        elif self._newest_ns is not None and cloud.stamp_ns > self._newest_ns:
            self.report("clock", OK, "time goes on")
        self._newest_ns = cloud.stamp_ns

    def _watch(self) -> None:
        if not self.active:
            return
        if self._heard_ns is None or self.now_ns() - self._heard_ns > SILENT_AFTER * 1e9:
            text = "no cloud arrives: is the LiDAR running and the topic right?"
            self.report("clouds", STALE, text)


def main() -> None:
    run(LidarPeopleNode, "lidar_people")


if __name__ == "__main__":
    main()
