"""What a rosbag2 says of a site's sensors, as measurements for a tracker.

The sources of the nodes, fed in the order in which the bag's messages came and at those times.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.perception.appearance.embedding import ImageTextModel, PersonEmbedder
from visrftwin_ros.perception.detection.detector import Detector, make_detector
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.lidar_source import LidarSource
from visrftwin_ros.perception.sources.picture_watch import PictureWatch
from visrftwin_ros.perception.sources.vehicle_camera import VehicleCamera
from visrftwin_ros.perception.sources.waiting import WaitingRoom
from visrftwin_ros.perception.tracking.detector_noise import tracker_config
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.site.frames import TransformBuffer, fixed_frames
from visrftwin_ros.site.model import Camera, Lidar, Site

LOG = logging.getLogger(__name__)
Handler = Callable[[Any, int], None]
"""What is done with a topic's messages, and the times at which they came."""
END_NS = 2**62
"""After every message of a bag: nobody waits any longer."""


@dataclass(frozen=True)
class Measurement:
    """One measurement of `sensor`. stamp_ns: its time; came_ns: when the bag got it, both ROS time.
    take: what it does to a tracker of people. vehicles: what it says of those; None where nothing."""

    sensor: str
    stamp_ns: int
    came_ns: int
    take: Callable[[PeopleTracker], People]
    vehicles: VehicleMeasurements | None


@dataclass(frozen=True)
class DetectorOptions:
    """What finds people, and vehicles if those are looked for, in images and sweeps.

    kind, weights, imgsz, tiles: as `make_detector` takes them. embeddings: the network that embeds them;
    None: colours of clothes.
    """

    kind: str = "auto"
    weights: str | Path = ""
    imgsz: int | None = None
    tiles: int = 0
    embeddings: ImageTextModel | None = None
    vehicles: bool = False

    def embedder(self) -> PersonEmbedder | None:
        """A new one, for one camera."""
        return None if self.embeddings is None else PersonEmbedder(self.embeddings)


@dataclass(frozen=True)
class _CameraStream:
    """One camera of the site in the bag: its source, who looks at its pictures, who finds and embeds
    people, and what waits."""

    source: CameraSource
    watched: PictureWatch
    detector: Detector
    embedder: PersonEmbedder | None
    waiting: WaitingRoom[Detections]
    vehicles: VehicleCamera

    def detections(self, image: UInt8[np.ndarray, "h w 3"], stamp: int) -> Detections:
        """The people in an image, embedded where somebody does that."""
        found = self.detector.detect(image, stamp)
        if self.embedder is not None and any(found.track_id):
            found = self.embedder.embedded_detections(image, found)
        return found


@dataclass(frozen=True)
class _LidarStream:
    """One LiDAR of the site in the bag: its source, and what waits."""

    source: LidarSource
    waiting: WaitingRoom[PointCloud]


class BagReader:
    """Turns a bag's messages into measurements.

    refused: what was left out, and why. cameras: of the site, that have images in the bag; used:
    sensors of which a measurement came out.
    """

    def __init__(
        self, site: Site, bag: Path, detector: DetectorOptions, progress: bool = True
    ) -> None:
        self.refused: set[str] = set()
        self.cameras: set[str] = set()
        self.used: set[str] = set()
        self._site, self._path, self._progress = site, bag, progress
        self._transforms = TransformBuffer()
        for frame, pose in fixed_frames(site).items():
            self._transforms.fix(frame, site.world_frame, pose)
        self._options = detector
        self._cameras: list[_CameraStream] = []
        self._lidars: list[_LidarStream] = []
        self._ready: list[Measurement] = []

    def measurements(self) -> Iterator[Measurement]:
        """Every usable image and cloud, once its sensor's pose is known: in the order in which that
        came to be.

        Raises TwinError where the bag cannot be read.
        """
        with open_bag(self._path) as bag:
            yield from self._opened(bag)

    def leave_out(self, reason: str) -> None:
        """Notes and logs what cannot be used, once a reason."""
        if reason not in self.refused:
            self.refused.add(reason)
            LOG.warning("left out: %s", reason)

    def _opened(self, bag: BagFile) -> Iterator[Measurement]:
        handlers = self._handlers(bag)
        connections = [c for c in bag.connections if c.topic.lstrip("/") in handlers]
        total = sum(connection.msgcount for connection in connections)
        messages = bag.messages(connections)
        bar = tqdm(messages, total=total, desc="tracking", unit="msg", disable=not self._progress)
        for connection, came_ns, raw in bar:
            self._serve(came_ns)  # whose time is up does not hear of this message
            try:
                handlers[connection.topic.lstrip("/")](bag.decode(connection, raw), came_ns)
            except TwinError as error:
                self.leave_out(str(error))
            self._serve(came_ns)
            yield from self._taken_out()
        self._serve(END_NS)
        yield from self._taken_out()

    def _taken_out(self) -> list[Measurement]:
        ready, self._ready = self._ready, []
        return ready

    def _serve(self, now_ns: int) -> None:
        """Offers what waits to its source."""
        for camera in self._cameras:
            camera.waiting.serve(now_ns, partial(self._boxes_taken, camera, now_ns))
        for lidar in self._lidars:
            lidar.waiting.serve(now_ns, partial(self._cloud_taken, lidar, now_ns))

    def _handlers(self, bag: BagFile) -> dict[str, Handler]:
        """By topic, what is done with its messages; only for what the bag has."""
        there = {c.topic.lstrip("/") for c in bag.connections if c.msgcount}
        handlers: dict[str, Handler] = {
            "tf": lambda message, _: self._transforms.add(message, static=False),
            "tf_static": lambda message, _: self._transforms.add(message, static=True),
        }
        for camera in self._site.cameras:
            topics = [f"{camera.name}/image_raw", f"{camera.name}/image_raw/compressed"]
            present = [topic for topic in topics if topic in there][:1]
            if not present:
                continue
            stream = self._camera(camera)
            handlers[present[0]] = partial(self._on_image, stream)
            if stream.source.needs_info:
                handlers[f"{camera.name}/camera_info"] = partial(self._on_info, stream)
        for lidar in self._site.lidars:
            handlers.update(self._lidar(lidar, there))
        return handlers

    def _camera(self, camera: Camera) -> _CameraStream:
        options = self._options
        source = CameraSource(camera, self._site.world_frame, self._transforms)
        chosen = make_detector(
            options.kind,
            options.weights,
            source.fixed,
            name=camera.name,
            imgsz=options.imgsz,
            tiles=options.tiles,
            vehicles=options.vehicles,
        )
        # As the graph's table has it of recordings, whose pictures may be rendered and all the same.
        watched = PictureWatch(camera.name, longest_repeat=0.0)
        stream = _CameraStream(
            source,
            watched,
            chosen.detector,
            options.embedder(),
            WaitingRoom(),
            VehicleCamera(camera.name),
        )
        self.cameras.add(camera.name)
        self._cameras.append(stream)
        return stream

    def _lidar(self, lidar: Lidar, there: set[str]) -> dict[str, Handler]:
        absolute = lidar.topic.startswith("/")
        topic = lidar.topic[1:] if absolute else f"{lidar.name}/{lidar.topic}"
        if topic not in there:
            return {}
        vehicles = self._options.vehicles
        source = LidarSource(self._site, lidar.name, self._transforms, vehicles=vehicles)
        stream = _LidarStream(source, WaitingRoom())
        self._lidars.append(stream)
        return {topic: partial(self._on_cloud, stream)}

    def _on_info(self, stream: _CameraStream, message: Any, came_ns: int) -> None:
        stream.source.take_info(message)

    def _on_image(self, stream: _CameraStream, message: Any, came_ns: int) -> None:
        source, stamp = stream.source, stamp_ns(message.header.stamp)
        source.check_sender(message.header.frame_id, stamp)
        try:
            image = image_from_message(message)
        except TwinError as error:
            raise TwinError(f"camera {source.name!r}: {error}") from error
        source.check_size((image.shape[1], image.shape[0]))
        stream.watched.check(image, stamp)
        stream.waiting.add(stream.detections(image, stamp), came_ns)

    def _boxes_taken(
        self, stream: _CameraStream, now_ns: int, boxes: Detections, last_try: bool
    ) -> bool:
        """Whether an image's boxes are done with: measured, or given up and left out."""
        source = stream.source
        last_try = last_try or not source.moves
        try:
            model = source.at(boxes.stamp_ns, last_try)
        except TwinError as error:
            if last_try:
                self.leave_out(str(error))
            return last_try
        config = tracker_config(stream.detector.kind)
        vehicles = stream.vehicles.measured(boxes, model) if self._options.vehicles else None
        stamp = boxes.stamp_ns
        self._out(source.name, stamp, now_ns, lambda t: t.update(boxes, model, config), vehicles)
        return True

    def _on_cloud(self, stream: _LidarStream, message: Any, came_ns: int) -> None:
        try:
            cloud = cloud_from_message(message)
        except TwinError as error:
            raise TwinError(f"LiDAR {stream.source.name!r}: {error}") from error
        stream.waiting.add(cloud, came_ns)

    def _cloud_taken(
        self, stream: _LidarStream, now_ns: int, cloud: PointCloud, last_try: bool
    ) -> bool:
        """Whether a cloud is done with: searched, or given up and left out."""
        source = stream.source
        last_try = last_try or source.stands_for(cloud)
        try:
            found = source.swept(cloud, last_try).found
        except TwinError as error:
            if last_try:
                self.leave_out(str(error))
            return last_try
        people = found.people
        self._out(
            source.name, people.stamp_ns, now_ns, lambda t: t.update_ground(people), found.vehicles
        )
        return True

    def _out(
        self,
        sensor: str,
        stamp: int,
        now_ns: int,
        take: Callable[[PeopleTracker], People],
        vehicles: VehicleMeasurements | None,
    ) -> None:
        self.used.add(sensor)
        self._ready.append(Measurement(sensor, stamp, now_ns, take, vehicles))
