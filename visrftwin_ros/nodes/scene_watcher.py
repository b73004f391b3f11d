"""Sees furniture that was moved, doors that were opened, what came and what is gone, in a LiDAR's sweeps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from sensor_msgs.msg import PointCloud2

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.people import bodies_from_message
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.messages.scene_changes import surface_changes_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import SurfaceChanges, TrackedPeople
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.robot_poses import robot_poses_from_tf
from visrftwin_ros.nodes.shared.transforms import listen
from visrftwin_ros.nodes.shared.twin_node import (
    ERROR,
    LATCHED_QOS,
    OK,
    SENSOR_QOS,
    SITE_PARAMETER,
    STALE,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.perception.lidar.scene_watcher import SceneWatcher
from visrftwin_ros.perception.sources.lidar_source import LidarSource
from visrftwin_ros.perception.sources.sweep_watch import SweepWatch
from visrftwin_ros.perception.sources.waiting import TF_WAIT, WaitingRoom
from visrftwin_ros.scene.changes import SeenChange

SILENT_AFTER = 1.0


class SceneWatcherNode(TwinNode):
    """Publishes all in which the place differs from its site, latched, whenever that changes.

    People and robots are left out; while nobody tracks people nothing new is taken for furniture. A sensor
    that is silent changes nothing.
    """

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("lidar", "", "Name of the site's LiDAR (may be empty if it has one)"),
        NodeParameter("period", 0.25, "Seconds between sweeps that are looked at", (0.05, 1.0)),
        NodeParameter(
            "people_for",
            0.5,
            "Seconds for which people are where they were last tracked",
            (0.05, 10.0),
            live=True,
        ),
        NodeParameter(
            "tf_wait", TF_WAIT, "Seconds that a moving LiDAR's sweep waits for its TF", (0.0, 2.0)
        ),
        NodeParameter("repeats", False, "Whether the same sweep may come again, as in simulations"),
    )

    def configure(self) -> None:
        self._site = self.site()
        if not self._site.lidars:
            raise TwinError(f"site {self._site.name!r} has no LiDARs: add one under `lidars`")
        try:
            lidar = self._site.lidar(self.value("lidar"))
        except KeyError as error:
            raise TwinError(f"parameter 'lidar': {error.args[0]}") from error
        self._lidar = lidar
        self._transforms = listen(self)
        self._source = LidarSource(self._site, lidar.name, self._transforms)
        self._watcher = SceneWatcher(self._site, lidar.name)
        self._watched = None if self.value("repeats") else SweepWatch(lidar.name)
        self._waiting: WaitingRoom[PointCloud] = WaitingRoom(self.value("tf_wait"))
        self._people: TrackedPeople | None = None
        self._told: tuple[SeenChange, ...] | None = None
        self.looked_ns: int | None = None  # stamp of the last sweep that was looked at
        self._heard_ns: int | None = None
        self._changes = self.publisher(SurfaceChanges, "surface_changes", LATCHED_QOS)
        absolute = lidar.topic.startswith("/")
        topic = lidar.topic if absolute else f"{lidar.name}/{lidar.topic}"
        self.subscription(PointCloud2, topic, self._on_cloud, SENSOR_QOS)
        self.subscription(TrackedPeople, "people", self._on_people)
        self.timer(0.02, self._take_waiting)
        self.timer(0.5, self._watch)

    def time_went_back(self) -> None:
        self.looked_ns = self._heard_ns = self._people = None
        self._waiting.clear()
        self._watcher.forget()

    def _on_people(self, message: TrackedPeople) -> None:
        frame = message.header.frame_id
        if message.stale or frame not in ("", self._site.world_frame):
            return
        self._people = message

    def _on_cloud(self, message: PointCloud2) -> None:
        if not self.active:
            return
        self._heard_ns = self.watch_ns()
        stamp = stamp_ns(message.header.stamp)
        if self.looked_ns is not None and stamp - self.looked_ns < self.value("period") * 1e9:
            return
        try:
            cloud = cloud_from_message(message, self.limits.points)
            if self._watched is not None:
                self._watched.check(cloud)
            self._waiting.add(cloud, self._heard_ns)
        except TwinError as error:
            self.report("clouds", ERROR, str(error))
            return
        self.looked_ns = stamp
        self._take_waiting()

    def _take_waiting(self) -> None:
        if self.active:
            self._waiting.serve(self.watch_ns(), self._taken)

    def _taken(self, cloud: PointCloud, last_try: bool) -> bool:
        """Whether a cloud is done with: looked at, or given up and reported."""
        last_try = last_try or self._source.stands_for(cloud)
        start = time.perf_counter()
        try:
            cloud, pose = self._source.placed(cloud.finite(), last_try)
        except TwinError as error:
            if last_try:
                self.report("clouds", ERROR, str(error))
            return last_try
        reach = np.linalg.norm(cloud.points, axis=1)
        points = cloud.points[(reach > self._lidar.min_range) & (reach < self._lidar.max_range)]
        people = self._people_at(cloud.stamp_ns)
        world = pose.rotation.apply(points) + pose.position
        self._watcher.look(world, pose.position, cloud.stamp_ns, people)
        self._tell(cloud.stamp_ns)
        self.report(
            "clouds",
            OK,
            "clouds arrive",
            returns=len(cloud),
            milliseconds=f"{1e3 * (time.perf_counter() - start):.1f}",
        )
        if people is None:
            text = "nobody tracks people: nothing new is taken for furniture"
            self.report("people", WARN, text)
        else:
            self.report("people", OK, "people and robots are left out", count=len(people))
        return True

    def _people_at(self, stamp: int) -> Float[np.ndarray, "k 2"] | None:
        """Where people and robots are on the ground; None where nobody tracks people."""
        if self._people is None:
            return None
        after = (stamp - stamp_ns(self._people.header.stamp)) * 1e-9
        if abs(after) > self.value("people_for"):
            return None
        bodies = bodies_from_message(self._people)
        walked = bodies.position[:, :2] + after * bodies.velocity[:, :2]
        poses, _ = robot_poses_from_tf(
            self._site, self._transforms, stamp, self.limits.extrapolation
        )
        standing = [robot.position for robot in self._site.robots if robot.position is not None]
        robots = [*standing, *(pose.position[:2] for pose in poses.values())]
        return np.concatenate([walked, np.array(robots, float).reshape(-1, 2)])

    def _tell(self, stamp: int) -> None:
        """Publishes what differs, if that is something else than was said last."""
        seen = self._watcher.changes
        if self._told is not None and _same(seen, self._told):
            return
        self._told = seen
        message = surface_changes_message(made, stamp, self._site.world_frame, seen)
        message.latency = (self.now_ns() - stamp) * 1e-9
        self._changes.publish(message)
        names = ", ".join(one.surface for one in seen)
        text = f"otherwise than in the site: {names}" if names else "all is as in the site"
        self.report("scene", OK, text, changes=len(seen))

    def _watch(self) -> None:
        if not self.active:
            return
        if self._heard_ns is None or self.watch_ns() - self._heard_ns > SILENT_AFTER * 1e9:
            text = "no cloud arrives, nothing changes: is the LiDAR running and the topic right?"
            self.report("clouds", STALE, text)


def _same(some: Sequence[SeenChange], others: Sequence[SeenChange]) -> bool:
    """Whether they say the same of where things are."""

    def places(seen: Sequence[SeenChange]) -> list[object]:
        return [(one.surface, one.motion, one.box) for one in seen]

    return places(some) == places(others)


def main() -> None:
    run(SceneWatcherNode, "scene_watcher")


if __name__ == "__main__":
    main()
