"""The pictures of a rosbag2: every camera whose CameraInfo and TF are there, some pictures of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.cameras.camera_models import Intrinsics
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.bag_transforms import bag_transforms
from visrftwin_ros.messages.camera_info import intrinsics_from_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.vision.posed_pictures import SPARE, KeptApart, PosedPicture, ahead, apart

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_COMPRESSED = "/compressed"
_INFO = "sensor_msgs/msg/CameraInfo"
_TF_TOLERANCE = 0.1
"""s from the nearest pose at which a picture's own is still believed."""


def read_bag_pictures(
    path: Path, world_frame: str, most: int, poses: TransformBuffer | None = None
) -> tuple[tuple[PosedPicture, ...], tuple[str, ...]]:
    """At most `most` pictures of each camera, from places apart, and why others were left out.

    A camera's lens is that of the CameraInfo beside its images, its place that of their frame in
    `world_frame` by `poses`, or the bag's TF without. A CameraInfo without a calibration, of pictures twice as wide
    as high, is a full panorama's. Of several topics of one camera, as raw and compressed, one is taken.
    """
    pictures: list[PosedPicture] = []
    left_out: list[str] = []
    with open_bag(path) as bag:
        transforms = bag_transforms(bag) if poses is None else poses
        for taken, others in _cameras(bag):
            left_out += [
                f"pictures of {other.topic}: of the same camera {taken.topic} is taken"
                for other in others
            ]
            try:
                pictures += _of_camera(bag, taken, transforms, world_frame, most)
            except TwinError as error:
                left_out.append(f"pictures of {taken.topic}: {error}")
    return tuple(pictures), tuple(left_out)


def _cameras(bag: BagFile) -> Iterator[tuple[Connection, list[Connection]]]:
    """Of each camera, whose topics share a namespace, the one to take and the others: what image_raw is
    before what was made of it, and what nobody compressed before what somebody did."""
    found: dict[str, list[Connection]] = {}
    for connection in bag.connections:
        if connection.msgtype in _IMAGES and connection.msgcount:
            found.setdefault(_namespace(connection.topic), []).append(connection)
    for topics in found.values():
        first, *others = sorted(
            topics,
            key=lambda c: ("/image_raw" not in c.topic, c.topic.endswith(_COMPRESSED), c.topic),
        )
        yield first, others


def _namespace(topic: str) -> str:
    """Of a camera, from the topic of its images."""
    return topic.removesuffix(_COMPRESSED).rpartition("/")[0]


def _of_camera(
    bag: BagFile, images: Connection, transforms: TransformBuffer, world: str, most: int
) -> Iterator[PosedPicture]:
    lens = _lens(bag, images.topic)
    kept: KeptApart[tuple[str, Pose, bytes]] = KeptApart(SPARE * most)
    why = "it has no picture"
    for number, (_, _, raw) in enumerate(bag.messages([images])):
        header = bag.decode(images, raw).header
        try:
            pose = transforms.lookup(world, header.frame_id, stamp_ns(header.stamp), _TF_TOLERANCE)
        except TwinError as error:
            why = str(error)
        else:
            kept.add(pose.position, ahead(pose), (f"{images.topic} {number}", pose, raw))
    if not kept.items:
        raise TwinError(f"no picture has a place in {world!r}: {why}")
    for row in apart([(pose.position, ahead(pose)) for _, pose, _ in kept.items], most):
        name, pose, raw = kept.items[row]
        yield _picture(name, bag.decode(images, raw), lens, pose)


def _picture(name: str, message: Any, lens: Intrinsics, pose: Pose) -> PosedPicture:
    bgr = image_from_message(message)
    size = (bgr.shape[1], bgr.shape[0])
    if size != lens.size:
        raise TwinError(
            f"images of {size[0]} x {size[1]} px, but its CameraInfo is for {lens.size[0]} x {lens.size[1]}"
        )
    rotation = pose.rotation.inv().as_matrix()
    return PosedPicture(name, lens.posed(name, rotation, -rotation @ pose.position), bgr)


def _lens(bag: BagFile, topic: str) -> Intrinsics:
    """Of the CameraInfo in the same namespace, as image_transport has it."""
    base = _namespace(topic)
    beside = [c for c in bag.connections if c.msgtype == _INFO and c.msgcount]
    own = [c for c in beside if c.topic.rpartition("/")[0] == base]
    if not own:
        raise TwinError(f"no CameraInfo on {base}/camera_info")
    message = next(bag.decode(own[0], raw) for _, _, raw in bag.messages(own[:1]))
    size = (int(message.width), int(message.height))
    if not np.any(message.k) and size[0] == 2 * size[1]:
        return Intrinsics("equirectangular", size, np.eye(3), np.zeros(0))
    return intrinsics_from_message(message, base.strip("/"))
