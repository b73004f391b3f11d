"""Which places lie inside the solid things of a scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.propagation.paths.path_set import lengths
from visrftwin_ros.scene.surfaces import SurfaceMesh

Array = NDArray[np.float64]

_ALL_ROUND = 0.99
"""Share of the full solid angle that a closed surface fills as seen from inside; one with a hole
fills less, and nothing is said to be inside it."""


def enclosing(points: Array, meshes: Sequence[SurfaceMesh]) -> NDArray[np.bool_]:
    """(N, O) the point (N, 3) is inside the closed surface; open surfaces hold nothing."""
    share = [np.abs(_solid_angle(points, mesh)) / (4 * np.pi) for mesh in meshes]
    return np.stack(share, axis=1) > _ALL_ROUND


def solids(meshes: Sequence[SurfaceMesh], access_points: Array) -> list[SurfaceMesh]:
    """The surfaces in which no radio end can be: a closed one round an access point (N, 3) is a
    room, not a wall."""
    holds = enclosing(access_points, meshes)
    return [mesh for i, mesh in enumerate(meshes) if not holds[:, i].any()]


def _solid_angle(points: Array, mesh: SurfaceMesh) -> Array:
    """(N,) signed, of all triangles (van Oosterom and Strackee, IEEE Trans. Biomed. Eng. 1983)."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]][None] - points[:, None] for i in range(3))
    la, lb, lc = lengths(a), lengths(b), lengths(c)
    volume = np.einsum("nfi,nfi->nf", a, np.cross(b, c))
    dots = [np.einsum("nfi,nfi->nf", *pair) for pair in ((a, b), (b, c), (c, a))]
    width = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
    return np.asarray(2 * np.arctan2(volume, width).sum(axis=1))
