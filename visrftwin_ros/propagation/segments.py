"""The straight pieces of many paths, and which of them pass near a place on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.path_set import DIFFRACTION, DIFFUSE, PathSet

_CELL = 0.5
"""Grid cell, metres: about a body's width, so that few far segments share a body's cells."""
_SHORTEST = 1e-6


@dataclass(frozen=True)
class Segments:
    """S segments of P paths, a path's segments in order, zero-length ones left out.

    path: (S,) row of the PathSet. start, end: (S, 3) metres, world frame. length: (S,) metres.
    behind, ahead: (S,) metres from the wave's last source to `start` and from `end` to its next
    receiver. A specular reflection or a refraction lets the wave's curvature run on, a diffuse
    reflection or a diffraction starts a new one: blockage unfolds the path between the latter.
    first, last: (S,) the segment touches the transmitter, the receiver.
    """

    path: NDArray[np.intp]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    length: NDArray[np.float64]
    behind: NDArray[np.float64]
    ahead: NDArray[np.float64]
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.path)

    @cached_property
    def on_ground(self) -> tuple[NDArray[np.float64], ...]:
        """Six columns (S,): start x, y; step x, y; its length squared, metres; and
        sqrt(d1 + d2) / 2, which times sqrt(wavelength) is the widest first zone there."""
        step = self.end - self.start
        unfolded = self.behind + self.length + self.ahead
        columns = (
            self.start[:, 0],
            self.start[:, 1],
            step[:, 0],
            step[:, 1],
            step[:, 0] ** 2 + step[:, 1] ** 2,
            np.sqrt(unfolded) / 2,
        )
        return tuple(np.ascontiguousarray(column) for column in columns)


def path_segments(paths: PathSet, rows: NDArray[np.intp] | None = None) -> Segments:
    """The segments of the paths `rows` (default all), numbered as in `paths`."""
    rows = np.arange(len(paths)) if rows is None else rows
    vertices, n_vertices = paths.vertices[rows], paths.n_vertices[rows]
    interactions = paths.interactions[rows]
    steps = np.diff(vertices, axis=1)
    length = np.linalg.norm(steps, axis=2)
    pieces = length.shape[1]
    renewed = (interactions == DIFFUSE) | (interactions == DIFFRACTION)
    behind, ahead = np.zeros_like(length), np.zeros_like(length)
    for k in range(1, pieces):
        behind[:, k] = np.where(renewed[:, k - 1], 0.0, behind[:, k - 1] + length[:, k - 1])
        # From the other end; the padding after the receiver has no length and adds nothing.
        j = pieces - 1 - k
        ahead[:, j] = np.where(renewed[:, j], 0.0, ahead[:, j + 1] + length[:, j + 1])
    real = np.arange(pieces) < (n_vertices - 1)[:, None]
    row, piece = np.nonzero(real & (length > _SHORTEST))
    return Segments(
        path=rows[row],
        start=vertices[row, piece],
        end=vertices[row, piece + 1],
        length=length[row, piece],
        behind=behind[row, piece],
        ahead=ahead[row, piece],
        first=piece == 0,
        last=piece == n_vertices[row] - 2,
    )


def ground_distance(segments: Segments, bodies: Bodies) -> NDArray[np.float64]:
    """(S, N) metres on the ground from the segments to the bodies' axes."""
    start, along = segments.start[:, :2], (segments.end - segments.start)[:, :2]
    square = np.maximum((along**2).sum(axis=1), 1e-12)
    offset = bodies.position[None, :, :2] - start[:, None]
    share = np.clip((offset * along[:, None]).sum(axis=2) / square[:, None], 0.0, 1.0)
    return np.linalg.norm(offset - share[..., None] * along[:, None], axis=2)


class Scan:
    """Finds segments near a place by looking at all: for paths that last one tick."""

    def __init__(self, segments: Segments) -> None:
        self._start = segments.start[:, :2]
        self._along = segments.end[:, :2] - self._start
        self._square = np.maximum((self._along**2).sum(axis=1), 1e-12)

    def near(self, place: NDArray[np.float64], reach: float) -> NDArray[np.intp]:
        """Every segment that passes within `reach` metres of `place` (2,)."""
        offset = place - self._start
        share = np.clip((offset * self._along).sum(axis=1) / self._square, 0.0, 1.0)
        apart = offset - share[:, None] * self._along
        return np.flatnonzero((apart**2).sum(axis=1) <= reach**2)


class GroundGrid:
    """Finds segments near a place without looking at the far ones.

    Built once for links that stand still; a query costs what lies near, not what there is.
    """

    def __init__(self, segments: Segments) -> None:
        start, end = segments.start[:, :2], segments.end[:, :2]
        self._count = len(segments)
        corners = np.concatenate([start, end]) if len(segments) else np.zeros((1, 2))
        self._origin = corners.min(axis=0)
        self._shape = np.floor((corners.max(axis=0) - self._origin) / _CELL).astype(int) + 1
        # Points half a cell apart: a segment passes at most a quarter cell beside its points'
        # cells, which the query's margin covers.
        pieces = np.ceil(np.hypot(*(end - start).T) / (_CELL / 2)).astype(int) + 1
        row = np.repeat(np.arange(len(segments)), pieces)
        step = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        share = step / np.maximum(pieces[row] - 1, 1)
        point = start[row] + share[:, None] * (end - start)[row]
        cell = self._cell_number(np.floor((point - self._origin) / _CELL).astype(int))
        entries = cell * max(len(segments), 1) + row
        # A segment has a few points in a row in each cell: most repeats go before the sorting.
        entries = np.unique(entries[np.diff(entries, prepend=-1) != 0])
        cell, self._segment = np.divmod(entries, max(len(segments), 1))
        self._offsets = np.searchsorted(cell, np.arange(self._shape.prod() + 1))

    def near(self, place: NDArray[np.float64], reach: float) -> NDArray[np.intp]:
        """Every segment that passes within `reach` metres of `place` (2,), and some more."""
        low, high = (
            np.floor((place - self._origin + side * (reach + _CELL / 4)) / _CELL).astype(int)
            for side in (-1, 1)
        )
        low, high = np.maximum(low, 0), np.minimum(high, self._shape - 1)
        if (low > high).any():
            return np.zeros(0, np.intp)
        columns = np.arange(low[0], high[0] + 1)
        # Cells of one column are consecutive, so their entries are one slice.
        first = self._offsets[columns * self._shape[1] + low[1]]
        after = self._offsets[columns * self._shape[1] + high[1] + 1]
        pieces = [self._segment[a:b] for a, b in zip(first, after, strict=True)]
        # Each segment once; marking is many times faster than sorting.
        found = np.zeros(self._count, bool)
        found[np.concatenate(pieces)] = True
        return np.flatnonzero(found)

    def _cell_number(self, cell: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.asarray(cell[:, 0] * self._shape[1] + cell[:, 1])
