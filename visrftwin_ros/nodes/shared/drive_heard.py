"""The sweeps and pictures of a drive, as a node hears them, with the place of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.drive_folder import DriveFolder
from visrftwin_ros.mapping.sweeps import TF_TOLERANCE, placed_sweep
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.messages.stamps import check_stamp, stamp_ns
from visrftwin_ros.nodes.shared.twin_node import OK, SENSOR_QOS, STALE, WARN, TwinNode
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.waiting import WaitingRoom
from visrftwin_ros.site.frames import TransformBuffer
from visrftwin_ros.site.model import Camera, Lidar, Site
from visrftwin_ros.vision.posed_pictures import PosedPicture

SILENT_AFTER = 3.0
"""s without a cloud before it is told."""


@dataclass(frozen=True)
class DriveSettings:
    """period, picture_period: s between what is taken of a sensor. farthest: m of a return. tf_wait: s that a
    sweep or picture waits for its TF. compressed: cameras whose image_raw/compressed is heard."""

    period: float
    picture_period: float
    farthest: float
    tf_wait: float
    compressed: frozenset[str]


class _Eye:
    """One camera: its checks and lens, and the pictures that wait for their pose."""

    def __init__(self, source: CameraSource, wait: float) -> None:
        self.source = source
        self.waiting: WaitingRoom[tuple[int, Any]] = WaitingRoom(wait)


class DriveHeard:
    """Fills a DriveFolder, while there is one, with what comes of one LiDAR and some cameras of a site."""

    def __init__(
        self,
        node: TwinNode,
        site: Site,
        lidar: Lidar | None,
        cameras: tuple[Camera, ...],
        transforms: TransformBuffer,
        settings: DriveSettings,
    ) -> None:
        self._node, self._world, self._transforms = node, site.world_frame, transforms
        self._settings = settings
        self._drive: DriveFolder | None = None
        self._taken_ns: dict[str, int] = {}  # when a sensor last was, by watch_ns
        self._begun_ns = 0
        self.left_out = ""
        """Why the last sweep was."""
        self.topic = ""
        """Of the clouds; "" where the site has no LiDAR."""
        self._clouds: WaitingRoom[PointCloud] = WaitingRoom(settings.tf_wait)
        self._eyes: list[_Eye] = []
        if lidar is not None:
            absolute = lidar.topic.startswith("/")
            self.topic = lidar.topic if absolute else f"{lidar.name}/{lidar.topic}"
            node.subscription(PointCloud2, self.topic, self._on_cloud, SENSOR_QOS)
        for camera in cameras:
            self._hear(camera)

    def _hear(self, camera: Camera) -> None:
        source = CameraSource(camera, self._world, self._transforms)
        eye = _Eye(source, self._settings.tf_wait)
        self._eyes.append(eye)
        compressed = camera.name in self._settings.compressed
        kind, end = (CompressedImage, "/compressed") if compressed else (Image, "")
        topic = f"{camera.name}/image_raw{end}"
        self._node.subscription(kind, topic, partial(self._on_image, eye), SENSOR_QOS)
        if source.needs_info:
            on_info = partial(self._on_info, source)
            self._node.subscription(CameraInfo, f"{camera.name}/camera_info", on_info, SENSOR_QOS)

    def begin(self, drive: DriveFolder) -> None:
        """From now on what comes goes there."""
        self._drive, self.left_out, self._begun_ns = drive, "", self._node.watch_ns()
        self._taken_ns.clear()

    def end(self) -> None:
        """Nothing is kept any more."""
        self._drive = None
        self.forget()

    def forget(self) -> None:
        """What waits for its TF."""
        self._clouds.clear()
        for eye in self._eyes:
            eye.waiting.clear()

    def serve(self) -> None:
        """What waits, as far as TF has come; tells of a LiDAR that says nothing."""
        now = self._node.watch_ns()
        self._clouds.serve(now, self._taken_cloud)
        for eye in self._eyes:
            eye.waiting.serve(now, partial(self._taken_picture, eye))
        silence_ns = now - self._taken_ns.get(self.topic, self._begun_ns)
        if self._drive is not None and silence_ns > (SILENT_AFTER + self._settings.period) * 1e9:
            text = f"no cloud arrives on {self.topic}: is the LiDAR running and the topic right?"
            self._node.report("clouds", STALE, text)

    def _due(self, sensor: str, period: float) -> bool:
        """Whether a drive is heard, and this sensor was not just now; then it is."""
        now, before = self._node.watch_ns(), self._taken_ns.get(sensor)
        if self._drive is None or (before is not None and 0 <= now - before < period * 1e9):
            return False
        self._taken_ns[sensor] = now
        return True

    def _on_cloud(self, message: PointCloud2) -> None:
        if not self._due(self.topic, self._settings.period):
            return
        try:
            cloud = cloud_from_message(message, self._node.limits.points)
            check_stamp(cloud.stamp_ns, "the LiDAR")
        except TwinError as error:
            self._leave_out("clouds", error)
            return
        self._clouds.add(cloud, self._node.watch_ns())
        self.serve()

    def _on_info(self, source: CameraSource, message: CameraInfo) -> None:
        try:
            source.take_info(message)
        except TwinError as error:
            self._leave_out(f"camera {source.name}", error)

    def _on_image(self, eye: _Eye, message: Image | CompressedImage) -> None:
        if not self._due(eye.source.name, self._settings.picture_period):
            return
        stamp = stamp_ns(message.header.stamp)
        try:
            eye.source.check_sender(message.header.frame_id, stamp)
        except TwinError as error:
            self._leave_out(f"camera {eye.source.name}", error)
            return
        eye.waiting.add((stamp, message), self._node.watch_ns())
        self.serve()

    def _taken_cloud(self, cloud: PointCloud, last_try: bool) -> bool:
        """Whether a cloud is done with."""
        if self._drive is None:
            return True
        tolerance = TF_TOLERANCE if last_try else 0.0
        farthest = self._settings.farthest
        try:
            view = placed_sweep(cloud, self._transforms, self._world, farthest, tolerance)
        except TwinError as error:
            if last_try:
                self._leave_out("clouds", error)
            return last_try
        try:
            self._drive.add_sweep(view)
        except OSError as error:  # as where the disk is full
            self._leave_out("clouds", error)
            return True
        self._node.report("clouds", OK, "clouds are taken", sweeps=self._drive.sweeps)
        return True

    def _taken_picture(self, eye: _Eye, waiting: tuple[int, Any], last_try: bool) -> bool:
        """Whether a picture is done with."""
        (stamp, message), source = waiting, eye.source
        if self._drive is None:
            return True
        try:
            camera = source.at(stamp, last_try)
        except TwinError as error:
            if last_try:
                self._leave_out(f"camera {source.name}", error)
            return last_try
        try:
            bgr = image_from_message(message, self._node.limits.pixels)
            source.check_size((bgr.shape[1], bgr.shape[0]))
            self._drive.add_picture(PosedPicture(f"{source.name} {stamp}", camera, bgr))
        except (TwinError, OSError) as error:
            self._leave_out(f"camera {source.name}", error)
            return True
        self._node.report(f"camera {source.name}", OK, "pictures are taken")
        return True

    def _leave_out(self, subject: str, error: TwinError | OSError) -> None:
        if subject == "clouds":
            self.left_out = str(error)
        self._node.report(subject, WARN, f"left out: {error}")
