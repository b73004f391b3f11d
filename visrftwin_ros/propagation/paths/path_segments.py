"""The straight pieces of many paths, and which of them pass near a place on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8

from visrftwin_ros.compiled import compiled, in_halves
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, DIFFUSE, PathSet

Rows = Int[np.ndarray, " k"]
Lines = tuple[
    Float[np.ndarray, "s 3"],
    Float[np.ndarray, "s 3"],
    Float[np.ndarray, " s"],
    Float[np.ndarray, " s"],
    Float[np.ndarray, " s"],
    Bool[np.ndarray, " s"],
    Bool[np.ndarray, " s"],
]

_CELL = 0.5
"""Grid cell, metres: about a body's width, so that few far segments share a body's cells."""
SHORTEST = 1e-6
"""Metres up to which a piece of a path is none."""
_LEAST_TURN = 1e-6
"""Of unit vectors: less is a slab that is passed straight, in rounded numbers."""
_FEW = 8
"""Places that one core looks round alone."""
_CHUNK = 20_000
"""Segments that are cut into cells at a time, which bounds the memory that it takes."""


@dataclass(frozen=True)
class Segments:
    """S segments of P paths, a path's segments in order, zero-length ones left out.

    path: row of the PathSet. start, end: metres, world frame. length: metres.
    behind, ahead: metres from the wave's last source to `start` and from `end` to its next
    receiver. A specular reflection or a refraction lets the wave's curvature run on, a diffuse
    reflection or a diffraction starts a new one: blockage unfolds the path between the latter.
    first, last: the segment touches the transmitter, the receiver.
    """

    path: Int[np.ndarray, " s"]
    start: Float[np.ndarray, "s 3"]
    end: Float[np.ndarray, "s 3"]
    length: Float[np.ndarray, " s"]
    behind: Float[np.ndarray, " s"]
    ahead: Float[np.ndarray, " s"]
    first: Bool[np.ndarray, " s"]
    last: Bool[np.ndarray, " s"]

    def __len__(self) -> int:
        return len(self.path)

    def take(self, rows: Rows) -> Segments:
        """The segments `rows`."""
        return Segments(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def lines(self) -> Lines:
        """What compiled loops read: start, end, length, behind, ahead, first, last."""
        ends = self.first, self.last
        return self.start, self.end, self.length, self.behind, self.ahead, *ends

    @cached_property
    def columns(self) -> tuple[Float32[np.ndarray, " s"], ...]:
        """Nine columns for coarse tests: start x, y, z; step x, y, z; square of its length
        on the ground; its length; and sqrt(d1 + d2) / 2, which times sqrt(wavelength) is the
        widest first zone there; metres, single precision."""
        step = self.end - self.start
        square = step[:, 0] ** 2 + step[:, 1] ** 2
        widest = np.sqrt(self.behind + self.length + self.ahead) / 2
        return tuple(
            np.ascontiguousarray(column, np.float32)
            for column in (*self.start.T, *step.T, square, self.length, widest)
        )

    @cached_property
    def stretches(self) -> tuple[Int[np.ndarray, " s"], Bool[np.ndarray, " s"]]:
        """Of each segment the stretch, between diffuse reflections and diffractions, and whether
        mirrors have turned left into right since that began."""
        starts = self.behind <= SHORTEST
        number = np.cumsum(starts)
        ahead = (self.end - self.start) / self.length[:, None]
        # A mirror turns the ray along its normal; one that lies flat leaves left and right.
        turn = np.abs(np.diff(ahead, axis=0, prepend=ahead[:1]))
        across = np.hypot(turn[:, 0], turn[:, 1])
        upright = ~starts & (across > turn[:, 2]) & (across > _LEAST_TURN)
        turned = np.cumsum(upright)
        return number, (turned - turned[starts][number - 1]) % 2 == 1


def path_segments(paths: PathSet, rows: Rows | None = None) -> Segments:
    """The segments of the paths `rows` (default all), numbered as in `paths`."""
    rows = np.arange(len(paths)) if rows is None else rows
    vertices = np.ascontiguousarray(paths.vertices, float)
    path, at, metres, ends = _cut(vertices, paths.n_vertices, paths.interactions, rows)
    return Segments(path, *at, *metres, *ends)


@compiled
def _cut(
    vertices: Float[np.ndarray, "n v 3"],
    n_vertices: Int[np.ndarray, " n"],
    interactions: UInt8[np.ndarray, "n v-2"],
    rows: Rows,
) -> tuple[Rows, Float[np.ndarray, "2 s 3"], Float[np.ndarray, "3 s"], Bool[np.ndarray, "2 s"]]:
    """Columns of Segments: path; start and end; length, behind and ahead; first and last."""
    count = 0
    for row in rows:
        for piece in range(n_vertices[row] - 1):
            count += _metres(vertices[row], piece) > SHORTEST
    path, at = np.empty(count, np.intp), np.empty((2, count, 3))
    metres, ends = np.empty((3, count)), np.empty((2, count), np.bool_)
    length, ahead = np.zeros(vertices.shape[1]), np.zeros(vertices.shape[1])
    s = 0
    for row in rows:
        last, kinds = n_vertices[row] - 2, interactions[row]
        behind = ahead[last] = 0.0
        for piece in range(last, -1, -1):
            length[piece] = _metres(vertices[row], piece)
            if piece < last:
                on = ahead[piece + 1] + length[piece + 1]
                ahead[piece] = 0.0 if _renews(kinds[piece]) else on
        for piece in range(last + 1):
            if piece > 0:
                behind = 0.0 if _renews(kinds[piece - 1]) else behind + length[piece - 1]
            if not length[piece] > SHORTEST:
                continue
            path[s], ends[0, s], ends[1, s] = row, piece == 0, piece == last
            metres[0, s], metres[1, s], metres[2, s] = length[piece], behind, ahead[piece]
            for x in range(3):
                at[0, s, x], at[1, s, x] = vertices[row, piece, x], vertices[row, piece + 1, x]
            s += 1
    return path, at, metres, ends


@compiled
def _renews(kind: int) -> bool:
    return kind in (DIFFUSE, DIFFRACTION)


@compiled
def _metres(line: Float[np.ndarray, "v 3"], piece: int) -> float:
    square = 0.0
    for x in range(3):
        step = line[piece + 1, x] - line[piece, x]
        square += step * step
    return math.sqrt(square)


@dataclass(frozen=True)
class SharedSegments:
    """Segments that several paths have in common, once: those of segment i are
    paths[offsets[i]:offsets[i + 1]]. Everything but the ends is that of one of the paths.

    A tracer's scattering points are the same for all receivers: only the last pieces differ.
    """

    segments: Segments
    offsets: Int[np.ndarray, " o"]
    paths: Rows

    @classmethod
    def of(cls, segments: Segments) -> SharedSegments:
        ends = np.column_stack([segments.start, segments.end]).astype(np.float32)
        key = np.ascontiguousarray(ends).view(np.dtype((np.void, ends.itemsize * 6))).ravel()
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        order = np.argsort(number, kind="stable")
        offsets = np.searchsorted(number[order], np.arange(len(first) + 1))
        return cls(segments.take(first), offsets, segments.path[order])

    def take(self, rows: Rows) -> SharedSegments:
        """The segments `rows` and their paths."""
        paths, count = self.paths_of(rows)
        return SharedSegments(self.segments.take(rows), np.append(0, np.cumsum(count)), paths)

    def paths_of(self, rows: Rows) -> tuple[Int[np.ndarray, " p"], Rows]:
        """The paths of the segments `rows`, and how many each has; a path with several of them
        comes more than once."""
        first, count = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        entry = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())
        return self.paths[entry], count


Pairs = tuple[Rows, Rows]
Places = Float[np.ndarray, "n 2"]
Values = Float[np.ndarray, " n"]


class Scan:
    """Finds segments near places by looking at all: for paths that last one tick."""

    def __init__(self, segments: Segments) -> None:
        self._ends = segments.start, segments.end

    def near(self, places: Places, reach: Values) -> Pairs:
        """Pairs of a segment and a place: every segment that passes within that place's `reach`,
        metres, of the upright line through it; place by place, segments ascending."""
        return _scanned(*self._ends, *(np.ascontiguousarray(c, float) for c in (places, reach)))


@compiled
def _scanned(
    start: Float[np.ndarray, "s 3"],
    end: Float[np.ndarray, "s 3"],
    places: Places,
    reach: Values,
) -> Pairs:
    found, count = np.empty((2, 1024), np.intp), 0
    for j in range(len(places)):
        x, y, square = places[j, 0], places[j, 1], reach[j] * reach[j]
        found = with_room(found, count, len(start))
        for i in range(len(start)):
            dx, dy = end[i, 0] - start[i, 0], end[i, 1] - start[i, 1]
            to_x, to_y = x - start[i, 0], y - start[i, 1]
            along, whole = to_x * dx + to_y * dy, dx * dx + dy * dy
            share = along / whole if along > 0.0 else 0.0
            share = min(share, 1.0)
            away_x, away_y = to_x - share * dx, to_y - share * dy
            if away_x * away_x + away_y * away_y <= square:
                found[0, count], found[1, count] = i, j
                count += 1
    return found[0, :count], found[1, :count]


@compiled
def with_room(found: Int[np.ndarray, "2 k"], count: int, more: int) -> Int[np.ndarray, "2 _"]:
    """`found`, or a longer copy where there is no place for `more` after `count` pairs."""
    if count + more <= found.shape[1]:
        return found
    longer = np.empty((2, 2 * (count + more)), np.intp)
    longer[:, :count] = found[:, :count]
    return longer


class PlaceGrid:
    """Finds segments near a place without looking at the far ones.

    Built once for links that stand still; a query costs what lies near, not what there is.
    """

    def __init__(self, segments: Segments) -> None:
        self._count = len(segments)
        corners = np.concatenate([segments.start, segments.end])
        self._origin = corners.min(axis=0, initial=np.inf) if self._count else np.zeros(3)
        extent = corners.max(axis=0) - self._origin if self._count else np.zeros(3)
        self._shape = np.floor(extent / _CELL).astype(int) + 1
        count = max(self._count, 1)
        entries = [
            self._entries(segments, np.arange(first, min(first + _CHUNK, self._count)))
            for first in range(0, count, _CHUNK)
        ]
        cell, self._segment = np.divmod(np.sort(np.concatenate(entries)), count)
        self._segment = self._segment.astype(np.int32)
        self._offsets = np.searchsorted(cell, np.arange(self._shape.prod() + 1))

    def near(
        self, places: Places, reach: Values, heights: Float[np.ndarray, "2 n"] | None = None
    ) -> Pairs:
        """Pairs of a segment and a place: every segment that passes within that place's `reach`,
        metres, of the upright line through it, between two `heights`, and some more; place by
        place, segments ascending."""
        corners = np.empty((2, len(places), 3))
        corners[0, :, :2], corners[1, :, :2] = places - reach[:, None], places + reach[:, None]
        corners[:, :, 2] = ((-np.inf,), (np.inf,)) if heights is None else heights
        grid = self._origin, self._shape, self._offsets, self._segment

        def of(some: slice) -> Pairs:
            segment, place = _passing(np.ascontiguousarray(corners[:, some]), *grid, self._count)
            return segment, place + some.start

        parts = in_halves(of, len(places), _FEW)
        if len(parts) == 1:
            return parts[0]
        segment, place = map(np.concatenate, zip(*parts, strict=True))
        return segment, place

    def _entries(self, segments: Segments, rows: Rows) -> Int[np.ndarray, " e"]:
        """Cell times number of segments plus segment, for each cell that `rows` pass."""
        start, along = segments.start[rows], (segments.end - segments.start)[rows]
        # Points half a cell apart: a segment passes at most a quarter cell beside its points'
        # cells, which the query's margin covers.
        pieces = np.ceil(segments.length[rows] / (_CELL / 2)).astype(int) + 1
        row = np.repeat(np.arange(len(rows)), pieces)
        step = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        share = step / np.maximum(pieces[row] - 1, 1)
        point = start[row] + share[:, None] * along[row]
        x, y, z = np.floor((point - self._origin) / _CELL).astype(np.int64).T
        cell = (x * self._shape[2] + z) * self._shape[1] + y
        entries = cell * max(self._count, 1) + rows[row]
        # A segment has a few points in a row in each cell: most repeats go before the sorting.
        return np.unique(entries[np.diff(entries, prepend=-1) != 0])


@compiled
def _passing(
    corners: Float[np.ndarray, "2 n 3"],
    origin: Float[np.ndarray, " 3"],
    shape: Int[np.ndarray, " 3"],
    offsets: Int[np.ndarray, " o"],
    segment: Int32[np.ndarray, " e"],
    count: int,
) -> Pairs:
    """Segments with an entry in a cell between a place's two corners or a quarter cell beside."""
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    # Each segment once: marking is many times faster than sorting. Eight marks are seen at a time.
    eights = np.zeros(count // 8 + 1, np.uint64)
    marks = eights.view(np.uint8)
    found, pairs = np.empty((2, 1024), np.intp), 0
    for j in range(corners.shape[1]):
        for axis in range(3):
            begin = (corners[0, j, axis] - origin[axis] - _CELL / 4) / _CELL
            end = (corners[1, j, axis] - origin[axis] + _CELL / 4) / _CELL
            first[axis] = math.floor(min(max(begin, 0.0), shape[axis]))
            last[axis] = math.floor(min(max(end, -1.0), shape[axis] - 1))
        for x in range(first[0], last[0] + 1):
            for z in range(first[2], last[2] + 1):
                # Cells along y are consecutive, so their entries are one slice.
                row = (x * shape[2] + z) * shape[1]
                if first[1] <= last[1]:
                    for entry in range(offsets[row + first[1]], offsets[row + last[1] + 1]):
                        marks[segment[entry]] = 1
        found = with_room(found, pairs, count)
        for eight in range(len(eights)):
            if eights[eight] == 0:
                continue
            for i in range(8 * eight, 8 * eight + 8):
                if marks[i]:
                    found[0, pairs], found[1, pairs] = i, j
                    pairs += 1
            eights[eight] = 0
    return found[0, :pairs], found[1, :pairs]
