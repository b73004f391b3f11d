"""What stands: people and whatever else moved taken out of a scan, without a tracker."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import minimum_filter

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan

Vectors = Float[np.ndarray, "n 3"]

_CELL = 0.1
_OVERLAP_CELL = 0.25
"""m: of the cells that are hit or seen through, and of those that views have in common."""
_BIN = np.deg2rad(1.0)
_BEHIND = 0.3
"""m by which all that a view sees about a cell must lie behind it for it to be free there; and a share of
its distance, for poses that turn a little."""
_BEHIND_SHARE = 0.05
_FEWEST_VIEWS = 3
_LEAST_OVERLAP = 0.05


def check_overlap(scan: Scan) -> None:
    """Raises TwinError where hardly a place of a scan is seen in two views: their poses cannot fit."""
    if scan.seen_from is None:
        return
    cells, _ = cells_of(scan.points, _OVERLAP_CELL)
    hits = _hits(cells, scan.view)
    share = float((hits > 1).mean())
    if share < _LEAST_OVERLAP:
        raise TwinError(
            f"{scan.source}: {100 * share:.1f} % of the place is seen in two views; at least "
            f"{100 * _LEAST_OVERLAP:g} % must be: are its poses of one world, and its views of one room?"
        )


def standing(scan: Scan) -> Bool[np.ndarray, " n"]:
    """Which points lie in cells that are more often hit than seen through.

    A view sees through a cell where all that it sees within about a degree lies behind it: the range
    images of Kim and Kim, "Remove, then revert" (IROS 2020), as one vote of each view. All points of a
    scan of one or two views stand, and of one whose views nobody knows.
    """
    if scan.seen_from is None or scan.views < _FEWEST_VIEWS:
        return np.ones(len(scan), bool)
    cells, centres = cells_of(scan.points, _CELL)
    hits = _hits(cells, scan.view)
    through = np.zeros(len(centres), np.int64)
    starts = np.flatnonzero(np.diff(scan.view, prepend=-1))
    for first, last in zip(starts, [*starts[1:], len(scan)], strict=True):
        through += _seen_through(scan.points[first:last], scan.seen_from[first], centres)
    return np.asarray((hits > through)[cells])


def cells_of(
    points: Vectors, size: float
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "c 3"]]:
    """Number of the cube, `size` m wide, that each point lies in, and the middles of those cubes."""
    low = np.floor(points.min(axis=0) / size).astype(np.int64)
    place = np.floor(points / size).astype(np.int64) - low
    shape = place.max(axis=0) + 1
    packed = (place[:, 0] * shape[1] + place[:, 1]) * shape[2] + place[:, 2]
    keys, cells = np.unique(packed, return_inverse=True)
    across, z = np.divmod(keys, shape[2])
    x, y = np.divmod(across, shape[1])
    return cells, (np.stack([x, y, z], axis=1) + low + 0.5) * size


def _hits(cells: Int[np.ndarray, " n"], view: Int[np.ndarray, " n"]) -> Int[np.ndarray, " c"]:
    """In how many views each cell has a point."""
    pairs = np.unique(cells * (int(view.max()) + 1) + view)
    return np.bincount(pairs // (int(view.max()) + 1), minlength=int(cells.max()) + 1)


def _seen_through(
    points: Vectors, eye: Float[np.ndarray, " 3"], centres: Vectors
) -> Bool[np.ndarray, " c"]:
    rows, columns = round(np.pi / _BIN), round(2 * np.pi / _BIN)

    def seen(places: Vectors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        way = places - eye
        reach = np.maximum(np.linalg.norm(way, axis=1), 1e-6)
        row = ((np.pi / 2 + np.arcsin(np.clip(way[:, 2] / reach, -1, 1))) / _BIN).astype(np.int64)
        column = ((np.pi + np.arctan2(way[:, 1], way[:, 0])) / _BIN).astype(np.int64)
        return np.minimum(row, rows - 1), column % columns, reach

    nearest = np.full((rows, columns), np.inf)
    row, column, reach = seen(points)
    np.minimum.at(nearest, (row, column), reach)
    nearest = minimum_filter(nearest, 3, mode=("nearest", "wrap"))
    row, column, reach = seen(centres)
    behind = nearest[row, column]
    return np.isfinite(behind) & (behind > reach * (1 + _BEHIND_SHARE) + _BEHIND)
