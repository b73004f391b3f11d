"""Follows vehicles on the ground as boxes, from every sensor's measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from sensor_msgs.msg import CameraInfo

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.boxes import boxes_message
from visrftwin_ros.messages.stamps import check_stamp, later, stamp_ns
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.msg import LidarVehicles, TrackedBoxes
from visrftwin_ros.nodes.messages.conversions import detections_from_message
from visrftwin_ros.nodes.messages.lidar_messages import vehicles_from_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.transforms import TransformBuffer, listen
from visrftwin_ros.nodes.shared.twin_node import (
    ERROR,
    OK,
    SENSOR_QOS,
    SITE_PARAMETER,
    STALE,
    WARN,
    WATCH_PERIOD,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.vehicle_camera import VehicleCamera
from visrftwin_ros.perception.sources.waiting import TF_WAIT, WaitingRoom
from visrftwin_ros.perception.tracking.tracker import refusal
from visrftwin_ros.perception.tracking.vehicle_tracker import VehicleTracker
from visrftwin_ros.perception.tracking.vehicles import Vehicles


class VehicleTrackerNode(TwinNode):
    """Publishes at once on every measurement, and predictions while the sensors are silent. A camera
    whose detector never told of a vehicle is no sensor of them."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter(
            "stale_after",
            0.5,
            "Seconds without a measurement until vehicles are stale",
            (0.05, 10.0),
            live=True,
        ),
        NodeParameter("tf_wait", TF_WAIT, "Seconds that detections wait for their TF", (0.0, 2.0)),
    )

    def configure(self) -> None:
        self._site = self.site()
        if not self._site.cameras and not self._site.lidars:
            raise TwinError(
                f"site {self._site.name!r} has no cameras and no LiDARs: add one under `cameras`"
            )
        self._tracker = VehicleTracker()
        self._newest_ns: int | None = None  # stamp of the newest fresh measurement
        self._heard_ns: int | None = None  # when it came, by `watch_ns`
        self._boxes = self.publisher(TrackedBoxes, "tracked_boxes")
        moving = any(camera.pose is None for camera in self._site.cameras)
        transforms = listen(self) if moving else TransformBuffer()
        self._waiting: dict[str, WaitingRoom[DetectionsMessage]] = {}
        self._cameras = [
            (CameraSource(camera, self._site.world_frame, transforms), VehicleCamera(camera.name))
            for camera in self._site.cameras
        ]
        for camera, _ in self._cameras:
            self._waiting[camera.name] = WaitingRoom(self.value("tf_wait"))
            on_boxes = partial(self._on_detections, camera)
            self.subscription(DetectionsMessage, f"{camera.name}/detections", on_boxes, SENSOR_QOS)
            if camera.needs_info:
                on_info = partial(self._on_info, camera)
                self.subscription(CameraInfo, f"{camera.name}/camera_info", on_info, SENSOR_QOS)
        for lidar in self._site.lidars:
            on_lidar = partial(self._on_lidar, lidar.name)
            self.subscription(LidarVehicles, f"{lidar.name}/vehicles", on_lidar, SENSOR_QOS)
        if moving:
            self.timer(0.02, self._take_waiting)
        self.timer(WATCH_PERIOD, self._watch)

    def time_went_back(self) -> None:
        self._tracker.reset("ROS time went back")
        self._newest_ns = self._heard_ns = None
        for room in self._waiting.values():
            room.clear()

    def _on_info(self, camera: CameraSource, message: CameraInfo) -> None:
        try:
            camera.take_info(message)
        except TwinError as error:
            self.report(f"{camera.name} calibration", ERROR, str(error))

    def _on_detections(self, camera: CameraSource, message: DetectionsMessage) -> None:
        stamp = stamp_ns(message.header.stamp)
        if not self.active or self.is_left_over(stamp):
            return
        try:
            camera.check_sender(message.header.frame_id, stamp)
        except TwinError as error:
            self.report(f"{camera.name} name", ERROR, str(error))
            return
        self._waiting[camera.name].add(message, self.watch_ns())
        self._take_waiting()

    def _on_lidar(self, name: str, message: LidarVehicles) -> None:
        stamp = stamp_ns(message.header.stamp)
        if not self.active or self.is_left_over(stamp):
            return
        try:
            check_stamp(stamp, f"LiDAR {name!r}")
            if message.header.frame_id != self._site.world_frame:
                raise TwinError(
                    f"vehicles in frame {message.header.frame_id!r} come, expected the site's"
                    f" {self._site.world_frame!r}: do both nodes run the same site?"
                )
        except TwinError as error:
            self.report(name, ERROR, str(error))
            return
        self._measure(replace(vehicles_from_message(message), sensor=name))

    def _take_waiting(self) -> None:
        for camera, told in self._cameras:
            if self.active:
                taken = partial(self._taken, camera, told)
                self._waiting[camera.name].serve(self.watch_ns(), taken)

    def _taken(
        self, camera: CameraSource, told: VehicleCamera, message: DetectionsMessage, last_try: bool
    ) -> bool:
        """Whether a message is done with: measured, or given up and reported."""
        last_try = last_try or not camera.moves
        try:
            detections = detections_from_message(message, camera.name)
            camera.check_size(detections.image_size)
            measured = told.measured(detections, camera.at(detections.stamp_ns, last_try))
        except TwinError as error:
            if last_try:
                self.report(camera.name, ERROR, str(error))
            return last_try
        if measured is None:
            self.report(camera.name, OK, "its detector has told of no vehicle yet")
        else:
            self._measure(measured)
        return True

    def _measure(self, measured: VehicleMeasurements) -> None:
        """Take a sensor's measurement, say what became of it, and publish the vehicles."""
        before = self._tracker.report
        vehicles = self._tracker.update(measured, self.now_ns())
        after = self._tracker.report
        if after.resets > before.resets:
            self.report("clock", WARN, f"tracks were dropped: {after.last_reset}")
        elif after.refused == before.refused:
            self.report("clock", OK, "time goes on")
        level, text = OK, "measurements arrive"
        if refused := refusal(before, after):
            level, text = WARN, refused
        elif self.is_old(measured.stamp_ns):
            level, text = WARN, f"is late by {self.age_of(measured.stamp_ns):.1f} s: not fresh"
        self.report(
            measured.sensor,
            level,
            text,
            vehicles=len(vehicles),
            measured=len(measured),
            invalid=after.invalid_boxes,
            late=after.late,
            replayed=after.replayed,
            repeated=after.repeated,
            refused=after.refused,
        )
        if after.measurements == before.measurements:
            return
        if not (late := self.is_old(vehicles.stamp_ns)):
            self._newest_ns, self._heard_ns = vehicles.stamp_ns, self.watch_ns()
        age = self.now_ns() - vehicles.stamp_ns if late else 0
        self._publish(vehicles, age, stale=late)

    def _watch(self) -> None:
        if not self.active or self._newest_ns is None or self._heard_ns is None:
            return
        silence_ns = self.watch_ns() - self._heard_ns
        if silence_ns <= self.value("stale_after") * 1e9:
            return
        text = f"no measurement of vehicles for {silence_ns * 1e-9:.1f} s"
        self.report("measurements", STALE, text)
        predicted = self._tracker.predict_to(later(self._newest_ns, silence_ns))
        self._publish(predicted, silence_ns, stale=True)

    def _publish(self, vehicles: Vehicles, age_ns: int, stale: bool) -> None:
        if not stale:
            self.report("measurements", OK, "measurements arrive")
        message = boxes_message(
            made,
            vehicles.stamp_ns,
            self._site.world_frame,
            vehicles.bodies(),
            kinds=vehicles.kind,
            **vehicles.doubts(),
        )
        message.stale, message.age = stale, age_ns * 1e-9
        message.latency = (self.now_ns() - vehicles.stamp_ns) * 1e-9
        self._boxes.publish(message)


def main() -> None:
    run(VehicleTrackerNode, "vehicle_tracker")


if __name__ == "__main__":
    main()
