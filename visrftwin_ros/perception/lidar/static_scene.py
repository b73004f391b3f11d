"""What a site says of its surfaces, as places from which a LiDAR's returns are background."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Box, MeshFile, Site

STEPS = 8
"""Into which the edges of a small triangle are divided."""
_LATTICE = np.array(
    [(i, j, STEPS - i - j) for i in range(STEPS + 1) for j in range(STEPS + 1 - i)]
) / float(STEPS)


@dataclass(frozen=True)
class StaticScene:
    """Solid boxes, and triangles (T, 3, 3) m of meshes, of which only the surface is known."""

    boxes: tuple[Box, ...] = ()
    triangles: Float[np.ndarray, "t 3 3"] = field(default_factory=lambda: np.zeros((0, 3, 3)))

    @classmethod
    def of_site(cls, site: Site) -> StaticScene:
        """All but grounds, which are found in the sweeps. TwinError where a mesh cannot be read."""
        boxes = tuple(surface for surface in site.scene if isinstance(surface, Box))
        meshes = [surface for surface in site.scene if isinstance(surface, MeshFile)]
        if not meshes:
            return cls(boxes)
        only_meshes = site.model_copy(update={"scene": meshes})
        triangles = [mesh.vertices[mesh.faces] for mesh in surface_meshes(only_meshes)]
        return cls(boxes, np.concatenate(triangles))

    def surface_points(
        self, low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"], spacing: float
    ) -> Float[np.ndarray, "n 3"]:
        """Points on the triangles inside the region low..high [m], no further apart than `spacing`
        [m], and as many on either side of the surface, a spacing off."""
        pieces = _within(self.triangles, low, high)
        small = [np.zeros((0, 3, 3))]
        while len(pieces):
            length = np.hypot.reduce(np.roll(pieces, -1, axis=1) - pieces, axis=2)
            fine = length.max(axis=1) <= STEPS * spacing
            small.append(pieces[fine])
            pieces = _within(_halved(pieces[~fine], length[~fine]), low, high)
        triangles = np.concatenate(small)
        normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normal /= np.maximum(np.hypot.reduce(normal, axis=1), 1e-12)[:, None]
        on_it = _LATTICE @ triangles
        either = [on_it + side * spacing * normal[:, None] for side in (-1, 0, 1)]
        return np.concatenate(either).reshape(-1, 3)


def _within(
    triangles: Float[np.ndarray, "t 3 3"],
    low: Float[np.ndarray, " 3"],
    high: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, "k 3 3"]:
    """Those whose bounding boxes reach into a region."""
    inside: Bool[np.ndarray, " t"] = (triangles.max(axis=1) >= low).all(axis=1)
    inside &= (triangles.min(axis=1) <= high).all(axis=1)
    return triangles[inside]


def _halved(
    triangles: Float[np.ndarray, "t 3 3"], length: Float[np.ndarray, "t 3"]
) -> Float[np.ndarray, "k 3 3"]:
    """Each cut in two across its longest edge; length: of the edges 01, 12, 20."""
    rows = np.arange(len(triangles))
    first = length.argmax(axis=1)
    a, b, c = (triangles[rows, (first + k) % 3] for k in range(3))
    middle = (a + b) / 2
    return np.concatenate([np.stack([a, middle, c], axis=1), np.stack([middle, b, c], axis=1)])
