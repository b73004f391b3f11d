"""A coarse mesh of something round, with every side cut in two where it bulges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.lab.people.topology import Topology

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rounding:
    """coarse: the mesh as it is. faces: (4 F, 3) of the finer one, whose vertices are the coarse
    one's and then a point on each of its edges."""

    coarse: Topology
    faces: NDArray[np.int64]

    @classmethod
    def of(cls, coarse: Topology, vertices: int) -> Rounding:
        a, b, c = coarse.faces.T
        ab, bc, ca = (coarse.edge.reshape(-1, 3) + vertices).T
        parts = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        return cls(coarse, np.concatenate([np.stack(part, axis=1) for part in parts]))

    def points(self, vertices: Array) -> Array:
        """(V + E, 3): the new points lie on the arc that stands square on the vertices' normals.

        Half-way between an edge's middle and what it projects to on the planes that touch its ends
        (Boubekeur and Alexa, "Phong tessellation", ACM Trans. Graph. 27, 2008): exact on a circle
        to the fourth order.
        """
        normal = _normals(vertices, self.coarse.faces)
        start, end = self.coarse.edges.T
        half = (vertices[end] - vertices[start]) / 2
        rise = (np.einsum("ij,ij->i", half, normal[start])[:, None] * normal[start]) - (
            np.einsum("ij,ij->i", half, normal[end])[:, None] * normal[end]
        )
        return np.concatenate([vertices, vertices[start] + half - rise / 4])


def _normals(vertices: Array, faces: NDArray[np.int64]) -> Array:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normal = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(face[:, axis], 3), minlength=len(vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12))
