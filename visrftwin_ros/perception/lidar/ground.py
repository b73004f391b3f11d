"""Height of the ground under a LiDAR sweep.

A grid of the lowest returns, cleaned by its neighbours (after Himmelsbach, von Hundelshausen &
Wuensche, "Fast segmentation of 3D point clouds for ground vehicles", IV 2010, with cells instead of
sectors, so that it works from any viewpoint).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

CELL = 1.0
"""m: wider than a person, so that ground shows beside them."""
SLACK, SLOPE = 0.5, 0.05
"""m at the origin, and per metre from it: how far the ground may lie from z = 0."""
STEP = 0.25
"""m above the neighbourhood from which a cell's lowest return is not ground but something on it."""
REFERENCE_SHARE = 0.3
"""Rank among a cell's neighbours that stands for the ground: over ghosts, under objects."""


@dataclass(frozen=True)
class GroundMap:
    """Ground height [m] on a square grid of `CELL` around a centre: heights (S, S), x first."""

    center: Float[np.ndarray, " 2"]
    heights: Float[np.ndarray, "s s"]

    def under(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Ground height under points inside the grid: (N,) m."""
        size = len(self.heights)
        flat = _cells(points, self.center, size)
        return np.asarray(self.heights.reshape(-1)[flat])


def ground_map(
    points: Float[np.ndarray, "n 3"], center: Float[np.ndarray, " 2"], reach: float
) -> GroundMap:
    """The ground around `center`, up to `reach` m, near z = 0; z up.

    Cells without a return of the ground take their neighbours' height, or that of the whole.
    """
    size = 2 * int(np.ceil(reach / CELL)) + 1
    flat = _cells(points, center, size)
    axis = (np.arange(size) - size // 2) * CELL
    slack = (SLACK + SLOPE * np.hypot(axis[:, None], axis[None])).astype(np.float32).reshape(-1)
    low = points[:, 2]
    allowed = slack[flat]
    near = np.abs(low) < allowed
    lowest = np.full(size * size, np.inf, dtype=np.float32)
    np.minimum.at(lowest, flat[near], low[near])

    padded = np.pad(lowest.reshape(size, size), 2, constant_values=np.inf)
    around = np.sort(
        np.stack(
            [padded[i : i + size, j : j + size].reshape(-1) for i in range(5) for j in range(5)]
        ),
        axis=0,
    )
    known = np.isfinite(around).sum(axis=0)
    rank = (REFERENCE_SHARE * known).astype(np.int64)
    reference = around[np.minimum(rank, 24), np.arange(size * size)]
    overall = float(np.median(reference[known > 0])) if known.any() else 0.0
    reference = np.where(known > 0, reference, overall)
    own = np.isfinite(lowest) & (np.abs(lowest - reference) < STEP)
    heights = np.where(own, lowest, reference)
    return GroundMap(np.asarray(center, dtype=np.float64), heights.reshape(size, size))


def _cells(
    points: Float[np.ndarray, "n 3"], center: Float[np.ndarray, " 2"], size: int
) -> np.ndarray:
    half = np.float32(size / 2)
    column = ((points[:, 0] - np.float32(center[0])) / np.float32(CELL) + half).astype(np.int32)
    row = ((points[:, 1] - np.float32(center[1])) / np.float32(CELL) + half).astype(np.int32)
    np.clip(column, 0, size - 1, out=column)
    np.clip(row, 0, size - 1, out=row)
    return column * size + row
