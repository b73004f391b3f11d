"""A rosbag2 with PointCloud2 and TF: its sweeps in the world, each taken apart from its own motion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.messages.bag_transforms import bag_transforms
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.site.frames import Pose, TransformBuffer

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_CLOUDS = "sensor_msgs/msg/PointCloud2"
_TF_TOLERANCE = 0.2
"""s: a pose further from the sweep's stamp is not its own."""
NEAREST = 0.7
"""m: nearer are the robot that carries the sensor and the hand that holds it."""
_NOISE = 0.015
"""m, of a spinning LiDAR's return (Velodyne and Ouster state 1 to 3 cm)."""


def read_bag_clouds(
    path: Path,
    topic: str,
    world_frame: str,
    every: int,
    farthest: float,
    progress: Callable[[int, int], None],
) -> Scan:
    """Every `every`-th sweep of a bag's clouds in `world_frame`, returns up to `farthest` m.

    topic: of the clouds; "": the only one. Raises TwinError where there is no such topic, several and none
    named, and where TF has no way to the world for two sweeps; a sweep without its pose is left out.
    """
    with open_bag(path) as bag:
        connection = _clouds(bag, topic)
        transforms = bag_transforms(bag)
        views, left_out = [], []
        total = -(-connection.msgcount // every)
        for number, (_, _, raw) in enumerate(bag.messages([connection])):
            if number % every:
                continue
            try:
                cloud = cloud_from_message(bag.decode(connection, raw))
                pose_at = partial(_pose, transforms, world_frame, cloud.frame)
                pose = pose_at(cloud.stamp_ns)
                points = undistorted(cloud, pose_at).points
            except TwinError as error:
                left_out.append(f"sweep {number}: {error}")
            else:
                reach = np.linalg.norm(points, axis=1)
                points = points[(reach > NEAREST) & (reach < farthest)]
                views.append((pose.rotation.apply(points) + pose.position, pose.position))
            progress(number // every + 1, total)
    return joined(
        views,
        up=None,
        noise=_NOISE,
        source=f"{len(views)} sweeps of {connection.topic} in {path.name}",
        left_out=left_out,
    )


def _clouds(bag: BagFile, topic: str) -> Connection:
    found = [c for c in bag.connections if c.msgtype == _CLOUDS and c.msgcount]
    names = ", ".join(c.topic for c in found)
    if topic:
        named = [c for c in found if c.topic.strip("/") == topic.strip("/")]
        if not named:
            raise TwinError(f"{bag.path}: no clouds on {topic}; it has: {names or 'none'}")
        return named[0]
    if len(found) != 1:
        wanted = f"say --topic, one of {names}" if found else "expected sensor_msgs/PointCloud2"
        raise TwinError(f"{bag.path}: {len(found)} topics with clouds; {wanted}")
    return found[0]


def _pose(transforms: TransformBuffer, world: str, frame: str, stamp: int) -> Pose:
    try:
        return transforms.lookup(world, frame, stamp, _TF_TOLERANCE)
    except TwinError as error:
        raise TwinError(
            f"where the cloud's frame {frame!r} is in {world!r} is not known: {error} "
            "(--world-frame names the frame of the map)"
        ) from error
