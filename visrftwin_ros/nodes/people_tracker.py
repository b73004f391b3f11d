"""Follows people on the ground, in metres, from every sensor's measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from sensor_msgs.msg import CameraInfo
from visualization_msgs.msg import MarkerArray

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages import vision
from visrftwin_ros.messages.stamps import check_stamp, later, stamp_ns
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.msg import LidarPeople as LidarPeopleMessage
from visrftwin_ros.msg import TrackedPeople
from visrftwin_ros.nodes.messages.conversions import (
    detections_from_message,
    detections_from_vision,
    people_message,
)
from visrftwin_ros.nodes.messages.lidar_messages import measurements_from_message
from visrftwin_ros.nodes.messages.markers import track_markers
from visrftwin_ros.nodes.messages.message_types import message_class
from visrftwin_ros.nodes.shared.embedding_parameters import EMBEDDING_PARAMETERS, embedding_of
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
from visrftwin_ros.perception.appearance.clothing import ClothingWords
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.waiting import TF_WAIT, WaitingRoom
from visrftwin_ros.perception.tracking.detector_noise import tracker_config
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker, TrackerReport, refusal
from visrftwin_ros.viewing.tracks import Trails

PERSON_CLASSES = ("person", "pedestrian", "human", "0")
"""Class ids of detectors of others; in COCO's order, people are the first."""
FLOOD = 20
"""Repeated measurements in a row that are worth a warning."""
LONGEST_LATENCY_NS = 2_000_000_000


class PeopleTrackerNode(TwinNode):
    """Publishes at once on every measurement, or predictions at a fixed rate; and predictions while
    the sensors are silent."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter(
            "stale_after",
            0.5,
            "Seconds without a measurement until people are stale",
            (0.05, 10.0),
            live=True,
        ),
        NodeParameter(
            "rate", 0.0, "People a second, predicted to now; 0 = on every measurement", (0.0, 200.0)
        ),
        NodeParameter(
            "vision_msgs",
            False,
            "Hear <camera>/detections_2d, a vision_msgs/Detection2DArray of any detector, instead of"
            " <camera>/detections",
        ),
        NodeParameter("vision_classes", list(PERSON_CLASSES), "Class ids there that mean a person"),
        NodeParameter("tf_wait", TF_WAIT, "Seconds that detections wait for their TF", (0.0, 2.0)),
        *EMBEDDING_PARAMETERS,
    )

    def configure(self) -> None:
        self._site = self.site()
        if not self._site.cameras and not self._site.lidars:
            raise TwinError(
                f"site {self._site.name!r} has no cameras and no LiDARs: add one under `cameras`"
            )
        self._tracker = PeopleTracker()
        self._newest_ns: int | None = None  # stamp of the newest fresh measurement
        self._heard_ns: int | None = None  # when it came, by `watch_ns`
        self._latency_ns = 0  # of that
        self._repeats: dict[str, int] = {}
        # The same network as the detectors': its words name the clothes of their embeddings.
        model = embedding_of(self)
        self._words = ClothingWords(model) if model else None
        self._people = self.publisher(TrackedPeople, "people")
        self._markers = self.publisher(MarkerArray, "people_markers")
        self._trails = Trails()
        moving = any(camera.pose is None for camera in self._site.cameras)
        transforms = listen(self) if moving else TransformBuffer()
        self._waiting: dict[str, WaitingRoom[Any]] = {}
        self._cameras = [
            CameraSource(camera, self._site.world_frame, transforms)
            for camera in self._site.cameras
        ]
        for camera in self._cameras:
            self._waiting[camera.name] = WaitingRoom(self.value("tf_wait"))
            on_boxes, on_info = partial(self._on_detections, camera), partial(self._on_info, camera)
            if self.value("vision_msgs"):
                found = message_class(vision.KIND, "")
                self.subscription(found, f"{camera.name}/detections_2d", on_boxes, SENSOR_QOS)
            else:
                topic = f"{camera.name}/detections"
                self.subscription(DetectionsMessage, topic, on_boxes, SENSOR_QOS)
            if camera.needs_info:
                self.subscription(CameraInfo, f"{camera.name}/camera_info", on_info, SENSOR_QOS)
        for lidar in self._site.lidars:
            on_people = partial(self._on_lidar_people, lidar.name)
            self.subscription(LidarPeopleMessage, f"{lidar.name}/people", on_people, SENSOR_QOS)
        if moving:
            self.timer(0.02, self._take_waiting)
        self.timer(WATCH_PERIOD, self._watch)
        if self.value("rate") > 0:
            self.timer(1.0 / self.value("rate"), self._publish_prediction)

    def time_went_back(self) -> None:
        self._tracker.reset("ROS time went back")
        self._newest_ns = self._heard_ns = None
        self._repeats.clear()
        for room in self._waiting.values():
            room.clear()

    def _on_info(self, camera: CameraSource, message: CameraInfo) -> None:
        try:
            camera.take_info(message)
        except TwinError as error:
            self.report(f"{camera.name} calibration", ERROR, str(error))
            return
        self.report(f"{camera.name} calibration", OK, "CameraInfo is understood")

    def _on_detections(self, camera: CameraSource, message: Any) -> None:
        if not self.active or self.is_left_over(stamp_ns(message.header.stamp)):
            return
        try:
            camera.check_sender(message.header.frame_id, stamp_ns(message.header.stamp))
        except TwinError as error:
            self.report(f"{camera.name} name", ERROR, str(error))
            return
        self._waiting[camera.name].add(message, self.watch_ns())
        self._take_waiting()

    def _on_lidar_people(self, name: str, message: LidarPeopleMessage) -> None:
        if not self.active or self.is_left_over(stamp_ns(message.header.stamp)):
            return
        if message.header.frame_id != self._site.world_frame:
            text = (
                f"people in frame {message.header.frame_id!r} come, expected the site's "
                f"{self._site.world_frame!r}: do both nodes run the same site?"
            )
            self.report(name, ERROR, text)
            return
        try:
            check_stamp(stamp_ns(message.header.stamp), f"LiDAR {name!r}")
        except TwinError as error:
            self.report(name, ERROR, str(error))
            return
        before = self._tracker.report
        measurements = replace(measurements_from_message(message), sensor=name)
        people = self._tracker.update_ground(measurements, self.now_ns())
        self._measured(name, before, people)

    def _take_waiting(self) -> None:
        for camera in self._cameras:
            if self.active:
                self._waiting[camera.name].serve(self.watch_ns(), partial(self._taken, camera))

    def _detections(self, camera: CameraSource, message: Any) -> Detections:
        """Of either topic."""
        if self.value("vision_msgs"):
            return detections_from_vision(
                message, camera.name, camera.image_size, self.value("vision_classes")
            )
        detections = detections_from_message(message, camera.name)
        camera.check_size(detections.image_size)
        return detections

    def _taken(self, camera: CameraSource, message: Any, last_try: bool) -> bool:
        """Whether a message is done with: measured, or given up and reported."""
        last_try = last_try or not camera.moves
        before = self._tracker.report
        kind = getattr(message, "detector", "vision_msgs")
        try:
            detections = self._detections(camera, message)
            model = camera.at(detections.stamp_ns, last_try)
            config = tracker_config(kind)
            people = self._tracker.update(detections, model, config, self.now_ns())
        except TwinError as error:
            if last_try:
                self.report(camera.name, ERROR, str(error))
            return last_try
        self._measured(camera.name, before, people)
        return True

    def _measured(self, sensor: str, before: TrackerReport, people: People) -> None:
        """Say what became of a sensor's measurement, and publish the people."""
        after = self._tracker.report
        if after.resets > before.resets:
            self.report("clock", WARN, f"tracks were dropped: {after.last_reset}")
        elif after.refused == before.refused:
            self.report("clock", OK, "time goes on")
        repeats = self._repeats.get(sensor, 0) + 1 if after.repeated > before.repeated else 0
        self._repeats[sensor] = repeats
        level, text = OK, "detections arrive"
        if refused := refusal(before, after):
            level, text = WARN, refused
        elif repeats >= FLOOD:
            level, text = WARN, "floods: the same stamp again, or over 250 measurements a second"
        elif self.is_old(people.stamp_ns):
            level, text = WARN, f"is late by {self.age_of(people.stamp_ns):.1f} s: not fresh"
        self.report(
            sensor,
            level,
            text,
            people=len(people),
            invalid_boxes=after.invalid_boxes,
            boxes_off_ground=after.boxes_off_ground,
            late=after.late,
            replayed=after.replayed,
            repeated=after.repeated,
            refused=after.refused,
            recognised=after.recognised,
        )
        if after.measurements == before.measurements:
            return
        if self.is_old(people.stamp_ns):
            late = self._message(people)
            late.stale = True
            self._publish(late, people.stamp_ns, self.now_ns() - people.stamp_ns)
            return
        self._newest_ns, self._heard_ns = people.stamp_ns, self.watch_ns()
        self._latency_ns = self.now_ns() - people.stamp_ns
        if self.value("rate") > 0:
            return
        self._publish(self._message(people), people.stamp_ns, age_ns=0)

    def _publish_prediction(self) -> None:
        """The people now, as predicted from the last measurements."""
        if not self.active or self._newest_ns is None or self._heard_ns is None:
            return
        since = self.watch_ns() - self._heard_ns
        if since > self.value("stale_after") * 1e9:
            return  # `_watch` speaks
        # Live stamps lie a little before the clock; those of a recording may be of another day.
        latency = self._latency_ns
        ahead = since + (latency if 0 <= latency < LONGEST_LATENCY_NS else 0)
        stamp = later(self._newest_ns, ahead)
        people = self._tracker.predict_to(stamp)
        self._publish(self._message(people), stamp, ahead)

    def _watch(self) -> None:
        if not self.active or self._newest_ns is None or self._heard_ns is None:
            return
        silence_ns = self.watch_ns() - self._heard_ns
        if silence_ns <= self.value("stale_after") * 1e9:
            return
        self.report("detections", STALE, f"no detections for {silence_ns * 1e-9:.1f} s")
        stamp = later(self._newest_ns, silence_ns)
        predicted = self._message(self._tracker.predict_to(stamp))
        predicted.stale = True
        self._publish(predicted, stamp, silence_ns)

    def _message(self, people: People) -> TrackedPeople:
        message = people_message(people, self._site.world_frame)
        if self._words is not None:
            for person, look in zip(message.people, people.look, strict=True):
                person.material = self._words.entry(look)
        return message

    def _publish(self, message: TrackedPeople, stamp: int, age_ns: int) -> None:
        if not message.stale:
            self.report("detections", OK, "detections arrive")
        message.age = age_ns * 1e-9
        message.latency = (self.now_ns() - stamp) * 1e-9
        self._people.publish(message)
        if self._markers.get_subscription_count():
            self._markers.publish(track_markers(message, self._trails))


def main() -> None:
    run(PeopleTrackerNode, "people_tracker")


if __name__ == "__main__":
    main()
