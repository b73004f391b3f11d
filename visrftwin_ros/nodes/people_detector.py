"""Finds people, and vehicles, in one camera's images; only boxes leave this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sensor_msgs.msg import CompressedImage, Image

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.images import image_from_message, image_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.messages.conversions import detections_message, vision_from_detections
from visrftwin_ros.nodes.messages.message_types import installed_class, made
from visrftwin_ros.nodes.shared.embedding_parameters import EMBEDDING_PARAMETERS, embedding_of
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
from visrftwin_ros.perception.appearance.embedding import PersonEmbedder
from visrftwin_ros.perception.detection.detector import make_detector
from visrftwin_ros.perception.detection.picture_tiles import MOST_TILES
from visrftwin_ros.perception.measurements.detections import PERSON
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.picture_watch import LONGEST_REPEAT, PictureWatch
from visrftwin_ros.site.frames import TransformBuffer
from visrftwin_ros.viewing.boxes import with_boxes

SILENT_AFTER = 1.0
LONGEST_STOP_NS = 5_000_000_000
"""A camera that was silent for longer had stopped; it dropped nothing."""


class PeopleDetector(TwinNode):
    """Always works on the newest image; those that came meanwhile are dropped by the queue."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("camera", "", "Name of the site's camera (may be empty if it has one)"),
        NodeParameter(
            "detector",
            "auto",
            "yolo, motion (background subtraction, needs no weights), or auto: yolo where weights "
            "are to be had, else motion with a warning",
        ),
        NodeParameter(
            "weights", "", "What ultralytics loads: a .pt, .onnx, an OpenVINO export folder, ..."
        ),
        NodeParameter("image_size", 0, "Network input, px; 0 = what the weights say", (0, 4096)),
        NodeParameter(
            "tiles",
            0,
            "Parts of a large picture that are looked at closer, at most, where people are too small",
            (0, MOST_TILES),
        ),
        NodeParameter("confidence", 0.1, "Least score of a detection", (0.01, 1.0)),
        NodeParameter("threads", 2, "CPU threads of the network", (1, 64)),
        NodeParameter("box_tracker", "bytetrack", "bytetrack, or botsort for a moving camera"),
        NodeParameter("compressed", False, "Take image_raw/compressed instead of image_raw"),
        NodeParameter(
            "longest_repeat",
            LONGEST_REPEAT,
            "Seconds for which pictures may all be the same; 0 = for ever, as in renderings",
            (0.0, 60.0),
        ),
        NodeParameter("vehicles", False, "Whether vehicles are reported that the network knows"),
        *EMBEDDING_PARAMETERS,
        NodeParameter("embedding_rate", 5.0, "People embedded a second", (0.1, 100.0)),
    )

    def configure(self) -> None:
        camera = self.site_camera()
        self._watched = PictureWatch(camera.name, self.value("longest_repeat"))
        self._source = CameraSource(camera, self.site().world_frame, TransformBuffer())
        chosen = make_detector(
            self.value("detector"),
            self.value("weights"),
            self._source.fixed,
            name=camera.name,
            imgsz=self.value("image_size") or None,
            confidence=self.value("confidence"),
            threads=self.value("threads"),
            box_tracker=self.value("box_tracker"),
            vehicles=self.value("vehicles"),
            tiles=self.value("tiles"),
        )
        self._detector = chosen.detector
        ready = "; ".join(filter(None, (f"{self._detector.kind} is ready", self._detector.sees)))
        level, text = (WARN, chosen.warning) if chosen.warning else (OK, ready)
        self.report("detector", level, text)
        if self.value("vehicles"):
            known = ", ".join(self._detector.vehicles)
            level, text = OK, f"knows {known}"
            if not known:
                level, text = (
                    WARN,
                    f"no vehicles: the {self._detector.kind} detector knows none of them",
                )
            self.report("vehicles", level, text)
        model = embedding_of(self)
        self._embedder = PersonEmbedder(model, self.value("embedding_rate")) if model else None
        self._period_ns = round(1e9 / camera.frame_rate)
        self._newest_stamp_ns: int | None = None
        self._dropped = 0
        self._last_image_ns: int | None = None
        self._detections = self.publisher(DetectionsMessage, "detections", SENSOR_QOS)
        vision = installed_class("vision_msgs/Detection2DArray")
        self._vision = vision and self.publisher(vision, "detections_2d", SENSOR_QOS)
        kind, topic = Image, "image_raw"
        if self.value(
            "compressed"
        ):  # beside what image_raw is remapped to, as image_transport has it
            kind, topic = CompressedImage, f"{self.resolve_topic_name(topic)}/compressed"
        self._debug = self.publisher(Image, "debug_image", SENSOR_QOS)
        self.subscription(kind, topic, self._on_image, SENSOR_QOS)
        self.timer(0.5, self._watch)

    def time_went_back(self) -> None:
        self._last_image_ns = self._newest_stamp_ns = None
        self._watched.reset()

    def _on_image(self, message: Image | CompressedImage) -> None:
        if not self.active:
            return
        self._last_image_ns = self.watch_ns()
        stamp = stamp_ns(message.header.stamp)
        self._count_dropped(stamp)
        try:
            self._source.check_sender(message.header.frame_id, stamp)
        except TwinError as error:
            self.report("name", ERROR, str(error))
            return
        try:
            image = image_from_message(message, self.limits.pixels)
            self._source.check_size((image.shape[1], image.shape[0]))
            if not self._watched.check(image, stamp):
                return  # what is seen in it again is as old as the first of its kind
            found = self._detector.detect(image, stamp)
            if self._embedder is not None and any(found.track_id):
                found = self._embedder.embedded_detections(image, found)
        except TwinError as error:
            self.report("images", ERROR, str(error))
            return
        answer = detections_message(found, self._detector.kind)
        answer.header = message.header
        answer.latency = (self.now_ns() - stamp) * 1e-9
        self._detections.publish(answer)
        if self._vision and self._vision.get_subscription_count():
            self._vision.publish(vision_from_detections(found, message.header.frame_id))
        if self._debug.get_subscription_count():
            frame = message.header.frame_id
            self._debug.publish(image_message(made, with_boxes(image, found), stamp, frame))
        embedded = 0 if self._embedder is None else self._embedder.embedded
        late = f"images are {self.age_of(stamp):.1f} s old when they come"
        level, text = (WARN, late) if self.is_old(stamp) else (OK, "images arrive")
        self.report(
            "images",
            level,
            text,
            people=found.kind.count(PERSON),
            dropped=self._dropped,
            embedded=embedded,
        )

    def _count_dropped(self, stamp: int) -> None:
        """Images between this one and the last, by the site's frame rate: lost, or not waited for."""
        before, self._newest_stamp_ns = self._newest_stamp_ns, stamp
        if before is not None and 0 < stamp - before < LONGEST_STOP_NS:
            self._dropped += max(round((stamp - before) / self._period_ns) - 1, 0)

    def _watch(self) -> None:
        if not self.active:
            return
        silent = (
            self._last_image_ns is None
            or self.watch_ns() - self._last_image_ns > SILENT_AFTER * 1e9
        )
        if silent:
            self.report(
                "images", STALE, "no image arrives: is the camera running and the topic right?"
            )


def main() -> None:
    run(PeopleDetector, "people_detector")


if __name__ == "__main__":
    main()
