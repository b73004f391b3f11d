"""Returns that belong together: connected cells seen from above, split where people stand close."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

CELL = 0.1
"""m: edge of a cell, seen from above."""
PERSON_SIDE = 0.85
"""m: a cluster longer than this may hold several people."""
PEAK_RADIUS = 0.25
"""m around a body's axis in which its upper body's returns lie."""
PEAK_APART = 0.45
"""m: two people stand no closer than this, axis to axis."""
UPPER = 1.0
"""m over the ground from which returns count as upper body: legs of neighbours mingle, and cars
and benches end below."""


def cluster_labels(
    points: Float[np.ndarray, "n 2"], spacing: Float[np.ndarray, " n"]
) -> Int[np.ndarray, " n"]:
    """Cluster of each point, 0..K-1: cells next to each other hold one cluster.

    points: (N, 2) m. spacing: (N,) m between neighbouring returns at that distance; where it is
    wider than a cell, cells two apart are still next to each other.
    """
    if not len(points):
        return np.zeros(0, dtype=np.int64)
    index = np.floor(points / CELL).astype(np.int64)
    index -= index.min(axis=0)
    width = int(index[:, 1].max()) + 5
    flat = (index[:, 0] + 2) * width + index[:, 1] + 2
    cells, cell_of = np.unique(flat, return_inverse=True)
    wide = np.zeros(len(cells), dtype=bool)
    wide[cell_of[spacing > 0.8 * CELL]] = True
    first, second = [], []
    for i, j in _HALF_RING:
        other = cells + i * width + j
        at = np.minimum(np.searchsorted(cells, other), len(cells) - 1)
        hit = cells[at] == other
        if max(abs(i), abs(j)) > 1:
            hit &= wide
        first.append(np.flatnonzero(hit))
        second.append(at[hit])
    rows, columns = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), (len(cells),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1][cell_of], dtype=np.int64)


_HALF_RING = [(i, j) for i in range(3) for j in range(-2, 3) if (i, j) > (0, 0)]


def split_groups(
    points: Float[np.ndarray, "n 2"],
    height: Float[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " k"]]:
    """Labels with groups of people taken apart, and how much of each part touches another.

    height: (N,) m over the ground. The places with the most upper-body returns around are the
    people; every return goes to the nearest within half a person's side, the rest to nobody (-1).
    touching: (K,) share of a part's returns that lie within a cell of another part of its group:
    near one in a wall or a car, small between people.
    """
    count = int(labels.max(initial=-1)) + 1
    side = cluster_extent(points, labels, count).max(axis=1, initial=0.0)
    large = (side > PERSON_SIDE)[labels]
    picked = np.flatnonzero(large & (height > UPPER))
    result = np.where(large, -1, labels)
    if not len(picked):
        return result, np.zeros(count)
    cells, cell_of = _thinned(points[picked], labels[picked])
    tree = cKDTree(cells)
    weight = np.bincount(cell_of).astype(np.float64)
    group = np.zeros(len(cells), dtype=np.int64)
    group[cell_of] = labels[picked]
    peaks = _peaks(tree, cells, weight, group)

    members = np.flatnonzero(large)
    distance, nearest = cKDTree(cells[peaks]).query(points[members], k=2 if len(peaks) > 1 else 1)
    distance = distance.reshape(len(members), -1)
    nearest = nearest.reshape(len(members), -1)
    mine = (distance[:, 0] < PERSON_SIDE / 2) & (group[peaks][nearest[:, 0]] == labels[members])
    result[members[mine]] = count + nearest[mine, 0]
    touching = np.zeros(count + len(peaks))
    if nearest.shape[1] > 1:
        # On the bisector of two peaks the distances are equal.
        seam = mine & (distance[:, 1] - distance[:, 0] < CELL) & (height[members] > UPPER)
        upper = mine & (height[members] > UPPER)
        total = np.bincount(nearest[upper, 0], minlength=len(peaks))
        shared = np.bincount(nearest[seam, 0], minlength=len(peaks))
        touching[count:] = shared / np.maximum(total, 1)
    return result, touching


def cluster_extent(
    points: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"], count: int
) -> Float[np.ndarray, "k 2"]:
    """Extent along x and y of each cluster: (K, 2) m."""
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    for axis in range(2):
        np.minimum.at(low[:, axis], labels, points[:, axis])
        np.maximum.at(high[:, axis], labels, points[:, axis])
    return np.asarray(np.maximum(high - low, 0.0))


def _thinned(
    points: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "c 2"], Int[np.ndarray, " n"]]:
    """Mean place of the points of each cell and cluster, and each point's cell."""
    index = np.floor(points / CELL).astype(np.int64)
    index -= index.min(axis=0)
    key = (labels * (index[:, 0].max() + 1) + index[:, 0]) * (index[:, 1].max() + 1) + index[:, 1]
    _, cell_of, number = np.unique(key, return_inverse=True, return_counts=True)
    sums = [np.bincount(cell_of, weights=points[:, axis]) / number for axis in range(2)]
    return np.column_stack(sums), cell_of


def _peaks(
    tree: cKDTree,
    cells: Float[np.ndarray, "c 2"],
    weight: Float[np.ndarray, " c"],
    group: Int[np.ndarray, " c"],
) -> Int[np.ndarray, " p"]:
    """Cells that have the most weight around them of all within `PEAK_APART` in their group."""
    pairs = tree.query_pairs(PEAK_APART, output_type="ndarray")
    pairs = pairs[group[pairs[:, 0]] == group[pairs[:, 1]]]
    gap = np.hypot(*(cells[pairs[:, 0]] - cells[pairs[:, 1]]).T)
    kernel = np.clip(1.0 - gap / PEAK_RADIUS, 0.0, None)
    density = weight.copy()
    density += np.bincount(pairs[:, 0], weights=kernel * weight[pairs[:, 1]], minlength=len(cells))
    density += np.bincount(pairs[:, 1], weights=kernel * weight[pairs[:, 0]], minlength=len(cells))
    density += 1e-6 * np.arange(len(cells))  # no two are equal
    beaten: Bool[np.ndarray, " c"] = np.zeros(len(cells), dtype=bool)
    first_wins = density[pairs[:, 0]] > density[pairs[:, 1]]
    beaten[np.where(first_wins, pairs[:, 1], pairs[:, 0])] = True
    return np.flatnonzero(~beaten)
