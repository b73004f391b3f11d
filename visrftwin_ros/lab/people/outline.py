"""The outline of a triangle mesh as seen from one direction, as runs of a raster's rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outline:
    """What a body covers of a plane: K runs, exact along x, in rows of one height along y.

    bottom: (K,) metres, lower border of the run's row. row_height: metres. left, right: (K,)
    metres, where the run begins and ends at the middle of its row. Runs do not overlap.
    """

    bottom: Array
    row_height: float
    left: Array
    right: Array

    @property
    def area(self) -> float:
        """Square metres."""
        return float((self.right - self.left).sum() * self.row_height)


@dataclass(frozen=True)
class Topology:
    """Which triangles of a mesh share which edges; the same for all poses of a body.

    faces: (F, 3) rows of vertices. edges: (E, 2), each once. edge: (3 F,) of the sides of the
    faces, face by face; sign: (3 F,) +1 where the side runs along its edge, -1 against it.
    """

    faces: NDArray[np.int64]
    edges: NDArray[np.int64]
    edge: NDArray[np.int64]
    sign: NDArray[np.int64]

    @classmethod
    def of(cls, faces: NDArray[np.int64]) -> Topology:
        sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
        edges, edge = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)
        return cls(faces, edges, edge.ravel(), np.where(sides[:, 0] < sides[:, 1], 1, -1))


def outline(
    points: Array, mesh: Topology, row_height: float, shown: NDArray[np.bool_] | None = None
) -> Outline:
    """The union of the triangles of `mesh` with its vertices at `points` (V, 2) metres.

    shown: (F,) the faces that count, default all. row_height: at most so high; the rows fill the
    outline's height exactly. Turned one way round, neighbouring triangles cancel along the edge
    that they share: what is left are the edges of the outline, and a row is inside where it has
    crossed more of them upwards than downwards. Overlaps (an arm before the chest) count once.
    """
    a, b, c = (points[mesh.faces[:, i]] for i in range(3))
    turn = np.sign((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c - a)[:, 0])
    turn = turn if shown is None else turn * shown
    net = np.bincount(mesh.edge, mesh.sign * np.repeat(turn, 3), minlength=len(mesh.edges))
    kept = np.flatnonzero(net)
    start, end = points[mesh.edges[kept, 0]], points[mesh.edges[kept, 1]]
    if not len(kept):
        return Outline(np.zeros(0), row_height, np.zeros(0), np.zeros(0))
    floor, ceiling = (float(f(np.append(start[:, 1], end[:, 1]))) for f in (np.min, np.max))
    rows = max(int(np.ceil((ceiling - floor) / row_height - 1e-9)), 1)
    height = max(ceiling - floor, 1e-9) / rows
    row, x, winding = _crossings(start, end, net[kept].astype(float), floor, height)
    order = np.lexsort((x, row))
    row, x = row[order], x[order]
    # Every closed line crosses a row as often up as down: one running sum serves all rows.
    inside = np.cumsum(winding[order]) != 0
    before = np.concatenate([[False], inside[:-1]])
    left, right = np.flatnonzero(inside & ~before), np.flatnonzero(before & ~inside)
    return Outline(np.asarray(floor + row[left] * height, float), height, x[left], x[right])


def _crossings(
    start: Array, end: Array, net: Array, floor: float, height: float
) -> tuple[NDArray[np.int64], Array, NDArray[np.int64]]:
    """Where the edges from `start` to `end` (E, 2) cross the middles of rows: row, x, and by how
    much the winding changes there, (N,) each."""
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.ceil((low - floor) / height - 0.5).astype(np.int64)
    after = np.ceil((high - floor) / height - 0.5).astype(np.int64)
    count = after - first
    edge = np.repeat(np.arange(len(net)), count)
    row = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(edge))
    level = floor + (row + 0.5) * height
    rise = end[edge, 1] - start[edge, 1]
    x = start[edge, 0] + (end - start)[edge, 0] * (level - start[edge, 1]) / rise
    return row, x, np.round(net[edge] * np.sign(rise)).astype(np.int64)
