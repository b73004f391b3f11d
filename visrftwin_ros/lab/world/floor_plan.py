"""Where on the floor one may stand, and the way round what stands there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.world import World
from visrftwin_ros.site.model import Box

CELL = 0.1
"""Metres of a grid cell."""
_STEP_OVER, _HEAD_ROOM = 0.15, 2.0
"""A box in this range of heights, metres, is in a person's way."""
_DEVICE_RADIUS = 0.3
"""Metres that a standing robot takes."""


@dataclass(frozen=True)
class FloorPlan:
    """origin: (2,) metres, the first cell's centre. clearance: (W, H) metres to the nearest thing."""

    origin: Float[np.ndarray, " 2"]
    clearance: Float[np.ndarray, "w h"]

    def clear(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n"]:
        """Metres from each point to the nearest thing, 0 outside the ground."""
        cells = np.rint((points - self.origin) / CELL).astype(int)
        inside = ((cells >= 0) & (cells < self.clearance.shape)).all(axis=-1)
        safe = np.where(inside[..., None], cells, 0)
        return np.where(inside, self.clearance[safe[..., 0], safe[..., 1]], 0.0)

    def sees(
        self, start: Float[np.ndarray, " 2"], end: Float[np.ndarray, " 2"], gap: float
    ) -> bool:
        """Whether one may walk straight on, `gap` metres from everything."""
        steps = max(int(np.ceil(np.linalg.norm(end - start) / (CELL / 2))), 1)
        along = np.linspace(0, 1, steps + 1)[:, None]
        return bool((self.clear(start + along * (end - start)) >= gap).all())


def floor_plan(world: World) -> FloorPlan:
    """The plan of the world as it is: furniture, clutter, walls and standing robots."""
    x0, y0, x1, y1 = world.ground
    xs, ys = np.arange(x0, x1 + CELL / 2, CELL), np.arange(y0, y1 + CELL / 2, CELL)
    points = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1)
    taken = np.zeros(points.shape[:2], bool)
    for surface in world.true_site.scene:
        if isinstance(surface, Box):
            taken |= _covers(surface, points)
    for robot in world.true_site.robots:
        if robot.position is not None:
            taken |= np.linalg.norm(points - robot.position, axis=-1) < _DEVICE_RADIUS
    taken[[0, -1]], taken[:, [0, -1]] = True, True
    return FloorPlan(np.array([x0, y0]), np.asarray(distance_transform_edt(~taken) * CELL))


def _covers(box: Box, points: Float[np.ndarray, "w h 2"]) -> Bool[np.ndarray, "w h"]:
    low, high = box.center[2] - box.size[2] / 2, box.center[2] + box.size[2] / 2
    if high < _STEP_OVER or low > _HEAD_ROOM:
        return np.zeros(points.shape[:2], bool)
    dx, dy = np.moveaxis(points - np.array(box.center[:2]), -1, 0)
    along = dx * np.cos(box.yaw) + dy * np.sin(box.yaw)
    across = -dx * np.sin(box.yaw) + dy * np.cos(box.yaw)
    half = np.maximum(np.array(box.size[:2]), CELL) / 2
    return np.asarray((np.abs(along) <= half[0]) & (np.abs(across) <= half[1]))


class Ways:
    """Shortest ways over the floor that keep `gap` metres from everything."""

    def __init__(self, plan: FloorPlan, gap: float) -> None:
        self.plan, self.gap = plan, gap
        free = np.asarray(plan.clearance >= gap)
        if not free.any():
            raise TwinError(f"nobody finds a place on this ground with {gap:g} m round him")
        self._index = np.full(free.shape, -1)
        self._index[free] = np.arange(free.sum())
        self._cells = np.argwhere(free)
        rows, columns, weights = [], [], []
        for step in ((1, 0), (0, 1), (1, 1), (1, -1)):
            ahead = self._cells + step
            ok = np.asarray(((ahead >= 0) & (ahead < free.shape)).all(axis=1))
            there = self._index[tuple(np.where(ok[:, None], ahead, 0).T)]
            ok &= there >= 0
            rows.append(np.flatnonzero(ok))
            columns.append(there[ok])
            # Close by furniture a step counts more, so that people take the middle of an aisle.
            near = 1 + 0.3 * np.exp(-(plan.clearance[tuple(self._cells[ok].T)] - gap) / 0.2)
            weights.append(np.hypot(*step) * CELL * near)
        data = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
        size = (len(self._cells),) * 2
        self._graph = coo_array(data, shape=size).tocsr()
        reached = np.isfinite(dijkstra(self._graph, False, indices=self._largest_piece()))
        self._reached = np.flatnonzero(reached)

    def place(self, rng: np.random.Generator) -> Float[np.ndarray, " 2"]:
        """A free place, drawn."""
        return self._centre(int(rng.choice(self._reached)))

    def nearest(self, point: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " 2"]:
        """The free place nearest to a point."""
        return self._centre(self._cell(point))

    def way(
        self, start: Float[np.ndarray, " 2"], end: Float[np.ndarray, " 2"]
    ) -> Float[np.ndarray, "k 2"]:
        """Corners of a short way between free places."""
        first, last = self._cell(start), self._cell(end)
        _, before = dijkstra(self._graph, False, indices=last, return_predecessors=True)
        cells = [first]
        while cells[-1] != last:
            cells.append(int(before[cells[-1]]))
        points = [self._centre(cell) for cell in cells]
        corners, at = [points[0]], 0
        while at < len(points) - 1:
            ahead = len(points) - 1
            while ahead > at + 1 and not self.plan.sees(points[at], points[ahead], self.gap):
                ahead = (at + ahead + 1) // 2 if ahead - at > 2 else at + 1
            corners.append(points[ahead])
            at = ahead
        return np.array(corners)

    def _centre(self, cell: int) -> Float[np.ndarray, " 2"]:
        return np.asarray(self.plan.origin + CELL * self._cells[cell])

    def _cell(self, point: Float[np.ndarray, " 2"]) -> int:
        cells = self._cells[self._reached]
        distance = np.linalg.norm(self.plan.origin + CELL * cells - point, axis=1)
        return int(self._reached[np.argmin(distance)])

    def _largest_piece(self) -> int:
        _, labels = connected_components(self._graph, directed=False)
        return int(np.flatnonzero(labels == np.bincount(labels).argmax())[0])
