"""A KITTI object frame as ROS messages in a bag, and as what the label says.

World: the Velodyne's frame, lowered by its height over the road (1.73 m, Geiger et al., "Are we
ready for autonomous driving?", CVPR 2012). A label's location is the bottom centre of its box in
the rectified frame of camera 0; the image is camera 2's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

LIDAR_HEIGHT = 1.73
STAMP = 1_317_000_000_000_000_000
Array = NDArray[np.float64]


@dataclass(frozen=True)
class KittiFrame:
    """matrix: (3, 3) px of camera 2. camera_from_lidar: (4, 4). labels: type and place (2,) m."""

    image: NDArray[np.uint8]
    points: NDArray[np.float32]
    matrix: Array
    camera_from_lidar: Array
    labels: list[tuple[str, Array]]

    @property
    def world_from_camera(self) -> Array:
        world_from_lidar = np.eye(4)
        world_from_lidar[2, 3] = LIDAR_HEIGHT
        return np.asarray(world_from_lidar @ np.linalg.inv(self.camera_from_lidar))


def read_frame(folder: Path, name: str = "000000") -> KittiFrame:
    lines = (folder / "calib" / f"{name}.txt").read_text().splitlines()
    calibration = {
        key: np.array(values.split(), dtype=np.float64)
        for key, _, values in (line.partition(":") for line in lines if line)
    }
    projection = calibration["P2"].reshape(3, 4)
    rectified = np.eye(4)
    rectified[:3, :3] = calibration["R0_rect"].reshape(3, 3)
    lidar = np.eye(4)
    lidar[:3] = calibration["Tr_velo_to_cam"].reshape(3, 4)
    zero_from_lidar = rectified @ lidar
    offset = np.eye(4)
    offset[:3, 3] = np.linalg.inv(projection[:, :3]) @ projection[:, 3]
    labels = []
    for line in (folder / "label_2" / f"{name}.txt").read_text().splitlines():
        fields = line.split()
        if fields[0] != "DontCare":
            place = np.array([*map(float, fields[11:14]), 1.0])
            labels.append((fields[0], (np.linalg.inv(zero_from_lidar) @ place)[:2]))
    image = cv2.imread(str(folder / "image_2" / f"{name}.png"))
    assert image is not None
    return KittiFrame(
        image=np.asarray(image, np.uint8),
        points=np.fromfile(folder / "velodyne" / f"{name}.bin", "<f4").reshape(-1, 4),
        matrix=projection[:, :3],
        camera_from_lidar=offset @ zero_from_lidar,
        labels=labels,
    )


def write_bag(frame: KittiFrame, bag: Path, sweeps: int = 1) -> None:
    """Image, CameraInfo, Velodyne cloud and static TF; the same frame `sweeps` times, 0.1 s apart."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types: dict[str, Any] = store.types

    def make(kind: str, /, **values: Any) -> Any:
        return types[kind](**values)

    height, width = frame.image.shape[:2]
    camera = frame.world_from_camera
    with Writer(bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=store)
            for topic, kind in (
                ("/tf_static", "tf2_msgs/msg/TFMessage"),
                ("/left/image_raw", "sensor_msgs/msg/Image"),
                ("/left/camera_info", "sensor_msgs/msg/CameraInfo"),
                ("/velodyne/points", "sensor_msgs/msg/PointCloud2"),
            )
        }

        def write(topic: str, stamp: int, message: Any) -> None:
            kind = connections[topic].msgtype
            writer.write(connections[topic], stamp, store.serialize_cdr(message, kind))

        def header(stamp: int, name: str) -> Any:
            time = make("builtin_interfaces/msg/Time", sec=stamp // 10**9, nanosec=stamp % 10**9)
            return make("std_msgs/msg/Header", stamp=time, frame_id=name)

        def transform(child: str, position: Array, rotation: Rotation) -> Any:
            x, y, z, w = rotation.as_quat()
            return make(
                "geometry_msgs/msg/TransformStamped",
                header=header(STAMP, "world"),
                child_frame_id=child,
                transform=make(
                    "geometry_msgs/msg/Transform",
                    translation=make(
                        "geometry_msgs/msg/Vector3", **dict(zip("xyz", position, strict=True))
                    ),
                    rotation=make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
                ),
            )

        frames = [
            transform("velodyne", np.array([0.0, 0.0, LIDAR_HEIGHT]), Rotation.identity()),
            transform("left_optical_frame", camera[:3, 3], Rotation.from_matrix(camera[:3, :3])),
        ]
        write("/tf_static", STAMP, make("tf2_msgs/msg/TFMessage", transforms=frames))
        fields = [
            make("sensor_msgs/msg/PointField", name=name, offset=4 * k, datatype=7, count=1)
            for k, name in enumerate(("x", "y", "z", "intensity"))
        ]
        for k in range(sweeps):
            stamp = STAMP + k * 10**8
            count = len(frame.points)
            cloud = make(
                "sensor_msgs/msg/PointCloud2",
                header=header(stamp, "velodyne"),
                height=1,
                width=count,
                fields=fields,
                is_bigendian=False,
                point_step=16,
                row_step=16 * count,
                data=frame.points.view(np.uint8).reshape(-1),
                is_dense=True,
            )
            write("/velodyne/points", stamp, cloud)
            image = make(
                "sensor_msgs/msg/Image",
                header=header(stamp, "left_optical_frame"),
                height=height,
                width=width,
                encoding="bgr8",
                is_bigendian=0,
                step=3 * width,
                data=frame.image.reshape(-1),
            )
            write("/left/image_raw", stamp, image)
            region = make(
                "sensor_msgs/msg/RegionOfInterest",
                x_offset=0,
                y_offset=0,
                height=0,
                width=0,
                do_rectify=False,
            )
            info = make(
                "sensor_msgs/msg/CameraInfo",
                header=header(stamp, "left_optical_frame"),
                height=height,
                width=width,
                distortion_model="plumb_bob",
                d=np.zeros(5),
                k=frame.matrix.reshape(-1),
                r=np.eye(3).reshape(-1),
                p=np.hstack([frame.matrix, np.zeros((3, 1))]).reshape(-1),
                binning_x=0,
                binning_y=0,
                roi=region,
            )
            write("/left/camera_info", stamp, info)


def read_messages(bag: Path, kinds: dict[str, type]) -> dict[str, list[Any]]:
    """The bag's messages of each topic, as rclpy's own types."""
    from rclpy.serialization import deserialize_message

    messages: dict[str, list[Any]] = {topic: [] for topic in kinds}
    with Reader(bag) as reader:
        for connection, _, data in reader.messages():
            if connection.topic in kinds:
                message = deserialize_message(bytes(data), kinds[connection.topic])
                messages[connection.topic].append(message)
    return messages
