"""What a camera sees of a world besides its people, as triangles with texture coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.lab.world.surface_looks import Appearance
from visrftwin_ros.lab.world.world import World
from visrftwin_ros.scene.surfaces import surface_meshes

_PLASTIC = Appearance(colours=((0.85, 0.85, 0.83),), roughness=0.4)
_CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
_CUBE_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip
_ROBOT_PARTS = (
    ((0.0, 0.0, 0.24), (0.56, 0.44, 0.32)),
    ((0.0, 0.0, 0.05), (0.44, 0.48, 0.10)),
    ((-0.1, 0.0, 0.80), (0.05, 0.05, 0.84)),
    ((-0.1, 0.0, 1.20), (0.12, 0.20, 0.12)),
)
"""Centre and size of a robot's boxes, metres: body, wheels, mast, antenna."""


@dataclass(frozen=True)
class Triangles:
    """corners: (F, 3, 3) metres in the world. uv: (F, 3, 2), 1 a tile. look: of all of them."""

    corners: Float[np.ndarray, "f 3 3"]
    uv: Float[np.ndarray, "f 3 2"]
    look: Appearance


def static_triangles(world: World) -> tuple[Triangles, ...]:
    """Everything that stands, one entry a look."""
    by_look: dict[Appearance, list[np.ndarray]] = {}
    for mesh in surface_meshes(world.true_site):
        look = world.surfaces[mesh.name]
        by_look.setdefault(look, []).append(mesh.vertices[mesh.faces])
    for ap in world.site.access_points:
        box = _CUBE * np.array([0.16, 0.16, 0.1]) + np.array(ap.position)
        by_look.setdefault(_PLASTIC, []).append(box[_CUBE_FACES])
    return tuple(
        _textured(np.concatenate(corners), look) for look, corners in sorted_items(by_look)
    )


def robot_corners(x: float, y: float, yaw: float) -> Float[np.ndarray, "f 3 3"]:
    """A robot's triangles where it stands."""
    boxes = [(_CUBE * size + np.array(center))[_CUBE_FACES] for center, size in _ROBOT_PARTS]
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(
        np.concatenate(boxes) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + [x, y, 0.0]
    )


def sorted_items(
    by_look: Mapping[Appearance, list[np.ndarray]],
) -> list[tuple[Appearance, list[np.ndarray]]]:
    """The looks in an order that does not hang on hashes, so that pictures repeat."""
    return sorted(by_look.items(), key=lambda item: repr(item[0]))


def _textured(corners: Float[np.ndarray, "f 3 3"], look: Appearance) -> Triangles:
    """Texture coordinates from the place: along the ground for level faces, else along and up."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    level = np.abs(normal[:, 2]) > 0.7
    along = np.stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))], axis=1)
    first = np.where(level[:, None], [1.0, 0.0, 0.0], along)
    second = np.where(level[:, None], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    uv = np.stack([np.einsum("fci,fi->fc", corners, axis) for axis in (first, second)], axis=-1)
    return Triangles(corners, uv / look.tile, look)
