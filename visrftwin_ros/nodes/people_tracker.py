"""Follows people on the ground, in metres, from every camera's detections."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from visrftwin_ros.errors import TwinError
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.msg import TrackedPeople
from visrftwin_ros.nodes.conversions import detections_from_message, people_message
from visrftwin_ros.nodes.twin_node import (
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
from visrftwin_ros.perception.camera import PinholeCamera
from visrftwin_ros.perception.detector import tracker_config
from visrftwin_ros.perception.tracker import PeopleTracker


class PeopleTrackerNode(TwinNode):
    """Publishes at once on every measurement, and predictions while the sensors are silent."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter(
            "stale_after", 0.5, "Seconds without a measurement until people are stale", (0.05, 10.0)
        ),
    )

    def configure(self) -> None:
        self._site = self.site()
        if not self._site.cameras:
            raise TwinError(f"site {self._site.name!r} has no cameras: add one under `cameras`")
        self._tracker = PeopleTracker(tracker_config("yolo"))
        self._detector_kind = "yolo"
        self._newest_ns: int | None = None
        self._heard_ns: int | None = None
        self._people = self.publisher(TrackedPeople, "people")
        for camera in self._site.cameras:
            self.subscription(
                DetectionsMessage,
                f"{camera.name}/detections",
                partial(self._on_detections, PinholeCamera.from_site(camera)),
                SENSOR_QOS,
            )
        self.timer(0.2, self._watch)

    def _on_detections(self, camera: PinholeCamera, message: DetectionsMessage) -> None:
        if not self.active:
            return
        if message.detector != self._detector_kind:
            self._detector_kind = message.detector
            self._tracker.config = tracker_config(message.detector)
        detections = detections_from_message(message, camera)
        resets = self._tracker.report.resets
        try:
            people = self._tracker.update(detections, camera)
        except TwinError as error:
            self.report(camera.name, ERROR, str(error))
            return
        refused = self._tracker.report
        if refused.resets > resets:
            self.report("clock", WARN, f"tracks were dropped: {refused.last_reset}")
        else:
            self.report("clock", OK, "time goes on")
        self.report(
            camera.name,
            OK,
            "detections arrive",
            people=len(people),
            invalid_boxes=refused.invalid_boxes,
            boxes_off_ground=refused.boxes_off_ground,
            late=refused.late,
            replayed=refused.replayed,
            repeated=refused.repeated,
        )
        self._newest_ns, self._heard_ns = people.stamp_ns, self.now_ns()
        self._publish(people_message(people, self._site.world_frame), people.stamp_ns, age_ns=0)

    def _watch(self) -> None:
        if not self.active or self._newest_ns is None or self._heard_ns is None:
            return
        silence_ns = self.now_ns() - self._heard_ns
        if silence_ns <= self.value("stale_after") * 1e9:
            return
        self.report("detections", STALE, f"no detections for {silence_ns * 1e-9:.1f} s")
        stamp = self._newest_ns + silence_ns
        predicted = people_message(self._tracker.predict_to(stamp), self._site.world_frame)
        predicted.stale = True
        self._publish(predicted, stamp, silence_ns)

    def _publish(self, message: TrackedPeople, stamp: int, age_ns: int) -> None:
        if not message.stale:
            self.report("detections", OK, "detections arrive")
        message.age = age_ns * 1e-9
        message.latency = (self.now_ns() - stamp) * 1e-9
        self._people.publish(message)


def main() -> None:
    run(PeopleTrackerNode, "people_tracker")


if __name__ == "__main__":
    main()
