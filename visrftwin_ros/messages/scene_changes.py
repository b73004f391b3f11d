"""In what a place differs from its site, as SurfaceChanges, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from visrftwin_ros.bodies.box_materials import material_of_kind
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.geometry import transform, vector, vectors_from_messages
from visrftwin_ros.messages.stamps import header, stamp_message, stamp_ns
from visrftwin_ros.scene.changes import SeenChange
from visrftwin_ros.scene.surfaces import BOX_FACES, box_corners
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box

MOVED, APPEARED, VANISHED = range(3)
"""The constants of SurfaceChange.msg."""
_SQUARE = 0.01
"""m by which the corners of a mesh may lie off a box's."""
_STILL = Pose(np.zeros(3), Rotation.identity())


def surface_changes_message(
    make: Make, stamp: int, frame_id: str, seen: Sequence[SeenChange]
) -> Any:
    """A SurfaceChanges; all but its latency."""
    return make(
        "visrftwin_ros/SurfaceChanges",
        header=header(make, stamp, frame_id),
        changes=[_surface_change(make, one) for one in seen],
        latency=0.0,
    )


def changes_from_message(message: Any, world_frame: str) -> tuple[SeenChange, ...]:
    """Those of a SurfaceChanges within the limits that `messages.limits` checks; what appeared of the
    material of an unknown thing where none is named.

    TwinError where they are told of in another frame, and for a mesh that is no upright box.
    """
    if message.header.frame_id not in ("", world_frame):
        raise TwinError(
            f"changes in frame {message.header.frame_id!r} are left out: expected the site's world "
            f"frame {world_frame!r}"
        )
    return tuple(_seen(one) for one in message.changes)


def _surface_change(make: Make, seen: SeenChange) -> Any:
    kind = VANISHED if seen.motion is None else MOVED
    vertices, triangles, material = [], [], ""
    if seen.box is not None:
        kind, material = APPEARED, seen.box.material
        vertices = [vector(make, "Point", corner) for corner in box_corners(seen.box)]
        triangles = [
            make("shape_msgs/MeshTriangle", vertex_indices=np.array(face, np.uint32))
            for face in BOX_FACES
        ]
    return make(
        "visrftwin_ros/SurfaceChange",
        change=kind,
        surface=seen.surface,
        motion=transform(make, seen.motion or _STILL),
        mesh=make("shape_msgs/Mesh", triangles=triangles, vertices=vertices),
        material=material,
        since=stamp_message(make, seen.since_ns),
        confidence=float(seen.confidence),
        seen_by=list(seen.seen_by),
    )


def _seen(message: Any) -> SeenChange:
    motion = box = None
    if message.change == MOVED:
        place, turn = message.motion.translation, message.motion.rotation
        rotation = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w])
        motion = Pose(np.array([place.x, place.y, place.z]), rotation)
    elif message.change == APPEARED:
        box = _box(message)
    return SeenChange(
        surface=message.surface,
        since_ns=stamp_ns(message.since),
        confidence=float(message.confidence),
        seen_by=tuple(message.seen_by),
        motion=motion,
        box=box,
    )


def _box(message: Any) -> Box:
    """The upright box that the corners of a mesh are."""
    corners = vectors_from_messages(message.mesh.vertices)
    wrong = TwinError(
        f"what appeared as {message.surface!r} is no upright box: expected a mesh of its 8 corners"
    )
    if len(corners) != 8:
        raise wrong
    middle, height = corners.mean(axis=0), np.ptp(corners[:, 2])
    # From one corner of the underside, its nearest neighbours end the two sides.
    bottom = corners[np.argsort(corners[:, 2], kind="stable")[:4], :2]
    near = np.argsort(np.hypot(*(bottom - bottom[0]).T), kind="stable")[1:3]
    along, across = bottom[near] - bottom[0]
    yaw = float(np.arctan2(along[1], along[0]))
    size = (float(np.hypot(*along)), float(np.hypot(*across)), float(height))
    if not min(size) > 0:
        raise wrong
    box = Box(
        name=message.surface,
        kind="box",
        center=(float(middle[0]), float(middle[1]), float(middle[2])),
        size=size,
        yaw=yaw,
        material=message.material or material_of_kind(""),
    )
    apart = np.linalg.norm(corners[:, None] - box_corners(box), axis=2)
    if max(apart.min(axis=0).max(), apart.min(axis=1).max()) > _SQUARE:
        raise wrong
    return box
