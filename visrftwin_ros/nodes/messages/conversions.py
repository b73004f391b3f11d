"""What cameras saw and the tracker believes, as messages and back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH, Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages import people as people_codec
from visrftwin_ros.messages import vision
from visrftwin_ros.messages.paths import numbers_from_paths
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import Detection, LinkPaths, TrackedPeople
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.perception.measurements.detections import PERSON, Detections
from visrftwin_ros.perception.measurements.feet import Feet
from visrftwin_ros.perception.tracking.people import People

NOWHERE = (np.nan, np.nan)


def detections_message(detections: Detections, detector: str) -> DetectionsMessage:
    """All but the header, which is the image's."""
    boxes = [
        Detection(
            kind=kind,
            track_id=track_id,
            score=float(score),
            x=float(box[0]),
            y=float(box[1]),
            width=float(box[2]),
            height=float(box[3]),
            embedding=look.astype(np.float32),
            **_foot_fields(foot, bool(hidden)),
        )
        for kind, track_id, score, box, look, foot, hidden in zip(
            detections.kind,
            detections.track_id,
            detections.score,
            detections.box,
            detections.embedding,
            detections.feet.point,
            detections.feet.hidden,
            strict=True,
        )
    ]
    width, height = detections.image_size
    return DetectionsMessage(
        camera=detections.camera,
        detector=detector,
        image_width=width,
        image_height=height,
        detections=boxes,
    )


def _foot_fields(point: NDArray[np.float64], hidden: bool) -> dict[str, object]:
    if np.isfinite(point).all():
        return {"foot": Detection.FOOT_SEEN, "foot_x": float(point[0]), "foot_y": float(point[1])}
    return {"foot": Detection.FOOT_HIDDEN if hidden else Detection.FOOT_UNKNOWN}


def detections_from_message(message: DetectionsMessage, camera: str) -> Detections:
    """The boxes of `camera` as arrays; what is wrong with single ones, the tracker sorts out.

    Raises TwinError where the message does not say of what size the image was.
    """
    if not message.image_width or not message.image_height:
        raise TwinError(
            f"camera {camera!r}: boxes of {message.detector!r} come without image_width and "
            "image_height: fill in the image's size in px"
        )
    boxes = message.detections
    longest = max((len(b.embedding) for b in boxes), default=0)
    looks = [b.embedding if len(b.embedding) == longest else np.zeros(longest) for b in boxes]
    return Detections(
        stamp_ns=stamp_ns(message.header.stamp),
        camera=camera,
        image_size=(int(message.image_width), int(message.image_height)),
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
        kind=tuple(b.kind or PERSON for b in boxes),
    )


def vision_from_detections(detections: Detections, frame_id: str) -> Any:
    """The boxes of its people as a vision_msgs/Detection2DArray."""
    detections = detections.people()
    return vision.vision_message(
        made,
        detections.stamp_ns,
        frame_id,
        detections.box,
        detections.score,
        detections.track_id,
    )


def detections_from_vision(
    message: Any, camera: str, image_size: tuple[int, int], classes: Collection[str]
) -> Detections:
    """People that a detector of others found in the images of `camera`, whose size the site tells."""
    box, score, names = vision.people_of_vision(message, classes, image_size)
    return Detections(
        stamp_ns=stamp_ns(message.header.stamp),
        camera=camera,
        image_size=image_size,
        box=box,
        score=score,
        track_id=names,
        embedding=np.zeros((len(box), 0)),
        feet=Feet(np.full((len(box), 2), np.nan), np.zeros(len(box), bool)),
    )


def people_message(people: People, world_frame: str) -> TrackedPeople:
    """All but the latency and what is stale."""
    count, flat = len(people), np.zeros(len(people))
    bodies = Bodies(
        ids=people.ids,
        position=np.column_stack([people.position, flat]),
        velocity=np.column_stack([people.velocity, flat]),
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=people.height,
        heading=people.heading,
    )
    return people_codec.people_message(
        made,
        people.stamp_ns,
        world_frame,
        bodies,
        covariance=people.covariance,
        existence=people.existence,
        seen_by=people.seen_by,
        looks=people.look,
    )


def multipath_from_message(link: LinkPaths) -> Multipath:
    """What beam selection needs of a link's paths."""
    names = ("gain_db", "delay", "aod_azimuth", "aod_elevation", "aoa_azimuth", "aoa_elevation")
    gain_db, delay, *angles = numbers_from_paths(link.paths, names).values()
    return Multipath.of_link(
        power=10 ** (gain_db / 10),
        delay=delay,
        departure=np.column_stack(angles[:2]),
        arrival=np.column_stack(angles[2:]),
    )
