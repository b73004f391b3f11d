"""Shows the twin on a local web page and, if asked, records it: it only listens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from visrftwin_ros.cameras.camera_models import fixed_camera, site_intrinsics
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.geometry import vectors_from_messages
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.people import bodies_from_message, covariance_from_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import BeamDecisions, ChannelPaths, LinkChannels, LinkPaths, TrackedPeople
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.messages.path_kinds import path_kind
from visrftwin_ros.nodes.shared.parts import PREDICTORS_PARAMETER
from visrftwin_ros.nodes.shared.twin_node import (
    OK,
    SENSOR_QOS,
    SITE_PARAMETER,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.perception.measurements.body_boxes import bodies_on_image
from visrftwin_ros.viewing.rerun_view import SHOWN_SCORE, TwinView
from visrftwin_ros.viewing.tracks import Trails, covariance_ellipses


class TwinViewer(TwinNode):
    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("web_port", 9090, "Port of the web page; 0 = no page", (0, 65535)),
        NodeParameter("grpc_port", 9876, "Port that the page reads its data from", (1, 65535)),
        PREDICTORS_PARAMETER,
        NodeParameter("record", "", "Also write a Rerun recording (.rrd) to this path"),
        NodeParameter(
            "image_rate", 10.0, "Most images a second and camera", (0.1, 60.0), live=True
        ),
        NodeParameter(
            "paths_a_link", 8, "Paths drawn a link, strongest first", (1, 1000), live=True
        ),
        NodeParameter("memory", 128, "MiB of the past that the page can show", (16, 65536)),
    )

    def configure(self) -> None:
        site = self.site()
        record = self.value("record")
        self._view = TwinView(
            site,
            web_port=self.value("web_port"),
            grpc_port=self.value("grpc_port"),
            file=Path(record) if record else None,
            memory=self.value("memory"),
        )
        self._last_image_ns: dict[str, int] = {}
        self._trails = Trails()
        known = [camera for camera in site.cameras if camera.pose and site_intrinsics(camera)]
        self._fixed = [fixed_camera(camera) for camera in known]
        for camera in site.cameras:
            on_image = partial(self._on_image, camera.name)
            topic = f"{camera.name}/image_raw"
            self.subscription(Image, topic, on_image, SENSOR_QOS)
            self.subscription(CompressedImage, f"{topic}/compressed", on_image, SENSOR_QOS)
            on_boxes = partial(self._on_detections, camera.name)
            topic = f"{camera.name}/detections"
            self.subscription(DetectionsMessage, topic, on_boxes, SENSOR_QOS)
        self.subscription(TrackedPeople, "people", self._on_people)
        predictors = self.value(PREDICTORS_PARAMETER.name)
        self.subscription(LinkChannels, "channels", self._on_channels, publishers=predictors)
        self.subscription(ChannelPaths, "channel_paths", self._on_paths, publishers=predictors)
        self.subscription(BeamDecisions, "beams", self._on_beams)
        if self._view.url:
            self.get_logger().info(f"open {self._view.url}")
        self.report("page", OK, self._view.url or "no web page", record=record)

    def cleanup(self) -> None:
        if hasattr(self, "_view"):
            self._view.close()
            del self._view

    def _on_image(self, camera: str, message: Image | CompressedImage) -> None:
        stamp = stamp_ns(message.header.stamp)
        since = stamp - self._last_image_ns.get(camera, stamp - 10**12)
        if 0 <= since < 0.9e9 / self.value("image_rate"):
            return
        self._last_image_ns[camera] = stamp
        try:
            image = image_from_message(message, self.limits.pixels)
        except TwinError as error:
            self.report(camera, WARN, str(error))
            return
        self._view.at(stamp)
        self._view.log_image(camera, image)

    def _on_detections(self, camera: str, message: DetectionsMessage) -> None:
        shown = [d for d in message.detections if d.score >= SHOWN_SCORE]
        boxes = [[d.x, d.y, d.width, d.height] for d in shown]
        self._view.at(stamp_ns(message.header.stamp))
        labels = [f"{d.track_id} {d.score:.2f}".strip() for d in shown]
        self._view.log_detections(camera, np.array(boxes).reshape(-1, 4), labels)

    def _on_people(self, message: TrackedPeople) -> None:
        bodies = bodies_from_message(message)
        self._view.at(stamp_ns(message.header.stamp))
        self._view.log_people(bodies.ids, bodies.position, bodies.width, bodies.height)
        place = bodies.position[:, :2]
        doubt = covariance_from_message(message)[:, :2, :2]
        trails = self._trails.updated(stamp_ns(message.header.stamp), bodies.ids, place)
        self._view.log_tracks(list(covariance_ellipses(place, doubt)), trails)
        for camera in self._fixed:
            corners, shown = bodies_on_image(camera, place, bodies.height)
            names = [name for name, seen in zip(bodies.ids, shown, strict=True) if seen]
            self._view.log_tracks_on_image(camera.name, names, corners[shown])

    def _on_channels(self, message: LinkChannels) -> None:
        self._view.at(stamp_ns(message.header.stamp))
        for link in message.channels:
            if np.isfinite(link.shadow_loss_db) and not link.stale:
                self._view.log_shadow_loss(f"{link.tx}-{link.rx}", link.shadow_loss_db)

    def _on_paths(self, message: ChannelPaths) -> None:
        self._view.at(stamp_ns(message.header.stamp))
        most = self.value("paths_a_link")
        shown = [path for link in message.links for path in link.paths[:most]]
        strips = [vectors_from_messages(path.vertices) for path in shown]
        losses = [path.shadow_loss_db for path in shown]
        self._view.log_paths(strips, [path_kind(path) for path in shown], losses)
        robots = {link.rx: _receiver(link) for link in message.links if _has_end(link)}
        self._view.log_robots(list(robots), np.array(list(robots.values())).reshape(-1, 3))

    def _on_beams(self, message: BeamDecisions) -> None:
        self._view.at(stamp_ns(message.header.stamp))
        for beam in message.decisions:
            self._view.log_throughput(f"{beam.tx}-{beam.rx}", beam.throughput)


def _has_end(link: LinkPaths) -> bool:
    """Paths may come without their vertices."""
    return bool(link.paths and link.paths[0].vertices)


def _receiver(link: LinkPaths) -> list[float]:
    end = link.paths[0].vertices[-1]
    return [end.x, end.y, end.z]


def main() -> None:
    run(TwinViewer, "twin_viewer")


if __name__ == "__main__":
    main()
