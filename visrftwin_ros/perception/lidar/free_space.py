"""Returns from where a site has nothing: cells that something new stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from visrftwin_ros.perception.lidar.background import SEEN_THROUGH, nearest_behind
from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Ground, Site

CELL = 0.1
"""m, of a place that is not large."""
_MOST_CELLS = 8_000_000
_NEAR = 1.6
"""Cells from a surface of the building within which a return is of it."""
_LOW, _HIGH = 0.1, 2.4
"""m over the lowest ground: what is lower is the ground, what is higher hangs."""
_LOOKS_THROUGH = 2
"""In a row, after which a cell is empty."""
_FEWEST_LOOKS = 4
_SEEN_SHARE = 0.5
"""Of the looks in which a cell was hit or seen through, in which it must be hit."""
_FORGET_NS = 60_000_000_000
_TOGETHER = 2.5
"""Cells between points of one thing, at most."""


@dataclass(frozen=True)
class Cluster:
    """N cells that stand: their mean returns, m, since when they were hit, ns ROS time, and the share of the
    looks in which they were, not seen through."""

    cells: Int[np.ndarray, " n"]
    points: Float[np.ndarray, "n 3"]
    since_ns: Int[np.ndarray, " n"]
    share: float


class FreeSpace:
    """Where a site has free space, and what comes back from there.

    building: its meshes but for what may be moved. Cells are kept while returns come from them.
    """

    def __init__(self, site: Site, building: Sequence[SurfaceMesh]) -> None:
        grounds = [surface for surface in site.scene if isinstance(surface, Ground)]
        vertices = np.concatenate([mesh.vertices for mesh in building])
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        if grounds:
            half = np.array([ground.size for ground in grounds]) / 2
            middle = np.array([ground.center for ground in grounds])
            low[:2] = (middle[:, :2] - half).min(axis=0)
            high[:2] = (middle[:, :2] + half).max(axis=0)
            low[2] = middle[:, 2].min()
        self.floor = float(low[2])
        low[2], high[2] = self.floor + _LOW, self.floor + _HIGH
        volume = float(np.prod(np.maximum(high - low, CELL)))
        self.cell = max(CELL, (volume / _MOST_CELLS) ** (1 / 3))
        self._low = low
        self._shape = tuple(np.maximum(np.ceil((high - low) / self.cell), 1).astype(int))
        self._free = self._free_of(building)
        self._id = np.zeros(0, np.int64)
        self._sum, self._count = np.zeros((0, 3)), np.zeros(0)
        self._since, self._last = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._hit, self._through, self._row = np.zeros((3, 0), np.int64)

    def _free_of(self, building: Sequence[SurfaceMesh]) -> Bool[np.ndarray, " cells"]:
        taken = np.zeros(self._shape, bool)
        for mesh in building:
            points = surface_samples(mesh.vertices, mesh.faces, self.cell / 2)
            index = np.floor((points - self._low) / self.cell).astype(int)
            # A surface just beside the grid is near its outermost cells.
            inside = ((index >= -1) & (index <= self._shape)).all(axis=1)
            index = np.clip(index[inside], 0, np.array(self._shape) - 1)
            taken[tuple(index.T)] = True
        if not taken.any():
            return np.ones(taken.size, bool)
        return np.asarray(distance_transform_edt(~taken) > _NEAR).reshape(-1)

    def forget(self) -> None:
        """As if nothing had been seen."""
        self._keep(np.zeros(len(self._id), bool))

    def free(self, points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Which points lie where the site has nothing."""
        index = np.floor((points - self._low) / self.cell).astype(np.int64)
        inside = ((index >= 0) & (index < self._shape)).all(axis=1)
        flat = np.ravel_multi_index(tuple(np.where(inside[:, None], index, 0).T), self._shape)
        return np.asarray(inside & self._free[flat])

    def look(
        self,
        new: Float[np.ndarray, "k 3"],
        points: Float[np.ndarray, "n 3"],
        origin: Float[np.ndarray, " 3"],
        stamp_ns: int,
    ) -> None:
        """Takes in the returns `new` of free space, of all `points` of a sweep from `origin`."""
        index = np.floor((new - self._low) / self.cell).astype(np.int64)
        flat = np.ravel_multi_index(tuple(index.T), self._shape) if len(new) else index[:, 0]
        ids, inverse = np.unique(flat, return_inverse=True)
        self._take_in(np.setdiff1d(ids, self._id), stamp_ns)
        place = np.searchsorted(self._id, ids)
        for axis in range(3):
            self._sum[place, axis] += np.bincount(inverse, new[:, axis], len(ids))
        self._count[place] += np.bincount(inverse, minlength=len(ids))
        hit = np.zeros(len(self._id), bool)
        hit[place] = True
        behind = nearest_behind(points, origin, self._points)
        far = np.linalg.norm(self._points - origin, axis=1)
        through = ~hit & np.isfinite(behind) & (behind > far + SEEN_THROUGH)
        self._hit += hit
        self._through += through
        self._row = np.where(hit, 0, self._row + through)
        self._last[hit] = stamp_ns
        self._keep((self._row < _LOOKS_THROUGH) & (stamp_ns - self._last < _FORGET_NS))

    def clusters(self, stamp_ns: int, still: float) -> list[Cluster]:
        """What stands in free space since `still` seconds and more, the largest first."""
        seen = self._hit + self._through
        share = self._hit / np.maximum(seen, 1)
        stands = (stamp_ns - self._since >= still * 1e9) & (self._hit >= _FEWEST_LOOKS)
        rows = np.flatnonzero(stands & (share >= _SEEN_SHARE))
        if not len(rows):
            return []
        points = self._points[rows]
        pairs = cKDTree(points).query_pairs(_TOGETHER * self.cell, output_type="ndarray")
        ones, size = np.ones(len(pairs), bool), (len(rows), len(rows))
        label = connected_components(coo_array((ones, (pairs[:, 0], pairs[:, 1])), size), False)[1]
        order = np.argsort(-np.bincount(label), kind="stable")
        parts = [np.flatnonzero(label == k) for k in order]
        return [
            Cluster(
                self._id[rows[part]],
                points[part],
                self._since[rows[part]],
                float(share[rows[part]].mean()),
            )
            for part in parts
        ]

    def take(self, cluster: Cluster) -> None:
        """It is known what this is: its returns are of free space no more."""
        self._keep(~np.isin(self._id, cluster.cells))

    @property
    def _points(self) -> Float[np.ndarray, "cells 3"]:
        """The mean return of each cell."""
        return self._sum / self._count[:, None]

    def _take_in(self, fresh: Int[np.ndarray, " k"], stamp_ns: int) -> None:
        place = np.searchsorted(self._id, fresh)
        self._id = np.insert(self._id, place, fresh)
        self._sum = np.insert(self._sum, place, 0.0, axis=0)
        self._count = np.insert(self._count, place, 0.0)
        self._since = np.insert(self._since, place, stamp_ns)
        self._last = np.insert(self._last, place, stamp_ns)
        self._hit = np.insert(self._hit, place, 0)
        self._through = np.insert(self._through, place, 0)
        self._row = np.insert(self._row, place, 0)

    def _keep(self, kept: Bool[np.ndarray, " cells"]) -> None:
        for name in ("_id", "_sum", "_count", "_since", "_last", "_hit", "_through", "_row"):
            setattr(self, name, getattr(self, name)[kept])
