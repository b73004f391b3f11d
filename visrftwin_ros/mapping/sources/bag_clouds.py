"""A rosbag2 with PointCloud2 and TF: its sweeps in the world, each taken apart from its own motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.mapping.sweeps import NOISE, View, placed_sweep
from visrftwin_ros.messages.bag_transforms import bag_transforms
from visrftwin_ros.messages.clouds import cloud_from_message

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
) -> Scan:
    """Every `every`-th sweep of a bag's clouds in `world_frame`, returns up to `farthest` m.

    topic: of the clouds; "": the only one. Raises TwinError where there is no such topic, several and none
    named, and where TF has no way to the world for two sweeps; a sweep without its pose is left out.
    """
    with open_bag(path) as bag:
        connection = _clouds(bag, topic)
        transforms = bag_transforms(bag)
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
        up=None,
        noise=NOISE,
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
