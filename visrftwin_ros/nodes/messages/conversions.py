"""Messages to arrays and back: the only place that knows both."""

from __future__ import annotations

import array

import numpy as np
from builtin_interfaces.msg import Time as TimeMessage
from numpy.typing import NDArray
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH, Bodies
from visrftwin_ros.cameras.camera_info import camera_calibration
from visrftwin_ros.cameras.camera_models import Intrinsics, info_intrinsics
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.msg import Detection, LinkChannel, TrackedPeople, TrackedPerson
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.feet import Feet
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.site.model import Camera

NOWHERE = (np.nan, np.nan)


def stamp_ns(stamp: TimeMessage) -> int:
    return int(Time.from_msg(stamp).nanoseconds)


def stamp_message(nanoseconds: int) -> TimeMessage:
    message: TimeMessage = Time(nanoseconds=nanoseconds).to_msg()
    return message


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
            **_foot_fields(foot, bool(hidden)),
        )
        for track_id, score, box, look, foot, hidden in zip(
            detections.track_id,
            detections.score,
            detections.box,
            detections.embedding,
            detections.feet.point,
            detections.feet.hidden,
            strict=True,
        )
    ]
    return DetectionsMessage(camera=detections.camera, detector=detector, detections=boxes)


def _foot_fields(point: NDArray[np.float64], hidden: bool) -> dict[str, object]:
    if np.isfinite(point).all():
        return {"foot": Detection.FOOT_SEEN, "foot_x": float(point[0]), "foot_y": float(point[1])}
    return {"foot": Detection.FOOT_HIDDEN if hidden else Detection.FOOT_UNKNOWN}


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
        feet=Feet(
            point=np.array(
                [(b.foot_x, b.foot_y) if b.foot == Detection.FOOT_SEEN else NOWHERE for b in boxes],
                dtype=np.float64,
            ).reshape(-1, 2),
            hidden=np.array([b.foot == Detection.FOOT_HIDDEN for b in boxes], dtype=bool),
        ),
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


def multipath_from_message(link: LinkChannel) -> Multipath:
    """What beam selection needs of a link's paths."""
    paths = link.paths
    return Multipath.of_link(
        power=10 ** (np.array([p.gain_db for p in paths], dtype=np.float64) / 10),
        delay=np.array([p.delay for p in paths], dtype=np.float64),
        departure=np.array([[p.aod_azimuth, p.aod_elevation] for p in paths]).reshape(-1, 2),
        arrival=np.array([[p.aoa_azimuth, p.aoa_elevation] for p in paths]).reshape(-1, 2),
    )


def covariance_from_message(message: TrackedPeople) -> NDArray[np.float64]:
    """(N, 4, 4) of x, y, vx, vy of each person."""
    return np.array([p.covariance for p in message.people], np.float64).reshape(-1, 4, 4)
