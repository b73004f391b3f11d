"""Shows the twin on a local web page and, if asked, records it: it only listens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from nav_msgs.msg import OccupancyGrid
from sensor_msgs.msg import CompressedImage, Image

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.cameras.camera_models import fixed_camera, site_intrinsics
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.geometry import vectors_from_messages
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.people import bodies_from_message, covariance_from_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import (
    Association,
    BeamDecisions,
    ChannelPaths,
    FadeWarning,
    HandOver,
    LinkChannels,
    LinkPaths,
    ServiceWarning,
    ShadowForecasts,
    TrackedPeople,
)
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.messages.path_kinds import path_kind
from visrftwin_ros.nodes.messages.radio_map_messages import loss_of_grid
from visrftwin_ros.nodes.shared.parts import PREDICTORS_PARAMETER
from visrftwin_ros.nodes.shared.twin_node import (
    EACH_QOS,
    LATCHED_QOS,
    OK,
    SENSOR_QOS,
    SITE_PARAMETER,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.perception.measurements.body_boxes import bodies_on_image
from visrftwin_ros.viewing.lobes import lobe
from visrftwin_ros.viewing.rerun_view import SHOWN_SCORE, TwinView
from visrftwin_ros.viewing.tracks import Trails, covariance_ellipses
from visrftwin_ros.viewing.watch import NOTHING, Alert, Coming, Link, Watch, in_trouble

WRITTEN_NS = 500_000_000


class TwinViewer(TwinNode):
    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("web_port", 9090, "Port of the web page; 0 = no page", (0, 65535)),
        NodeParameter("grpc_port", 9876, "Port that the page reads its data from", (1, 65535)),
        PREDICTORS_PARAMETER,
        NodeParameter("record", "", "Also write a Rerun recording (.rrd) to this path"),
        NodeParameter("image_rate", 2.0, "Most images a second and camera", (0.1, 60.0), live=True),
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
        self._watch, self._written_ns = Watch(site), 0
        self._last_image_ns: dict[str, int] = {}
        self._trails = Trails()
        self._robots: dict[str, list[float]] = {}  # m, where each was last
        known = [camera for camera in site.cameras if camera.pose and site_intrinsics(camera)]
        self._access_points = {ap.name: ap for ap in site.access_points}
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
        self.subscription(
            ShadowForecasts, "shadow_forecast", self._on_forecasts, publishers=predictors
        )
        self.subscription(
            FadeWarning, "fade_warnings", self._on_warning, EACH_QOS, publishers=predictors
        )
        self.subscription(HandOver, "hand_overs", self._on_hand_over, EACH_QOS)
        self.subscription(ServiceWarning, "service_warnings", self._on_service_warning, EACH_QOS)
        self.subscription(Association, "associations", self._on_association, EACH_QOS)
        on_map = partial(self._on_radio_map, "")
        self.subscription(OccupancyGrid, "radio_map", on_map, LATCHED_QOS, predictors)
        for robot in site.robots:
            on_map = partial(self._on_radio_map, robot.name)
            topic = f"{robot.name}/radio_map"
            self.subscription(OccupancyGrid, topic, on_map, publishers=predictors)
        if self._view.url:
            self.get_logger().info(f"open {self._view.url}")
        self.report("page", OK, self._view.url or "no web page", record=record)

    def time_went_back(self) -> None:
        self._watch, self._written_ns = Watch(self._watch.site), 0

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
        losses = {}
        for link in message.channels:
            ends = link.tx, link.rx
            if np.isfinite(link.shadow_loss_db) and not link.stale:
                losses[self._curve(ends)] = link.shadow_loss_db
            self._watch.hear_channel(ends, link.shadow_loss_db, link.stale, link.reason)
        self._view.log_shadow_losses(losses)
        self._write_watch()

    def _curve(self, link: Link) -> str:
        return self._view.curve(*link, serves=self._watch.serves(link))

    def _on_forecasts(self, message: ShadowForecasts) -> None:
        for link in message.forecasts:
            columns = (link.horizon, link.shadow_loss_db, link.shadow_loss_upper_db)
            coming = NOTHING if message.stale else Coming(*(np.array(c, float) for c in columns))
            self._watch.hear_coming((link.tx, link.rx), coming)

    def _on_warning(self, message: FadeWarning) -> None:
        text = f"{message.tx} to {message.rx} fades ({message.probability:.0%} probable)"
        begins, ends = stamp_ns(message.begins), stamp_ns(message.ends)
        self._watch.hear_alert(Alert(begins, ends, text, (message.tx, message.rx)))

    def _on_hand_over(self, message: HandOver) -> None:
        at = stamp_ns(message.at)
        what = f"hand over from {message.from_ap} to" if message.from_ap else "add"
        text = (
            f"{message.robot}: {what} **{message.to_ap}** "
            f"(+{message.expected_gain * 1e-9:.2f} Gbit/s, {message.confidence:.0%}): {message.reason}"
        )
        self._watch.hear_alert(Alert(at, at, text))
        if message.from_ap:
            self._watch.hear_advice(message.robot, at, message.to_ap)

    def _on_service_warning(self, message: ServiceWarning) -> None:
        begins, ends = stamp_ns(message.begins), stamp_ns(message.ends)
        what = {message.SLOW_DOWN: ": **slow down**", message.REROUTE: ": **go another way**"}
        text = f"{message.robot}{what.get(message.advice, '')}: {message.reason}"
        self._watch.hear_alert(Alert(begins, ends, text))

    def _on_association(self, message: Association) -> None:
        self._watch.hear_serving(message.robot, message.ap, reported=True)

    def _on_radio_map(self, robot: str, message: OccupancyGrid) -> None:
        world, frame = self._watch.site.world_frame, message.header.frame_id
        if frame != world:
            self.report("radio map", WARN, f"left out: in frame {frame!r}, expected {world!r}")
            return
        self.report("radio map", OK, "maps are in the world's frame")
        at, stamp = message.info.origin.position, stamp_ns(message.header.stamp)
        origin, cell = np.array([at.x, at.y]), message.info.resolution
        self._view.at(stamp)
        self._view.log_radio_map(robot, loss_of_grid(message), origin, cell, stamp)

    def _write_watch(self) -> None:
        """Twice a second: nobody reads faster."""
        now = self.now_ns()
        if 0 <= now - self._written_ns < WRITTEN_NS:
            return
        self._written_ns = now
        self._view.log_watch(self._watch.text(now))
        self._view.log_coming(in_trouble(self._watch))
        self._draw_robots()
        outlines = []
        for (tx, _), state in self._watch.links.items():
            ap = self._access_points[tx]
            if state.serves and 0 <= state.beam < ap.array.rows * ap.array.columns:
                mount = Mount(ap.array, ap.yaw, ap.pitch)
                outlines.append(np.array(ap.position) + lobe(mount, state.beam))
        self._view.log_lobes(outlines)

    def _on_paths(self, message: ChannelPaths) -> None:
        self._view.at(stamp_ns(message.header.stamp))
        most = self.value("paths_a_link")
        # Of many links only those that serve: hundreds of lines would hide each other.
        drawn = [
            link
            for link in message.links
            if not self._view.by_robot or self._watch.serves((link.tx, link.rx))
        ]
        shown = [path for link in drawn for path in link.paths[:most]]
        strips = [vectors_from_messages(path.vertices) for path in shown]
        losses = [path.shadow_loss_db for path in shown]
        self._view.log_paths(strips, [path_kind(path) for path in shown], losses)
        known = [link for link in message.links if link.rx in self._watch.outage]
        self._robots |= {link.rx: _receiver(link) for link in known if _has_end(link)}
        self._draw_robots()

    def _draw_robots(self) -> None:
        places = np.array(list(self._robots.values())).reshape(-1, 3)
        losses = [self._watch.loss_of(name) for name in self._robots]
        self._view.log_robots(list(self._robots), places, losses)

    def _on_beams(self, message: BeamDecisions) -> None:
        stamp = stamp_ns(message.header.stamp)
        self._view.at(stamp)
        beams, rates = {}, {}
        for beam in message.decisions:
            ends = beam.tx, beam.rx
            rates[self._curve(ends)] = beam.throughput
            beams[ends] = beam.throughput, beam.snr_db, beam.tx_beam
        self._view.log_throughputs(rates)
        self._watch.hear_beams(stamp, beams, message.stale)


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
