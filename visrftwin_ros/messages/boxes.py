"""Boxes as TrackedBoxes, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.bodies.box_materials import material_of_kind
from visrftwin_ros.bodies.people import BOX, Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.geometry import vector, vectors_from_messages
from visrftwin_ros.messages.stamps import header, stamp_ns


def boxes_message(
    make: Make,
    stamp: int,
    frame_id: str,
    boxes: Bodies,
    *,
    kinds: Sequence[str] = (),
    covariance: Float[np.ndarray, "n 4 4"] | None = None,
    heading_sigma: Float[np.ndarray, " n"] | None = None,
    existence: Float[np.ndarray, " n"] | None = None,
    seen_by: Sequence[Sequence[str]] = (),
) -> Any:
    """N boxes; all but the latency and what is stale.

    kinds: class names of COCO, or nothing at all. covariance: of x y vx vy, and heading_sigma: rad;
    None: of boxes whose place is known. existence: 0..1; None: of those that are there. seen_by: the
    sensors of each, or nothing at all.
    """
    if covariance is None:
        covariance = np.zeros((len(boxes), 4, 4))
    sigma = np.zeros(len(boxes)) if heading_sigma is None else heading_sigma
    exists = np.ones(len(boxes)) if existence is None else existence
    size = np.column_stack([boxes.depth, boxes.width, boxes.height])
    tracked = [
        make(
            "visrftwin_ros/TrackedBox",
            id=name,
            kind=kinds[i] if kinds else "",
            position=vector(make, "Point", boxes.position[i]),
            velocity=vector(make, "Vector3", boxes.velocity[i]),
            covariance=covariance[i].reshape(-1).astype(np.float64),
            size=vector(make, "Vector3", size[i]),
            heading=float(boxes.heading[i]),
            heading_sigma=float(sigma[i]),
            existence=float(exists[i]),
            seen_by=list(seen_by[i]) if seen_by else [],
            material=boxes.material[i] if boxes.material else "",
        )
        for i, name in enumerate(boxes.ids)
    ]
    return make(
        "visrftwin_ros/TrackedBoxes",
        header=header(make, stamp, frame_id),
        boxes=tracked,
        latency=0.0,
        stale=False,
        age=0.0,
    )


@dataclass(frozen=True)
class HeardBoxes:
    """N boxes at `stamp_ns`, ROS time. covariance: of x y vx vy. left_out: ids of boxes whose
    covariance is no number."""

    stamp_ns: int
    bodies: Bodies
    covariance: Float[np.ndarray, "n 4 4"]
    left_out: tuple[str, ...]


def boxes_from_message(message: Any, world_frame: str) -> HeardBoxes:
    """The boxes of a TrackedBoxes, of the material of their kind where none is named.

    TwinError where they are told of in another frame.
    """
    if message.header.frame_id not in ("", world_frame):
        raise TwinError(
            f"boxes in frame {message.header.frame_id!r} are left out: expected the site's world "
            f"frame {world_frame!r}"
        )
    covariance = np.array([box.covariance for box in message.boxes], np.float64).reshape(-1, 4, 4)
    known = np.isfinite(covariance).all(axis=(1, 2))
    boxes = [message.boxes[i] for i in np.flatnonzero(known)]
    depth, width, height = vectors_from_messages([box.size for box in boxes]).T
    bodies = Bodies(
        ids=tuple(box.id for box in boxes),
        position=vectors_from_messages([box.position for box in boxes]),
        velocity=vectors_from_messages([box.velocity for box in boxes]),
        width=width,
        depth=depth,
        height=height,
        heading=np.array([box.heading for box in boxes], np.float64),
        material=tuple(box.material or material_of_kind(box.kind) for box in boxes),
        shape=(BOX,) * len(boxes),
    )
    left_out = tuple(message.boxes[i].id for i in np.flatnonzero(~known))
    return HeardBoxes(stamp_ns(message.header.stamp), bodies, covariance[known], left_out)
