"""Finds people, and vehicles, in one LiDAR's sweeps and places them in the world; only they leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from sensor_msgs.msg import PointCloud2

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.msg import LidarPeople as LidarPeopleMessage
from visrftwin_ros.msg import LidarVehicles
from visrftwin_ros.nodes.messages.lidar_messages import lidar_people_message, lidar_vehicles_message
from visrftwin_ros.nodes.shared.transforms import listen
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
from visrftwin_ros.perception.sources.lidar_source import LidarSource
from visrftwin_ros.perception.sources.sweep_watch import SweepWatch
from visrftwin_ros.perception.sources.waiting import TF_WAIT, WaitingRoom

SILENT_AFTER = 1.0


class LidarPeopleNode(TwinNode):
    """Always works on the newest sweep. People leave in the world frame, because the background is
    kept there and the pose at the sweep's stamp is known best here."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("lidar", "", "Name of the site's LiDAR (may be empty if it has one)"),
        NodeParameter("least_score", 0.3, "Least score of a reported cluster", (0.0, 1.0)),
        NodeParameter(
            "tf_wait", TF_WAIT, "Seconds that a moving LiDAR's sweep waits for its TF", (0.0, 2.0)
        ),
        NodeParameter("vehicles", False, "Whether vehicles are looked for as well"),
        NodeParameter("repeats", False, "Whether the same sweep may come again, as in simulations"),
    )

    def configure(self) -> None:
        site = self.site()
        if not site.lidars:
            raise TwinError(f"site {site.name!r} has no LiDARs: add one under `lidars`")
        try:
            lidar = site.lidar(self.value("lidar"))
        except KeyError as error:
            raise TwinError(f"parameter 'lidar': {error.args[0]}") from error
        self._world = site.world_frame
        vehicles = self.value("vehicles")
        self._source = LidarSource(
            site, lidar.name, listen(self), self.value("least_score"), vehicles
        )
        self._watched = None if self.value("repeats") else SweepWatch(lidar.name)
        self._waiting: WaitingRoom[PointCloud] = WaitingRoom(self.value("tf_wait"))
        self._heard_ns: int | None = None
        self._people = self.publisher(LidarPeopleMessage, "people", SENSOR_QOS)
        self._vehicles = self.publisher(LidarVehicles, "vehicles", SENSOR_QOS) if vehicles else None
        self.subscription(PointCloud2, lidar.topic, self._on_cloud, SENSOR_QOS)
        self.timer(0.02, self._take_waiting)
        self.timer(0.5, self._watch)

    def time_went_back(self) -> None:
        self._heard_ns = None
        self._waiting.clear()

    def _on_cloud(self, message: PointCloud2) -> None:
        if not self.active:
            return
        self._heard_ns = self.watch_ns()
        try:
            cloud = cloud_from_message(message, self.limits.points)
            if self._watched is not None:
                self._watched.check(cloud)
            self._waiting.add(cloud, self._heard_ns)
        except TwinError as error:
            self.report("clouds", ERROR, str(error))
            return
        self._take_waiting()

    def _take_waiting(self) -> None:
        if self.active:
            self._waiting.serve(self.watch_ns(), self._taken)

    def _taken(self, cloud: PointCloud, last_try: bool) -> bool:
        """Whether a cloud is done with: searched, or given up and reported."""
        last_try = last_try or self._source.stands_for(cloud)
        start = time.perf_counter()
        try:
            sweep = self._source.swept(cloud, last_try)
        except TwinError as error:
            if last_try:
                self.report("clouds", ERROR, str(error))
            return last_try
        found = sweep.found
        answer = lidar_people_message(found, self._world)
        answer.latency = (self.now_ns() - cloud.stamp_ns) * 1e-9
        self._people.publish(answer)
        counted = {}
        if self._vehicles is not None and found.vehicles is not None:
            boxes = lidar_vehicles_message(found.vehicles, self._world)
            boxes.latency = (self.now_ns() - cloud.stamp_ns) * 1e-9
            self._vehicles.publish(boxes)
            counted = {"vehicles": len(found.vehicles)}
        level, text = (WARN, sweep.restarted) if sweep.restarted else (OK, "time goes on")
        self.report("clock", level, text)
        late = f"clouds are {self.age_of(cloud.stamp_ns):.1f} s old when they come"
        level, text = (WARN, late) if self.is_old(cloud.stamp_ns) else (OK, "clouds arrive")
        self.report(
            "clouds",
            level,
            text,
            people=len(found.people),
            **counted,
            returns=found.returns,
            invalid=cloud.invalid,
            milliseconds=f"{1e3 * (time.perf_counter() - start):.1f}",
            background="being learnt" if found.learning else "known",
        )
        return True

    def _watch(self) -> None:
        if not self.active:
            return
        if self._heard_ns is None or self.watch_ns() - self._heard_ns > SILENT_AFTER * 1e9:
            text = "no cloud arrives: is the LiDAR running and the topic right?"
            self.report("clouds", STALE, text)


def main() -> None:
    run(LidarPeopleNode, "lidar_people")


if __name__ == "__main__":
    main()
