"""Writes a campaign as a rosbag2 folder (MCAP); `docs/CAMPAIGN.md` says what is in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial.transform import Rotation

from visrftwin_ros.bags import topics
from visrftwin_ros.bags.bag_types import campaign_typestore, made
from visrftwin_ros.bags.completeness import BAG, COMPLETE, STOPPED_BY
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.campaign import campaign_messages as messages
from visrftwin_ros.campaign.snapshot import LidarCloud, Snapshot, TrueChannel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.interrupts import uninterrupted
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.messages.boxes import boxes_message
from visrftwin_ros.messages.camera_info import camera_info_message
from visrftwin_ros.messages.clouds import cloud_message
from visrftwin_ros.messages.geometry import odometry_message, transform_message
from visrftwin_ros.messages.images import compressed_image_message
from visrftwin_ros.messages.people import people_message
from visrftwin_ros.outputs import make_room
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Camera

if TYPE_CHECKING:
    from rosbags.interfaces import Connection


class CampaignWriter:
    """A context manager; what was recorded when an exception or Ctrl-C ends it is kept and marked.

    facts: what the `campaign` topic says (docs/CAMPAIGN.md). Refuses a path that exists, unless
    `force` is set and a bag is there, which it replaces. compress: MCAP chunks with zstd. Stamps
    are ROS time in nanoseconds and may come in any order; positions are metres in the world frame.
    """

    def __init__(
        self, path: Path, facts: Mapping[str, Any], *, force: bool = False, compress: bool = False
    ) -> None:
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

        path = Path(path)
        self._path, self._facts = path, messages.text(facts)
        make_room(path, BAG, force)
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        if compress:
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._connections: dict[str, Connection] = {}
        self._static: dict[str, Any] = {}
        self._without_stamp: list[tuple[str, str, Any]] = []
        self._first_stamp: int | None = None

    def __enter__(self) -> Self:
        self._writer.open()
        self._write_once(topics.FACTS, "std_msgs/msg/String", self._facts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted():
            self._finish(kind, error)

    def _finish(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        if kind is not None:
            reason = "Ctrl-C" if kind is KeyboardInterrupt else f"{kind.__name__}: {error}"
            self._writer.set_custom_data(STOPPED_BY, reason)
            if error is not None:
                error.add_note(f"what was recorded until then is in {self._path}, not complete")
        self._writer.set_custom_data(COMPLETE, "true" if kind is None else "false")
        if self._first_stamp is None:
            self._write_waiting(0)
        self._writer.close()

    def snapshot(self, snapshot: Snapshot, frame_id: str) -> None:
        message = messages.snapshot_message(snapshot, frame_id)
        self._write(topics.SNAPSHOTS, snapshot.stamp_ns, message)

    def image(
        self,
        camera: str,
        stamp_ns: int,
        frame_id: str,
        bgr: UInt8[np.ndarray, "h w 3"],
        quality: int = 90,
    ) -> None:
        """As JPEG of this quality (0 to 100)."""
        done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise TwinError(f"camera {camera!r}: an image {bgr.shape} cannot be written as JPEG")
        data = np.asarray(jpeg, np.uint8).reshape(-1)
        message = compressed_image_message(made, data, stamp_ns, frame_id)
        self._write(f"/{camera}/image_raw/compressed", stamp_ns, message)

    def camera_info(self, camera: Camera, stamp_ns: int, frame_id: str) -> None:
        message = camera_info_message(made, camera, stamp_ns, frame_id)
        self._write(f"/{camera.name}/camera_info", stamp_ns, message)

    def cloud(
        self, lidar: str, topic: str, stamp_ns: int, frame_id: str, cloud: LidarCloud
    ) -> None:
        """`topic` as in the site: under the LiDAR's name, or absolute with a leading slash."""
        name = topic if topic.startswith("/") else f"/{lidar}/{topic}"
        message = cloud_message(made, stamp_ns, frame_id, **vars(cloud))
        self._write(name, stamp_ns, message)

    def transform(
        self,
        stamp_ns: int,
        parent: str,
        child: str,
        translation: Float[np.ndarray, " 3"],
        quaternion_xyzw: Float[np.ndarray, " 4"],
        static: bool = False,
    ) -> None:
        """Of `child` in `parent`. A static one is repeated with all that came before: latched, only
        the last message reaches late subscribers."""
        pose = Pose(np.asarray(translation), _rotation(quaternion_xyzw))
        found = transform_message(made, parent, child, stamp_ns, pose)
        if static:
            self._static[child] = found
        transforms = list(self._static.values()) if static else [found]
        message = made("tf2_msgs/TFMessage", transforms=transforms)
        self._write(topics.TF_STATIC if static else topics.TF, stamp_ns, message)

    def odometry(
        self,
        robot: str,
        stamp_ns: int,
        world_frame: str,
        position: Float[np.ndarray, " 3"],
        yaw: float,
        velocity: Float[np.ndarray, " 3"],
        yaw_rate: float,
    ) -> None:
        """Of `<robot>/base_link`; velocity in m/s along the world's axes, yaw rate in rad/s."""
        message = odometry_message(
            made, stamp_ns, world_frame, robot, position, yaw, velocity, yaw_rate
        )
        self._write(f"/{robot}/odom", stamp_ns, message)

    def truth_people(self, stamp_ns: int, frame_id: str, bodies: Bodies) -> None:
        message = people_message(made, stamp_ns, frame_id, bodies)
        self._write(topics.TRUE_PEOPLE, stamp_ns, message)

    def boxes(
        self,
        stamp_ns: int,
        frame_id: str,
        boxes: Bodies,
        kinds: Sequence[str] = (),
        **doubts: Any,
    ) -> None:
        """What a tracker of boxes says; kinds: class names of COCO; doubts: as `boxes_message` takes
        them."""
        message = boxes_message(made, stamp_ns, frame_id, boxes, kinds=kinds, **doubts)
        self._write(topics.BOXES, stamp_ns, message)

    def truth_channels(self, stamp_ns: int, frame_id: str, channels: Sequence[TrueChannel]) -> None:
        message = messages.true_channels_message(stamp_ns, frame_id, channels)
        self._write(topics.TRUE_CHANNELS, stamp_ns, message)
        message = messages.true_paths_message(stamp_ns, frame_id, channels)
        self._write(topics.TRUE_PATHS, stamp_ns, message)

    def truth_materials(self, values: Mapping[str, MaterialValues]) -> None:
        """By surface of the site."""
        message = messages.materials_message(values)
        self._write_once(topics.TRUE_MATERIALS, "std_msgs/msg/String", message)

    def _write_once(self, topic: str, kind: str, message: Any) -> None:
        """What has no stamp gets that of the first message which has one."""
        if self._first_stamp is None:
            self._without_stamp.append((topic, kind, message))
        else:
            self._store(topic, kind, self._first_stamp, message)

    def _write(self, topic: str, stamp_ns: int, message: Any) -> None:
        if self._first_stamp is None:
            self._write_waiting(stamp_ns)
        self._store(topic, message.__msgtype__, stamp_ns, message)

    def _write_waiting(self, stamp_ns: int) -> None:
        self._first_stamp = stamp_ns
        for topic, kind, message in self._without_stamp:
            self._store(topic, kind, stamp_ns, message)
        self._without_stamp.clear()

    def _store(self, topic: str, kind: str, stamp_ns: int, message: Any) -> None:
        store = campaign_typestore()
        connection = self._connections.get(topic)
        if connection is None:
            connection = self._writer.add_connection(
                topic,
                kind,
                typestore=store,
                offered_qos_profiles=[topics.offered_qos(topic, kind)],
            )
            self._connections[topic] = connection
        data = store.serialize_cdr(message, kind)
        with uninterrupted():
            self._writer.write(connection, int(stamp_ns), data)


def _rotation(xyzw: Float[np.ndarray, " 4"]) -> Rotation:
    values = np.asarray(xyzw, dtype=np.float64)
    norm = float(np.linalg.norm(values)) if values.shape == (4,) else float("nan")
    if not abs(norm - 1.0) < 1e-3:
        raise TwinError(f"{values.tolist()} is no rotation: expected a unit quaternion x y z w")
    return Rotation.from_quat(values)
