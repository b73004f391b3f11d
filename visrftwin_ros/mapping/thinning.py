"""One point a cell, those that stand alone removed, and the normal at each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan
from visrftwin_ros.mapping.static_points import cells_of

_NEIGHBOURS = 24
_NEAR = 8
"""Neighbours whose mean distance tells points that stand alone."""
_ALONE = 2.0
"""Standard deviations over the mean (statistical outlier removal: Rusu et al., Robotics and Autonomous
Systems 56, 2008)."""
_REACH = 4.0
"""Cells within which neighbours make a normal."""
_CHUNK = 100_000
_FEWEST = 200


@dataclass(frozen=True)
class Cloud:
    """N points, one a cell. points: (N, 3) m. normals: (N, 3) unit, to where the point was seen from where
    that is known (`oriented`). cell: m."""

    points: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]
    oriented: bool
    cell: float

    def __len__(self) -> int:
        return len(self.points)

    def where(self, mask: Bool[np.ndarray, " n"]) -> Cloud:
        """The points that a mask picks."""
        return Cloud(self.points[mask], self.normals[mask], self.oriented, self.cell)


def thinned(scan: Scan, cell: float) -> Cloud:
    """The mean of a scan's points in each cube `cell` m wide, without those that stand alone.

    Raises TwinError where too few are left for a surface.
    """
    cells, _ = cells_of(scan.points, cell)
    counts = np.bincount(cells)
    sums = np.stack([np.bincount(cells, column) for column in scan.points.T], axis=1)
    points = np.asarray(sums / counts[:, None], dtype=np.float64)
    if len(points) < _FEWEST:
        raise TwinError(
            f"{scan.source}: {len(points)} cells of {cell:g} m hold points: too few for a surface"
        )
    distance, near = _neighbours(points)
    alone = distance[:, 1 : _NEAR + 1].mean(axis=1)
    kept = alone < alone.mean() + _ALONE * alone.std()
    normals = _normals(points, distance, near, _REACH * cell)
    if scan.seen_from is not None:
        eyes = np.stack([np.bincount(cells, column) for column in scan.seen_from.T], axis=1)
        towards = eyes / counts[:, None] - points
        normals *= np.where(np.einsum("ij,ij->i", normals, towards) < 0, -1.0, 1.0)[:, None]
    return Cloud(points[kept], normals[kept], scan.seen_from is not None, cell)


def _neighbours(
    points: Float[np.ndarray, "n 3"],
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    distance, near = cKDTree(points).query(points, k=_NEIGHBOURS)
    return distance, np.asarray(near, np.int64)


def _normals(
    points: Float[np.ndarray, "n 3"],
    distance: Float[np.ndarray, "n k"],
    near: Int[np.ndarray, "n k"],
    reach: float,
) -> Float[np.ndarray, "n 3"]:
    """Direction in which each point's neighbours spread least."""
    found = np.empty_like(points)
    for first in range(0, len(points), _CHUNK):
        rows = slice(first, first + _CHUNK)
        weight = (distance[rows] <= reach).astype(float)
        weight /= weight.sum(axis=1, keepdims=True)
        around = points[near[rows]]
        around = around - np.einsum("nk,nki->ni", weight, around)[:, None]
        spread = np.einsum("nk,nki,nkj->nij", weight, around, around, optimize=True)
        found[rows] = np.linalg.eigh(spread)[1][:, :, 0]
    return found
