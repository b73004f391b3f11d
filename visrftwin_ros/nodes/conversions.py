"""Messages to arrays and back: the only place that knows both."""

from __future__ import annotations

import array
import importlib.util
import re

import cv2
import numpy as np
from builtin_interfaces.msg import Time as TimeMessage
from numpy.typing import NDArray
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from visrftwin_ros.beams.selection import PathGains
from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH, Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.msg import Detection, LinkChannel, TrackedPeople, TrackedPerson
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.perception.camera import CameraModel
from visrftwin_ros.perception.camera_models import Intrinsics, info_intrinsics
from visrftwin_ros.perception.detections import Detections
from visrftwin_ros.perception.people import People
from visrftwin_ros.site.camera_info import camera_calibration
from visrftwin_ros.site.model import Camera

_HAS_CV_BRIDGE = importlib.util.find_spec("cv_bridge") is not None
_CHANNELS = {"bgr": 3, "rgb": 3, "bgra": 4, "rgba": 4, "mono": 1, "bayer": 1}
_ENCODING = re.compile(
    r"(?P<colour>bgra?|rgba?|mono|bayer)(_[a-z]{4})?(?P<bits>8|16)"
    r"|(?P<cv_bits>8|16|32|64)[USF]C(?P<cv_channels>\d)"
)
"""Of sensor_msgs/image_encodings.hpp, those of whole pixels in one plane."""


def stamp_ns(stamp: TimeMessage) -> int:
    return int(Time.from_msg(stamp).nanoseconds)


def stamp_message(nanoseconds: int) -> TimeMessage:
    message: TimeMessage = Time(nanoseconds=nanoseconds).to_msg()
    return message


def image_to_bgr(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """(H, W, 3) BGR of an Image in any common encoding or a CompressedImage.

    cv_bridge where the ROS installation has it, rosbags-image elsewhere. TwinError on a message
    whose data do not fit its encoding and size, or that cannot be decoded.
    """
    if isinstance(message, CompressedImage):
        data = np.frombuffer(message.data, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise TwinError(f"a compressed image ({message.format!r}) could not be decoded")
        return np.asarray(image, np.uint8)
    expected = message.step * message.height
    if message.height == 0 or message.width == 0 or len(message.data) != expected:
        raise TwinError(
            f"an image says {message.width} x {message.height}, step {message.step} "
            f"({expected} bytes) but carries {len(message.data)} bytes"
        )
    if message.encoding == "bgr8" and message.step == 3 * message.width:
        flat = np.frombuffer(message.data, np.uint8)
        return flat.reshape(message.height, message.width, 3)
    try:
        return _decode(message)
    except Exception as error:  # the two libraries raise types of their own
        raise TwinError(
            f"image encoding {message.encoding!r} is not understood: {error}"
        ) from error


def _decode(message: Image) -> NDArray[np.uint8]:
    if _HAS_CV_BRIDGE:
        from cv_bridge import CvBridge

        return np.asarray(CvBridge().imgmsg_to_cv2(message, "bgr8"))
    from rosbags.image import message_to_cvimage

    return np.asarray(message_to_cvimage(_without_padding(message), "bgr8"))


def _without_padding(message: Image) -> Image:
    """The image with rows as long as its pixels: rosbags-image does not look at `step`."""
    kind = _ENCODING.fullmatch(message.encoding)
    if kind is None:
        return message
    bits = int(kind["bits"] or kind["cv_bits"])
    channels = int(kind["cv_channels"] or 0) or _CHANNELS[kind["colour"]]
    row = message.width * channels * bits // 8
    if message.step <= row:
        return message
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    packed = array.array("B", rows[:, :row].tobytes())
    return Image(
        header=message.header,
        height=message.height,
        width=message.width,
        encoding=message.encoding,
        is_bigendian=message.is_bigendian,
        step=row,
        data=packed,
    )


def image_message(image: NDArray[np.uint8], stamp: int, frame: str) -> Image:
    """A bgr8 Image of an (H, W, 3) array."""
    height, width = image.shape[:2]
    message = Image(height=height, width=width, encoding="bgr8", step=3 * width)
    message.header.stamp = stamp_message(stamp)
    message.header.frame_id = frame
    message.data = array.array("B", image.tobytes())  # a list here would take a second
    return message


def camera_info_message(camera: Camera, stamp: int) -> CameraInfo:
    """Of a camera whose intrinsics the site knows; a panorama's has its size and no K."""
    message = CameraInfo(height=camera.image_height, width=camera.image_width)
    message.header.stamp = stamp_message(stamp)
    message.header.frame_id = camera.optical_frame
    known = camera_calibration(camera)
    message.distortion_model, message.d = known.distortion_model, known.d
    message.k, message.r, message.p = known.k, known.r, known.p
    return message


def intrinsics_from_message(message: CameraInfo, camera: str) -> Intrinsics:
    """TwinError where a CameraInfo is no calibration, or of a model that is not known."""
    size = (int(message.width), int(message.height))
    matrix = np.array(message.k, dtype=np.float64).reshape(3, 3)
    distortion = np.array(message.d, dtype=np.float64)
    return info_intrinsics(camera, message.distortion_model, size, matrix, distortion)


def detections_message(detections: Detections, detector: str) -> DetectionsMessage:
    """All but the header, which is the image's."""
    boxes = [
        Detection(
            track_id=track_id,
            score=float(score),
            x=float(box[0]),
            y=float(box[1]),
            width=float(box[2]),
            height=float(box[3]),
            embedding=look.astype(np.float32),
        )
        for track_id, score, box, look in zip(
            detections.track_id,
            detections.score,
            detections.box,
            detections.embedding,
            strict=True,
        )
    ]
    return DetectionsMessage(camera=detections.camera, detector=detector, detections=boxes)


def detections_from_message(message: DetectionsMessage, camera: CameraModel) -> Detections:
    """The boxes of `camera` as arrays; what is wrong with single ones, the tracker sorts out."""
    boxes = message.detections
    longest = max((len(b.embedding) for b in boxes), default=0)
    looks = [b.embedding if len(b.embedding) == longest else np.zeros(longest) for b in boxes]
    return Detections(
        stamp_ns=stamp_ns(message.header.stamp),
        camera=camera.name,
        image_size=camera.size,
        box=np.array([[b.x, b.y, b.width, b.height] for b in boxes]).reshape(-1, 4),
        score=np.array([b.score for b in boxes], dtype=np.float64),
        track_id=tuple(b.track_id for b in boxes),
        embedding=np.array(looks, dtype=np.float64).reshape(len(boxes), longest),
    )


def people_message(people: People, world_frame: str) -> TrackedPeople:
    message = TrackedPeople()
    message.header.stamp = stamp_message(people.stamp_ns)
    message.header.frame_id = world_frame
    for i, name in enumerate(people.ids):
        person = TrackedPerson(
            id=name,
            covariance=people.covariance[i].reshape(-1).astype(np.float64),
            height=float(people.height[i]),
            width=BODY_WIDTH,
            depth=BODY_DEPTH,
            heading=float(people.heading[i]),
            existence=float(people.existence[i]),
            seen_by=list(people.seen_by[i]),
            embedding=people.look[i].astype(np.float32) if people.look else [],
        )
        person.position.x, person.position.y = (float(v) for v in people.position[i])
        person.velocity.x, person.velocity.y = (float(v) for v in people.velocity[i])
        message.people.append(person)
    return message


def bodies_from_message(message: TrackedPeople) -> Bodies:
    """What stands in the way of the links, with each body's covariance left to the caller."""
    people = message.people
    return Bodies(
        ids=tuple(p.id for p in people),
        position=np.array([[p.position.x, p.position.y, 0.0] for p in people]).reshape(-1, 3),
        velocity=np.array([[p.velocity.x, p.velocity.y, 0.0] for p in people]).reshape(-1, 3),
        width=np.array([p.width for p in people], dtype=np.float64),
        depth=np.array([p.depth for p in people], dtype=np.float64),
        height=np.array([p.height for p in people], dtype=np.float64),
        heading=np.array([p.heading for p in people], dtype=np.float64),
        material=tuple(p.material for p in people),
    )


def path_gains(link: LinkChannel) -> PathGains:
    """What beam selection needs of a link's paths."""
    paths = link.paths
    return PathGains(
        power=10 ** (np.array([p.gain_db for p in paths], dtype=np.float64) / 10),
        departure=np.array([[p.aod_azimuth, p.aod_elevation] for p in paths]).reshape(-1, 2),
        arrival=np.array([[p.aoa_azimuth, p.aoa_elevation] for p in paths]).reshape(-1, 2),
    )


def covariance_from_message(message: TrackedPeople) -> NDArray[np.float64]:
    """(N, 4, 4) of x, y, vx, vy of each person."""
    return np.array([p.covariance for p in message.people], np.float64).reshape(-1, 4, 4)
