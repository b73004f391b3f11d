"""Finds people in one camera's images; only boxes leave this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sensor_msgs.msg import CompressedImage, Image

from visrftwin_ros.errors import TwinError
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.conversions import detections_message, image_to_bgr, stamp_ns
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
from visrftwin_ros.perception.camera_models import fixed_camera, site_intrinsics
from visrftwin_ros.perception.detector import make_detector

SILENT_AFTER = 1.0


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
        NodeParameter("confidence", 0.1, "Least score of a detection", (0.01, 1.0)),
        NodeParameter("threads", 2, "CPU threads of the network", (1, 64)),
        NodeParameter("compressed", False, "Take image_raw/compressed instead of image_raw"),
    )

    def configure(self) -> None:
        camera = self.site_camera()
        self._size = (camera.image_width, camera.image_height)
        chosen = make_detector(
            self.value("detector"),
            self.value("weights"),
            fixed_camera(camera) if camera.pose and site_intrinsics(camera) else None,
            name=camera.name,
            imgsz=self.value("image_size") or None,
            confidence=self.value("confidence"),
            threads=self.value("threads"),
        )
        self._detector = chosen.detector
        level, text = (
            (WARN, chosen.warning) if chosen.warning else (OK, f"{self._detector.kind} is ready")
        )
        self.report("detector", level, text)
        self._last_image_ns: int | None = None
        self._detections = self.publisher(DetectionsMessage, "detections", SENSOR_QOS)
        compressed = self.value("compressed")
        kind, topic = (
            (CompressedImage, "image_raw/compressed") if compressed else (Image, "image_raw")
        )
        self.subscription(kind, topic, self._on_image, SENSOR_QOS)
        self.timer(0.5, self._watch)

    def _on_image(self, message: Image | CompressedImage) -> None:
        if not self.active:
            return
        self._last_image_ns = self.now_ns()
        stamp = stamp_ns(message.header.stamp)
        try:
            image = image_to_bgr(message)
            if image.shape[1::-1] != self._size:
                raise TwinError(
                    f"images of {image.shape[1]} x {image.shape[0]} px come, but the calibration is for "
                    f"{self._size[0]} x {self._size[1]}: recalibrate, or set the camera to that size"
                )
            found = self._detector.detect(image, stamp)
        except TwinError as error:
            self.report("images", ERROR, str(error))
            return
        answer = detections_message(found, self._detector.kind)
        answer.header = message.header
        answer.latency = (self.now_ns() - stamp) * 1e-9
        self._detections.publish(answer)
        self.report("images", OK, "images arrive", people=len(found))

    def _watch(self) -> None:
        if not self.active:
            return
        silent = (
            self._last_image_ns is None or self.now_ns() - self._last_image_ns > SILENT_AFTER * 1e9
        )
        if silent:
            self.report(
                "images", STALE, "no image arrives: is the camera running and the topic right?"
            )


def main() -> None:
    run(PeopleDetector, "people_detector")


if __name__ == "__main__":
    main()
