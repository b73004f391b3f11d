"""Which paths pass through the outlines of which bodies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.azimuth_index import Fans
from visrftwin_ros.propagation.paths.path_segments import (
    SHORTEST,
    Pairs,
    PlaceGrid,
    SharedSegments,
    path_segments,
)
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.box_hits import hidden_by_bodies

Rows = Int[np.ndarray, " k"]

_AT_ONCE = 100
"""Bodies that are tested at a time, which bounds the memory that a crowd takes."""

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
        chosen = np.array(rows, np.intp)
        outer, of = self._fans.near(bodies, chosen)
        foot = bodies.position[chosen, 2]
        inner, number = self._grid.near(
            bodies.position[chosen, :2],
            bodies.radius[chosen],
            np.stack([foot, foot + bodies.height[chosen]]),
        )
        segment = np.concatenate([outer, self._inner + inner])
        body = np.concatenate([of, chosen[number]])
        cut = hidden_by_bodies(self._shared.segments, segment, bodies, body)
        path, times = self._shared.paths_of(segment[cut])
        return _once(path, np.repeat(body[cut], times), self._count)


class PassingOutlines:
    """Finds the paths through bodies by looking at all: for paths that last one tick."""

    def __init__(self, paths: PathSet, rows: Rows) -> None:
        self._vertices, self._n_vertices = np.ascontiguousarray(paths.vertices), paths.n_vertices
        self._rows = rows

    def crossed(self, bodies: Bodies, rows: list[int]) -> Pairs:
        """Paths through the bodies `rows`, ascending for each, and those bodies."""
        return _in_turns(lambda some: self._crossed(bodies, some), rows)

    def _crossed(self, bodies: Bodies, rows: list[int]) -> Pairs:
        vertices, chosen = self._vertices, np.array(rows, np.intp)
        radius = bodies.radius[chosen] + _ROUNDING
        row, piece, number = _close(
            vertices, self._n_vertices, self._rows, bodies.position[chosen], radius
        )
        start, end = (vertices[row, piece + k].astype(np.float32) for k in (0, 1))
        lines, body = _Lines((*start.T, *(end - start).T)), chosen[number]
        cut = hidden_by_bodies(lines, np.arange(len(row)), bodies, body)
        return _once(row[cut], body[cut], len(vertices))


@dataclass(frozen=True)
class _Lines:
    columns: tuple[Float32[np.ndarray, " s"], ...]


@compiled
def _close(
    vertices: Float[np.ndarray, "paths v 3"],
    n_vertices: Int[np.ndarray, " paths"],
    rows: Rows,
    place: Float[np.ndarray, "n 3"],
    radius: Float[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Path, piece of it and place, of the pieces within a place's radius of it on the ground."""
    count = 0
    found = np.empty((3, 1024), np.intp)
    for i in range(len(rows)):
        row = rows[i]
        for piece in range(n_vertices[row] - 1):
            x, y = vertices[row, piece, 0], vertices[row, piece, 1]
            dx, dy = vertices[row, piece + 1, 0] - x, vertices[row, piece + 1, 1] - y
            square = dx * dx + dy * dy
            climb = vertices[row, piece + 1, 2] - vertices[row, piece, 2]
            if square + climb * climb <= SHORTEST * SHORTEST:
                continue  # no segment
            for j in range(len(place)):
                to_x, to_y = place[j, 0] - x, place[j, 1] - y
                aside = dx * to_y - dy * to_x
                if aside * aside > radius[j] * radius[j] * square:
                    continue
                along = to_x * dx + to_y * dy
                if along < 0.0:
                    if to_x * to_x + to_y * to_y > radius[j] * radius[j]:
                        continue
                elif along > square:
                    to_x, to_y = to_x - dx, to_y - dy
                    if to_x * to_x + to_y * to_y > radius[j] * radius[j]:
                        continue
                if count == found.shape[1]:
                    longer = np.empty((3, 2 * count), np.intp)
                    longer[:, :count] = found
                    found = longer
                found[0, count], found[1, count], found[2, count] = row, piece, j
                count += 1
    return found[0, :count], found[1, :count], found[2, :count]


def _in_turns(crossed: Callable[[list[int]], Pairs], rows: list[int]) -> Pairs:
    """`crossed` of all `rows`, some at a time."""
    parts = [crossed(rows[i : i + _AT_ONCE]) for i in range(0, len(rows), _AT_ONCE)]
    path, body = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return path, body


def _once(path: Int[np.ndarray, " pairs"], body: Int[np.ndarray, " pairs"], count: int) -> Pairs:
    """Each pair once, paths (of `count`) ascending for each body."""
    key = np.sort(body * count + path)
    body, path = np.divmod(key[np.flatnonzero(np.diff(key, prepend=-1))], max(count, 1))
    return path, body
