"""What a rosbag2 says of a site's sensors, as measurements for a tracker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.cameras.camera_models import (
    Intrinsics,
    fixed_camera,
    info_intrinsics,
    site_intrinsics,
)
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.perception.appearance.embedding import ImageTextModel, PersonEmbedder
from visrftwin_ros.perception.detection.detector import Detector, make_detector
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.lidar.static_scene import StaticScene
from visrftwin_ros.perception.tracking.detector_noise import tracker_config
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import NANOSECONDS, PeopleTracker
from visrftwin_ros.site.frames import Pose, TransformBuffer, lidar_pose
from visrftwin_ros.site.model import Camera, Lidar, Site

LOG = logging.getLogger(__name__)
TF_TOLERANCE = 0.1
FOREVER_NS = 10**18
Measurement = Callable[[PeopleTracker], People]
Handler = Callable[[Any], tuple[int, Measurement] | None]
"""What is done with a topic's messages."""


@dataclass(frozen=True)
class DetectorOptions:
    """What finds people in images.

    kind, weights, imgsz: as `make_detector` takes them. embeddings: the network that embeds them;
    None: colours of clothes.
    """

    kind: str = "auto"
    weights: str | Path = ""
    imgsz: int | None = None
    embeddings: ImageTextModel | None = None

    def embedder(self) -> PersonEmbedder | None:
        """A new one, for one camera."""
        return None if self.embeddings is None else PersonEmbedder(self.embeddings)


@dataclass
class _CameraStream:
    """One camera of the site in the bag: its lens, once known, its detector and who embeds."""

    camera: Camera
    lens: Intrinsics | None
    detector: Detector
    embedder: PersonEmbedder | None


class BagReader:
    """Turns a bag's messages into measurements. refused: what was left out, and why."""

    def __init__(
        self, site: Site, bag: Path, detector: DetectorOptions, progress: bool = True
    ) -> None:
        self.refused: set[str] = set()
        self._site, self._path, self._progress = site, bag, progress
        self._transforms = TransformBuffer(history_ns=FOREVER_NS)
        self._options = detector

    def measurements(self) -> Iterator[tuple[int, Measurement]]:
        """(stamp, what it does to a tracker) of every usable image and cloud, in the bag's order.

        Raises TwinError where the bag cannot be read.
        """
        with open_bag(self._path) as bag:
            yield from self._opened(bag)

    def _opened(self, bag: BagFile) -> Iterator[tuple[int, Measurement]]:
        self._read_transforms(bag)
        handlers = self._handlers(bag)
        connections = [c for c in bag.connections if c.topic.lstrip("/") in handlers]
        total = sum(connection.msgcount for connection in connections)
        messages = bag.messages(connections)
        bar = tqdm(messages, total=total, desc="tracking", unit="msg", disable=not self._progress)
        for connection, _, raw in bar:
            try:
                found = handlers[connection.topic.lstrip("/")](bag.decode(connection, raw))
            except TwinError as error:
                if str(error) not in self.refused:
                    self.refused.add(str(error))
                    LOG.warning("left out: %s", error)
                continue
            if found is not None:
                yield found

    def _read_transforms(self, bag: BagFile) -> None:
        """All of TF beforehand, so that a pose that was sent late is there."""
        wanted = [c for c in bag.connections if c.topic in ("/tf", "/tf_static")]
        for connection, _, raw in bag.messages(wanted):
            message = bag.decode(connection, raw)
            self._transforms.add(message, static=connection.topic == "/tf_static")

    def _handlers(self, bag: BagFile) -> dict[str, Handler]:
        """By topic, what is done with its messages; only for what the bag has."""
        there = {connection.topic.lstrip("/") for connection in bag.connections}
        handlers: dict[str, Handler] = {}
        for camera in self._site.cameras:
            topics = [f"{camera.name}/image_raw", f"{camera.name}/image_raw/compressed"]
            present = [topic for topic in topics if topic in there][:1]
            if not present:
                continue
            stream = self._stream(camera)
            handlers[present[0]] = partial(self._image, stream)
            info = f"{camera.name}/camera_info"
            if stream.lens is None and info in there:
                self._read_first_info(bag, stream, info)
                handlers[info] = partial(self._info, stream)
        for lidar in self._site.lidars:
            handlers.update(self._lidar_handler(lidar, there))
        return handlers

    def _stream(self, camera: Camera) -> _CameraStream:
        options, lens = self._options, site_intrinsics(camera)
        fixed = fixed_camera(camera) if camera.pose and lens else None
        chosen = make_detector(
            options.kind, options.weights, fixed, name=camera.name, imgsz=options.imgsz
        )
        return _CameraStream(camera, lens, chosen.detector, options.embedder())

    def _read_first_info(self, bag: BagFile, stream: _CameraStream, topic: str) -> None:
        """Beforehand: a camera's first image may come before its CameraInfo."""
        wanted = [c for c in bag.connections if c.topic.lstrip("/") == topic]
        for connection, _, raw in bag.messages(wanted):
            with suppress(TwinError):  # is left out, and named, when its turn comes
                self._info(stream, bag.decode(connection, raw))
            return

    def _info(self, stream: _CameraStream, message: Any) -> None:
        size = (int(message.width), int(message.height))
        matrix = np.array(message.k, dtype=np.float64).reshape(3, 3)
        distortion = np.array(message.d, dtype=np.float64)
        name, model = stream.camera.name, message.distortion_model
        stream.lens = info_intrinsics(name, model, size, matrix, distortion)

    def _image(self, stream: _CameraStream, message: Any) -> tuple[int, Measurement]:
        camera, stamp_ns = stream.camera, _stamp_ns(message)
        if stream.lens is None:
            raise TwinError(f"camera {camera.name!r}: no CameraInfo before its images")
        if camera.pose is not None:
            known = camera.model_copy(update=_lens_fields(stream.lens))
            model = fixed_camera(known)
        else:
            pose = self._pose(camera.optical_frame, stamp_ns)
            rotation = pose.rotation.inv().as_matrix()
            model = stream.lens.posed(camera.name, rotation, -rotation @ pose.position)
        try:
            image = image_from_message(message)
        except TwinError as error:
            raise TwinError(f"camera {camera.name!r}: {error}") from error
        found = stream.detector.detect(image, stamp_ns)
        if stream.embedder is not None and any(found.track_id):
            found = stream.embedder.embedded_detections(image, found)
        config = tracker_config(stream.detector.kind)
        return stamp_ns, lambda tracker: tracker.update(found, model, config)

    def _lidar_handler(self, lidar: Lidar, there: set[str]) -> dict[str, Handler]:
        topics = [f"{lidar.name}/{lidar.topic.lstrip('/')}", lidar.topic.lstrip("/")]
        topic = next((topic for topic in topics if topic in there), None)
        if topic is None:
            return {}
        config = LidarPeopleConfig(min_range=lidar.min_range, max_range=lidar.max_range)
        finder = LidarPeopleFinder(lidar.name, config, StaticScene.of_site(self._site))
        return {topic: partial(self._cloud, finder, lidar_pose(lidar))}

    def _cloud(
        self, finder: LidarPeopleFinder, fixed: Pose | None, message: Any
    ) -> tuple[int, Measurement]:
        cloud = cloud_from_message(message)
        pose = fixed
        if pose is None:
            pose_at = partial(self._pose, cloud.frame)
            pose = pose_at(cloud.stamp_ns)
            cloud = undistorted(cloud, pose_at)
        people = finder.find(cloud, pose.position, pose.rotation).people
        return people.stamp_ns, lambda tracker: tracker.update_ground(people)

    def _pose(self, frame: str, stamp_ns: int) -> Pose:
        return self._transforms.lookup(self._site.world_frame, frame, stamp_ns, TF_TOLERANCE)


def _lens_fields(lens: Intrinsics) -> dict[str, Any]:
    if lens.kind == "equirectangular":
        return {}
    fx, fy, cx, cy = (float(lens.matrix[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2)))
    fields = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, "model": lens.kind}
    return {**fields, "distortion": lens.distortion.tolist()}


def _stamp_ns(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)
