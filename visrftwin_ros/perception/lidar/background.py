"""What stands still in a LiDAR's surroundings: cells that returns keep coming from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.perception.lidar.static_scene import StaticScene
from visrftwin_ros.site.model import Box

CELL = 0.2
"""m: edge of a cell."""
LEAST_SHARE = 0.5
"""Share of the sweeps learnt from in which a cell must hold a return to be background."""
LOW, HIGH = -2.0, 5.0
"""m over the expected ground that cells are kept for."""
LOWEST_SURFACE = 0.1
"""m over the expected ground up to which a site's meshes are not asked for."""
SECTORS = 720, 180
"""Directions (azimuth, elevation) in which cells that the sensor sees through are looked for."""
SEEN_THROUGH = 0.6
"""m behind a cell from which the nearest return in its direction shows that it is empty."""
FORGET_AFTER = 5
"""Looks through a cell in a row after which it is background no more."""


@dataclass(frozen=True)
class _Grid:
    corner: Float[np.ndarray, " 3"]
    shape: tuple[int, int, int]

    def flat(self, points: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
        """Index of each point's cell, that of the nearest one for points outside."""
        flat = np.zeros(len(points), dtype=np.int32)
        for axis, size in enumerate(self.shape):
            # Not below zero inside the grid, where truncation is the floor.
            cell = (points[:, axis] - np.float32(self.corner[axis])) * np.float32(1 / CELL)
            index = np.clip(cell, 0, size - 1).astype(np.int32)
            flat *= np.int32(size)
            flat += index
        return flat

    def centers(self, flat: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 3"]:
        index = np.stack(np.unravel_index(flat, self.shape), axis=1)
        return np.asarray(self.corner + (index + 0.5) * CELL)

    def fill(self, cells: Bool[np.ndarray, " c"], box: Box) -> None:
        """Marks the cells whose middle is in the box, or no further from it than half a cell."""
        half = np.array(box.size) / 2 + CELL / 2
        c, s = np.cos(box.yaw), np.sin(box.yaw)
        extent = np.array(
            [abs(c) * half[0] + abs(s) * half[1], abs(s) * half[0] + abs(c) * half[1]]
        )
        spans = []
        for axis, reach in enumerate((*extent, half[2])):
            around = (box.center[axis] + np.array([-reach, reach]) - self.corner[axis]) / CELL
            first, last = np.clip(np.floor(around), 0, self.shape[axis] - 1).astype(int)
            index = np.arange(first, last + 1)
            spans.append((index, self.corner[axis] + (index + 0.5) * CELL - box.center[axis]))
        (columns, x), (rows, y), (layers, z) = spans
        x, y = x[:, None], y[None]
        across = (np.abs(c * x + s * y) <= half[0]) & (np.abs(c * y - s * x) <= half[1])
        inside = across[..., None] & (np.abs(z) <= half[2])
        cells.reshape(self.shape)[np.ix_(columns, rows, layers)] |= inside


class LidarBackground:
    """Learns the background of one place in the world frame, then tells foreground returns.

    Somebody who stood there while it was learnt is forgotten once the sensor sees through the
    place; what comes later never becomes background.
    """

    def __init__(
        self,
        center: Float[np.ndarray, " 3"],
        reach: float,
        learning_time: float = 3.0,
        scene: StaticScene | None = None,
    ) -> None:
        """center: (3,) m of the region, z on the ground; reach: m, its half side. scene: of the
        site, background from the start."""
        side = int(np.ceil(2 * reach / CELL))
        corner = np.array([center[0] - reach, center[1] - reach, center[2] + LOW])
        self._grid = _Grid(corner, (side, side, int((HIGH - LOW) / CELL)))
        self._learning_time = learning_time
        self._first_ns: int | None = None
        self._sweeps = 0
        cells = int(np.prod(self._grid.shape))
        self._hits: Int[np.ndarray, " c"] | None = np.zeros(cells, dtype=np.uint16)
        self._known = self._of_scene(scene or StaticScene())
        self._solid = self._known.copy()
        self._learnt = np.zeros(0, dtype=np.int64)
        self._misses = np.zeros(0, dtype=np.int64)

    @property
    def learning(self) -> bool:
        return self._hits is not None

    @property
    def cells(self) -> int:
        """Learnt cells that are background now."""
        return len(self._learnt)

    def foreground(self, points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Which world points come from no background cell: (N,)."""
        return np.asarray(~self._solid[self._grid.flat(points)])

    def of_site(self, points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Which world points come from what the site has there: (N,)."""
        return np.asarray(self._known[self._grid.flat(points)])

    def learn(self, points: Float[np.ndarray, "n 3"], stamp_ns: int) -> None:
        """Take a sweep while learning; after it the background is settled."""
        if self._hits is None:
            return
        if self._first_ns is None or stamp_ns < self._first_ns:
            self._first_ns = stamp_ns
        seen = np.unique(self._grid.flat(points))
        self._hits[seen] += 1
        self._sweeps += 1
        if (stamp_ns - self._first_ns) * 1e-9 >= self._learning_time and self._sweeps >= 3:
            self._learnt = np.flatnonzero(self._hits >= LEAST_SHARE * self._sweeps)
            self._misses = np.zeros(len(self._learnt), dtype=np.int64)
            self._hits = None
            self._settle()

    def forget_seen_through(
        self, points: Float[np.ndarray, "n 3"], origin: Float[np.ndarray, " 3"]
    ) -> None:
        """Drop learnt cells behind which the sensor keeps seeing something else."""
        if self._hits is not None or not len(self._learnt) or not len(points):
            return
        cells = self._grid.centers(self._learnt)
        behind, far = nearest_behind(points, origin, cells), _polar(cells, origin)[1]
        through = np.isfinite(behind) & (behind > far + SEEN_THROUGH)
        self._misses = np.where(through, self._misses + 1, 0)
        kept = self._misses < FORGET_AFTER
        if not kept.all():
            self._learnt, self._misses = self._learnt[kept], self._misses[kept]
            self._settle()

    def _settle(self) -> None:
        # Noise carries returns of a surface over the border of its cells.
        _, rows, layers = self._grid.shape
        steps = (np.arange(3) - 1)[:, None, None] * rows + (np.arange(3) - 1)[None, :, None]
        steps = (steps * layers + (np.arange(3) - 1)).reshape(-1)
        self._solid = self._known.copy()
        for step in steps:
            self._solid[np.clip(self._learnt + step, 0, len(self._solid) - 1)] = True

    def _of_scene(self, scene: StaticScene) -> Bool[np.ndarray, " c"]:
        known = np.zeros(int(np.prod(self._grid.shape)), dtype=bool)
        low = self._grid.corner
        high = low + CELL * np.array(self._grid.shape)
        # What lies lower is the ground's, or under it.
        points = scene.surface_points(np.array([*low[:2], LOWEST_SURFACE]), high, CELL / 2)
        inside = ((points >= low) & (points < high)).all(axis=1)
        known[self._grid.flat(points[inside])] = True
        for box in scene.boxes:
            self._grid.fill(known, box)
        return known


def nearest_behind(
    points: Float[np.ndarray, "n 3"],
    origin: Float[np.ndarray, " 3"],
    places: Float[np.ndarray, "k 3"],
) -> Float[np.ndarray, " k"]:
    """m from the origin to the nearest of the returns `points` in the direction of each place, inf where there
    is none."""
    sector, distance = _polar(points, origin)
    nearest = np.full(SECTORS[0] * SECTORS[1], np.inf, dtype=np.float32)
    np.minimum.at(nearest, sector, distance.astype(np.float32))
    where, _ = _polar(places, origin)
    # The neighbours too: a cell is wider than a sector when it is near.
    around = nearest.reshape(SECTORS)
    around = np.minimum.reduce([np.roll(around, shift, axis=0) for shift in (-1, 0, 1)])
    return np.asarray(around.reshape(-1)[where], np.float64)


def _polar(
    points: Float[np.ndarray, "n 3"], origin: Float[np.ndarray, " 3"]
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Sector and distance [m] of points as seen from the origin."""
    ray = points - origin
    across = np.hypot(ray[:, 0], ray[:, 1])
    turn = (np.arctan2(ray[:, 1], ray[:, 0]) / (2 * np.pi) + 0.5) * SECTORS[0]
    rise = (np.arctan2(ray[:, 2], across) / np.pi + 0.5) * SECTORS[1]
    row = np.minimum(turn.astype(np.int64), SECTORS[0] - 1)
    column = np.minimum(rise.astype(np.int64), SECTORS[1] - 1)
    return row * SECTORS[1] + column, np.hypot(across, ray[:, 2])
