"""A rosbag2 with PointCloud2 and TF: its sweeps in the world, each taken apart from its own motion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.lidar_odometry import followed
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.mapping.sweeps import NEAREST, NOISE, View, placed_sweep
from visrftwin_ros.messages.bag_transforms import bag_transforms
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.site.frames import TransformBuffer

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_CLOUDS = "sensor_msgs/msg/PointCloud2"


def read_bag_clouds(
    path: Path,
    topic: str,
    world_frame: str,
    every: int,
    farthest: float,
    progress: Callable[[int, int], None],
    poses: TransformBuffer | None = None,
) -> Scan:
    """Every `every`-th sweep of a bag's clouds in `world_frame`, returns up to `farthest` m.

    topic: of the clouds; "": the only one. poses: in place of the bag's TF, as `follow_bag` finds them.
    Raises TwinError where there is no such topic, several and none named, and where nothing leads to the
    world for two sweeps; a sweep without its pose is left out.
    """
    with open_bag(path) as bag:
        connection = _clouds(bag, topic)
        transforms = bag_transforms(bag) if poses is None else poses
        views: list[View] = []
        left_out: list[str] = []
        total = -(-connection.msgcount // every)
        for number, (_, _, raw) in enumerate(bag.messages([connection])):
            if number % every:
                continue
            try:
                cloud = cloud_from_message(bag.decode(connection, raw))
                views.append(placed_sweep(cloud, transforms, world_frame, farthest))
            except TwinError as error:
                left_out.append(f"sweep {number}: {error}")
            progress(number // every + 1, total)
    return joined(
        views,
        up=None if poses is None else np.array([0.0, 0.0, 1.0]),
        noise=NOISE,
        source=f"{len(views)} sweeps of {connection.topic} in {path.name}",
        left_out=left_out,
    )


def follow_bag(
    path: Path,
    topic: str,
    world_frame: str,
    farthest: float,
    progress: Callable[[int, int], None],
) -> tuple[TransformBuffer, tuple[str, ...]]:
    """Poses by the sweeps themselves, and what was left out: `world_frame` is where the robot's own frame was first,
    the uppermost that /tf_static hangs the LiDAR from.

    Raises TwinError as `followed` does, and where two sweeps have no pose.
    """
    left_out: list[str] = []
    with open_bag(path) as bag:
        connection = _clouds(bag, topic)
        tf = bag_transforms(bag)
        frames: set[str] = set()

        def clouds() -> Iterator[PointCloud]:
            for _, _, raw in bag.messages([connection]):
                try:
                    cloud = cloud_from_message(bag.decode(connection, raw))
                except TwinError as error:
                    left_out.append(str(error))
                    continue
                frames.add(cloud.frame)
                yield cloud

        track = followed(
            clouds(), NEAREST, farthest, lambda done: progress(done, connection.msgcount)
        )
    if len(frames) != 1 or len(track.poses) < 2:
        raise TwinError(
            f"{path}: {len(track.poses)} sweeps of {connection.topic} could be followed, in the frames "
            f"{', '.join(map(repr, sorted(frames)))}; it takes two or more of one LiDAR: "
            f"{'; '.join(track.left_out[:3])}"
        )
    frame = frames.pop()
    root, transforms = tf.rigid_with(frame)
    if root == world_frame:
        raise TwinError(
            f"{path}: /tf_static hangs the LiDAR's frame {frame!r} from {world_frame!r}: it stands there, and "
            "need not be followed; leave --poses out, or name the map's frame with --world-frame"
        )
    mount = transforms.lookup(root, frame, 0)
    for stamp, pose in zip(track.stamp_ns, track.poses, strict=True):
        transforms.move(root, world_frame, stamp, mount @ pose @ mount.inverse())
    return transforms, (*left_out, *track.left_out)


def _clouds(bag: BagFile, topic: str) -> Connection:
    found = [c for c in bag.connections if c.msgtype == _CLOUDS and c.msgcount]
    names = ", ".join(c.topic for c in found)
    if topic:
        named = [c for c in found if c.topic.strip("/") == topic.strip("/")]
        if not named:
            raise TwinError(f"{bag.path}: no clouds on {topic}; it has: {names or 'none'}")
        return named[0]
    if len(found) != 1:
        wanted = (
            f"say --topic, one of {names}"
            if found
            else "expected sensor_msgs/PointCloud2; --depth pictures maps from a bag's pictures"
        )
        raise TwinError(f"{bag.path}: {len(found)} topics with clouds; {wanted}")
    return found[0]
