"""Which paths pass through the outlines of which bodies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.azimuth_index import Fans
from visrftwin_ros.propagation.paths.path_segments import PlaceGrid, SharedSegments, path_segments
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.box_hits import hidden_by_bodies

Rows = Int[np.ndarray, " k"]

_AT_ONCE = 100
"""Bodies that are tested at a time, which bounds the memory that a crowd takes."""

Pairs = tuple[Rows, Rows]

_ROUNDING = 1e-3
"""Metres; single precision rounds by less within some 5 km of the world's origin."""


class StandingOutlines:
    """Finds the paths through bodies at a cost that grows with what is near them.

    Built once for links whose ends stand. Segments that several paths share are tested once.
    """

    def __init__(self, paths: PathSet, rows: Rows) -> None:
        self._count = len(paths)
        shared = SharedSegments.of(path_segments(paths, rows))
        segments = shared.segments
        outer = np.flatnonzero(segments.first | segments.last)
        self._fans = Fans(segments.take(outer), segments.first[outer])
        inner = np.flatnonzero(~(segments.first | segments.last))
        self._grid = PlaceGrid(segments.take(inner))
        # In the order of the fans, so that a slice of a fan is a slice of memory.
        self._shared = shared.take(np.concatenate([outer[self._fans.order], inner]))
        self._inner = len(outer)
        _ = self._shared.segments.columns

    def crossed(self, bodies: Bodies, rows: list[int]) -> Pairs:
        """Paths through the bodies `rows`, ascending for each, and those bodies."""
        return _in_turns(lambda some: self._crossed(bodies, some), rows)

    def _crossed(self, bodies: Bodies, rows: list[int]) -> Pairs:
        segment, body = self._fans.near(bodies, np.array(rows, np.intp))
        near = [self._inner + found for found in _near(self._grid, bodies, rows)]
        segment = np.concatenate([segment, *near])
        body = np.concatenate([body, np.repeat(rows, [len(found) for found in near])])
        cut = hidden_by_bodies(self._shared.segments, segment, bodies, body)
        path, times = self._shared.paths_of(segment[cut])
        return _once(path, np.repeat(body[cut], times), self._count)


class PassingOutlines:
    """Finds the paths through bodies by looking at all: for paths that last one tick."""

    def __init__(self, paths: PathSet, rows: Rows) -> None:
        self._count = len(paths)
        # Vertex, axis, path: every step below runs along the memory.
        vertices = np.ascontiguousarray(paths.vertices.transpose(1, 2, 0), np.float32)
        pieces = [
            (rows[paths.n_vertices[rows] > k + 1], vertices[k], vertices[k + 1])
            for k in range(len(vertices) - 1)
        ]
        self._path = np.concatenate([on for on, _, _ in pieces])
        start = np.concatenate([a.take(on, axis=1) for on, a, _ in pieces], axis=1)
        end = np.concatenate([b.take(on, axis=1) for on, _, b in pieces], axis=1)
        self.columns = (*start, *(end - start))

    def crossed(self, bodies: Bodies, rows: list[int]) -> Pairs:
        """Paths through the bodies `rows`, ascending for each, and those bodies."""
        return _in_turns(lambda some: self._crossed(bodies, some), rows)

    def _crossed(self, bodies: Bodies, rows: list[int]) -> Pairs:
        x, y, _, dx, dy, _ = self.columns
        # Twice the area that a segment's line spans with the origin, and the square of its length.
        area, square = x * dy - y * dx, dx * dx + dy * dy
        found = []
        for i in rows:
            foot = bodies.position[i].astype(np.float32)
            radius = np.float32(bodies.radius[i] + _ROUNDING)
            aside = foot[1] * dx - foot[0] * dy + area
            found.append(np.flatnonzero(aside * aside <= radius * radius * square))
        segment = np.concatenate(found)
        body = np.repeat(np.array(rows, np.intp), [len(near) for near in found])
        cut = hidden_by_bodies(self, segment, bodies, body)
        return _once(self._path[segment[cut]], body[cut], self._count)


def _in_turns(crossed: Callable[[list[int]], Pairs], rows: list[int]) -> Pairs:
    """`crossed` of all `rows`, some at a time."""
    parts = [crossed(rows[i : i + _AT_ONCE]) for i in range(0, len(rows), _AT_ONCE)]
    path, body = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return path, body


def _near(grid: PlaceGrid, bodies: Bodies, rows: list[int]) -> list[Int[np.ndarray, " _"]]:
    """What passes near each of the bodies `rows`."""
    radius = bodies.radius
    foot = bodies.position[:, 2]
    head = foot + bodies.height
    return [grid.near(bodies.position[i, :2], radius[i], foot[i], head[i]) for i in rows]


def _once(path: Int[np.ndarray, " pairs"], body: Int[np.ndarray, " pairs"], count: int) -> Pairs:
    """Each pair once, paths (of `count`) ascending for each body."""
    key = np.sort(body * count + path)
    body, path = np.divmod(key[np.flatnonzero(np.diff(key, prepend=-1))], max(count, 1))
    return path, body
