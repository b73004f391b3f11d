"""What of a site may be moved: its furniture and doors, as upright boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box, Ground, Site

LONGEST, TALLEST = 3.2, 2.4
"""m of a side: what is longer or taller is a part of the building."""
TRANSPARENT = ("glass",)
"""Materials that a LiDAR looks through: of them nothing is said."""
NAMED_GAP = 0.3
"""m between parts of one thing, whose names begin alike, at most."""
MARGIN = 0.06
"""m by which a survey may be off where furniture stands."""


@dataclass(frozen=True)
class Parts:
    """P upright boxes: center (m), size (m, along their own axes), yaw (rad)."""

    center: Float[np.ndarray, "p 3"]
    size: Float[np.ndarray, "p 3"]
    yaw: Float[np.ndarray, " p"]

    def __len__(self) -> int:
        return len(self.yaw)

    @classmethod
    def joined(cls, parts: Sequence[Parts]) -> Parts:
        """All of them, one after the other."""
        nothing = cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
        every = [nothing, *parts]
        columns = (
            np.concatenate([getattr(p, n) for p in every]) for n in ("center", "size", "yaw")
        )
        return cls(*columns)

    def moved(self, motion: Pose) -> Parts:
        """After a motion over the ground."""
        turn = float(motion.rotation.as_euler("zyx")[0])
        return Parts(
            motion.rotation.apply(self.center) + motion.position, self.size, self.yaw + turn
        )

    @property
    def thin(self) -> Bool[np.ndarray, "p 3"]:
        """Sides so short that a survey may be off by as much."""
        return self.size < 4 * MARGIN

    @property
    def core(self) -> Float[np.ndarray, "p 3"]:
        """Half sides of what a ray surely passes that passes the part, negative where none does: within
        MARGIN of its sides, a thin one on both sides of it."""
        thin = self.thin
        core = self.size / 2 + np.where(thin, MARGIN, -MARGIN)
        return np.asarray(np.where((thin.sum(axis=1) > 1)[:, None], -1.0, core))

    def local(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "p n 3"]:
        """Points from the middle of each part along its axes, m."""
        c, s = np.cos(self.yaw)[:, None], np.sin(self.yaw)[:, None]
        x, y, z = np.moveaxis(points - self.center[:, None], -1, 0)
        return np.stack([c * x + s * y, c * y - s * x, z], axis=-1)

    def away(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """m of each point from the surface of the nearest part, inside or outside."""
        off = np.abs(self.local(points)) - self.size[:, None] / 2
        outside = np.linalg.norm(np.maximum(off, 0), axis=2)
        inside = np.minimum(off.max(axis=2), 0)
        return np.abs(outside + inside).min(axis=0)

    @property
    def corners(self) -> Float[np.ndarray, "k 3"]:
        """Of all parts."""
        unit = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
        c, s = np.cos(self.yaw)[:, None], np.sin(self.yaw)[:, None]
        x, y, z = np.moveaxis(unit * self.size[:, None], -1, 0)
        return (np.stack([c * x - s * y, s * x + c * y, z], -1) + self.center[:, None]).reshape(
            -1, 3
        )


@dataclass(frozen=True)
class Thing:
    """A piece of furniture: surfaces of the site that move together, and their boxes."""

    surfaces: tuple[str, ...]
    parts: Parts


def movable_things(site: Site, meshes: Sequence[SurfaceMesh]) -> tuple[Thing, ...]:
    """The furniture of a site, of whose meshes, in its order, those belong together whose names begin alike and
    that are near."""
    found = [
        (mesh.name, _part(surface, mesh))
        for surface, mesh in zip(site.scene, meshes, strict=True)
        if not isinstance(surface, Ground)
        and mesh.material.name.split(".")[0] not in TRANSPARENT
        and (np.ptp(mesh.vertices, axis=0) <= (LONGEST, LONGEST, TALLEST)).all()
    ]
    group = list(range(len(found)))
    for i, (name, part) in enumerate(found):
        for j, (other, its) in enumerate(found[:i]):
            if _one_thing(name, other) and _gap(part, its) <= NAMED_GAP:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    return tuple(
        Thing(
            tuple(found[k][0] for k in range(len(found)) if group[k] == g),
            Parts.joined([found[k][1] for k in range(len(found)) if group[k] == g]),
        )
        for g in dict.fromkeys(group)
    )


def _part(surface: object, mesh: SurfaceMesh) -> Parts:
    if isinstance(surface, Box):
        center, size = np.array([surface.center], float), np.array([surface.size], float)
        return Parts(center, size, np.array([surface.yaw]))
    return box_about(mesh.vertices)


def box_about(points: Float[np.ndarray, "n 3"]) -> Parts:
    """The upright box of the least footprint about some points."""
    import cv2

    (x, y), (length, width), degrees = cv2.minAreaRect(points[:, :2].astype(np.float32))
    low, high = points[:, 2].min(), points[:, 2].max()
    return Parts(
        np.array([[x, y, (low + high) / 2]]),
        np.array([[length, width, high - low]]),
        np.array([np.deg2rad(degrees)]),
    )


def _one_thing(name: str, other: str) -> bool:
    """`sofa_c_seat` and `sofa_c_arm_left`, or `table` and `table_foot`, but not `sofa_a_seat` and
    `sofa_b_seat`, nor `box_1` and `box_2`."""
    words, others = name.split("_"), other.split("_")
    alike = next((k for k, (a, b) in enumerate(zip(words, others, strict=False)) if a != b), None)
    alike = min(len(words), len(others)) if alike is None else alike
    numbered = words[-1].isdigit() and others[-1].isdigit()
    return alike >= max(1, min(len(words), len(others)) - 1) and not numbered


def _gap(one: Parts, other: Parts) -> float:
    """m between the boxes about two parts along the world's axes, the largest of the three."""
    a, b = one.corners, other.corners
    return float(np.maximum(a.min(axis=0) - b.max(axis=0), b.min(axis=0) - a.max(axis=0)).max())
