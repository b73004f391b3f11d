"""Which triangles of a mesh share which edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Topology:
    """The same for all poses of a body.

    faces: (F, 3) rows of vertices. edges: (E, 2), each once. edge: (3 F,) of the sides of the
    faces, face by face.
    """

    faces: NDArray[np.int64]
    edges: NDArray[np.int64]
    edge: NDArray[np.int64]

    @classmethod
    def of(cls, faces: NDArray[np.int64]) -> Topology:
        sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
        edges, edge = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)
        return cls(faces, edges, edge.ravel())
