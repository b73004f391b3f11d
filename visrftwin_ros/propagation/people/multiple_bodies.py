"""Several bodies on one path: multiple diffraction over the ways left and right of each.

Behind two the field is the sum of four ways, past the left or right edge of the first and of the
second, each a double knife edge. A thick body's way takes the ratio of what creeps round it, or
is mirrored off it, to the knife edge at the same bend, between the points of the string before and
behind it (`cylinder_diffraction` has the single body's law). Along more bodies the ways of
neighbours are chained, as if past the edges of one a wave forgot those before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled, on_two_cores
from visrftwin_ros.propagation.fields.double_edges import beyond, beyond_both
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.body_outlines import Kept
from visrftwin_ros.propagation.people.body_screens import Shadows
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.propagation.people.thick_bodies import material_rows
from visrftwin_ros.propagation.people.thick_cylinder import past_one_side
from visrftwin_ros.propagation.people.transition_table import (
    NO_TABLES,
    Table,
    Tables,
    body_transitions,
)

_TINY = 1e-9
"""Metres, and of the square of one."""
_LEAST_APART = 1e-6
"""Metres along the path; nearer, the bodies are one outline all the same."""
_NEAREST = 0.01
"""Metres in front of a body at which an end of the path counts that is nearer, or inside it."""
_STEEPEST = 0.3
"""Lowest cosine of a ray's elevation, as in `thick_bodies`."""
_NO_SHADOW, _SHADOW = 0.05, 0.1
"""|1 - E|: a body that takes less than the first multiplies, with the second it counts in full."""
_MOST_WEIGHT = 1.5
"""Of a body's outline as if it were endless: what takes more than that takes it by other means."""
_LEFT, _RIGHT, _THROUGH = 0, 1, 2
_FEW = 100
"""Stretches that one core works off alone, each some ten times what a body alone takes."""

Body = tuple[float, float, float, float]
"""Seen along the ray: distance from the source to the axis, edges left and right, half depth."""


@dataclass(frozen=True)
class Standing:
    """K bodies that shadow paths, each alone.

    path: its row. stretch: what no diffuse reflection or diffraction cuts, numbered in the path.
    d1, d2: metres from the stretch's source and to its receiver, unfolded. left, right: metres
    off the ray, the same way round for all bodies of a stretch. half_depth: metres along the ray.
    flatness: cosine of the ray's elevation. field: E/E0. material: row of the transition table.
    """

    path: Int[np.ndarray, " k"]
    stretch: Int[np.ndarray, " k"]
    d1: Float[np.ndarray, " k"]
    d2: Float[np.ndarray, " k"]
    left: Float[np.ndarray, " k"]
    right: Float[np.ndarray, " k"]
    half_depth: Float[np.ndarray, " k"]
    flatness: Float[np.ndarray, " k"]
    field: Complex[np.ndarray, " k"]
    material: Int[np.ndarray, " k"]

    def take(self, rows: Int[np.ndarray, " n"] | Bool[np.ndarray, " k"]) -> Standing:
        """The bodies `rows`."""
        return Standing(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def together(cls, parts: Sequence[Standing]) -> Standing:
        """All of one or more, in this order."""
        return cls(
            **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        )


def standing_in(segments: Segments, bodies: Bodies, found: Shadows) -> tuple[Kept, Standing]:
    """Which of the shadows are deep enough to count, and what stands there; boxes multiply."""
    deep = np.abs(1 - found.field) > _NO_SHADOW
    rows = np.flatnonzero(deep & ~bodies.is_box[found.body])
    segment, body, outline = found.segment[rows], found.body[rows], found.outline
    stretch, mirrored = (of[segment] for of in segments.stretches)
    left, right = outline.left[rows], outline.right[rows]
    return rows, Standing(
        path=segments.path[segment],
        stretch=stretch,
        d1=outline.d1[rows],
        d2=outline.d2[rows],
        left=np.where(mirrored, -right, left),
        right=np.where(mirrored, -left, right),
        half_depth=outline.half_depth[rows],
        flatness=outline.flatness[rows],
        field=found.field[rows],
        material=material_rows(bodies)[body],
    )


def joint_ratios(
    standing: Standing, wavelength: float, model: BlockageModel
) -> tuple[Int[np.ndarray, " s"], Complex[np.ndarray, " s"]]:
    """Paths with several bodies on one stretch, one row for each such stretch, and by what the
    product of the bodies' fields is to be multiplied to be the field behind them all.

    A body that takes only part of what its outline across would (the ray passes near its head)
    counts by that part. The formulas of `metis` and `knife_edge` are of bodies that multiply.
    """
    if model not in ("thick", "fresnel"):
        return np.zeros(0, np.intp), np.zeros(0, complex)
    tables = body_transitions(wavelength) if model == "thick" else NO_TABLES
    return ratios_in(standing, wavelength, tables)


def ratios_in(
    standing: Standing, wavelength: float, tables: Tables
) -> tuple[Int[np.ndarray, " s"], Complex[np.ndarray, " s"]]:
    """The same with bodies of these materials; flat ones where there are none."""
    order = np.lexsort((standing.d1, standing.stretch, standing.path))
    path, stretch = standing.path[order], standing.stretch[order]
    begin = np.flatnonzero((np.diff(path, prepend=-1) != 0) | (np.diff(stretch, prepend=-1) != 0))
    end = np.append(begin[1:], len(path))
    several = end - begin > 1
    begin, end = begin[several], end[several]
    rows = standing.take(order)
    # No sharper curved than 1 / k, as in `thick_bodies`.
    wide = np.maximum(rows.half_depth, (rows.right - rows.left) / 2)
    deep = np.maximum(rows.half_depth, np.sqrt(wide * wavelength / (2 * np.pi)))
    columns = np.stack([rows.d1, rows.left, rows.right, deep, rows.d2, rows.flatness], axis=1)

    def of(some: slice) -> Complex[np.ndarray, " some"]:
        ends = begin[some], end[some]
        return _chained(columns, rows.field, rows.material, *ends, wavelength, tables)

    return path[begin], on_two_cores(of, len(begin), _FEW)


@compiled
def _parameter(
    start: tuple[float, float],
    edge: tuple[float, float],
    end: tuple[float, float],
    side: float,
    wavelength: float,
    thick: bool,
) -> float:
    """Of an edge that hides what is not to its `side`, on the way from `start` to `end`.

    Of thick bodies with the exact detour by the edge, of flat ones with the parabolic, as
    `fresnel_field` has it.
    """
    before, rise = edge[0] - start[0], edge[1] - start[1]
    behind, fall = end[0] - edge[0], end[1] - edge[1]
    hides = side * (rise * behind - fall * before)
    if not thick:
        return hides * math.sqrt(2.0 / (before * behind * (before + behind) * wavelength))
    to, on = math.sqrt(before**2 + rise**2), math.sqrt(behind**2 + fall**2)
    straight = math.sqrt((before + behind) ** 2 + (rise + fall) ** 2)
    # to + on - straight, without its cancellation.
    longer = 2.0 * hides**2 / ((to * on + before * behind + rise * fall) * (to + on + straight))
    return math.copysign(math.sqrt(4.0 * longer / wavelength), hides)


@compiled
def _edge(body: Body, side: float) -> tuple[float, float]:
    y = body[2] if side > 0.0 else body[1]
    # Two edges both on the ray have parameters of 0, which do not tell how far apart they are.
    return body[0], y if abs(y) > _TINY else _TINY


@compiled
def _round(
    start: tuple[float, float],
    body: Body,
    end: tuple[float, float],
    side: float,
    wavelength: float,
    table: Table,
) -> complex:
    """What goes round that side of a thick body."""
    y = 0.5 * (body[1] + body[2])
    return past_one_side(
        start[0] - body[0], start[1] - y, end[0] - body[0], end[1] - y,
        body[3], 0.5 * (body[2] - body[1]), side < 0.0, 2.0 * math.pi / wavelength, table,
    )  # fmt: skip


@compiled
def _touched(seen_from: tuple[float, float], body: Body, side: float) -> tuple[float, float]:
    """Where the tangent from a point touches that side of a body."""
    a, b, y = body[3], 0.5 * (body[2] - body[1]), 0.5 * (body[1] + body[2])
    u, v = (seen_from[0] - body[0]) / a, (seen_from[1] - y) / b
    aperture = math.acos(min(1.0 / math.sqrt(u * u + v * v), 1.0))
    t = math.atan2(v, u) + (aperture if (seen_from[0] > body[0]) == (side > 0.0) else -aperture)
    return body[0] + a * math.cos(t), y + b * math.sin(t)


@compiled
def _outside(point: tuple[float, float], body: Body) -> bool:
    u = (point[0] - body[0]) / body[3]
    v = (2.0 * point[1] - body[1] - body[2]) / (body[2] - body[1])
    return u * u + v * v > 1.0 + _TINY


@compiled
def _thickened(
    first: Body,
    second: Body,
    sides: tuple[float, float],
    total: float,
    bends: tuple[float, float, float, float],
    wavelength: float,
    tables: tuple[Table, Table],
    rounds: tuple[complex, complex],
) -> tuple[complex, complex]:
    """What thickness makes of a way's knife edges, over what it makes of each alone.

    bends: u1, u2, u21, u12 as in `beyond_both`. rounds: what goes round each alone. The string
    bends only over the bodies that it touches; the other body is lit from there. Bodies beside each
    other share no string: the one that does not touch it adds nothing.
    """
    source, receiver = (0.0, 0.0), (total, 0.0)
    u1, u2, u21, u12 = bends
    on_first = u12 > 0.0 if u2 > 0.0 else u1 > 0.0
    on_second = u21 > 0.0 if u1 > 0.0 else u2 > 0.0
    if not (on_first or on_second):
        return 1.0 + 0j, 1.0 + 0j
    alone1, alone2 = rounds[0] / beyond(u1), rounds[1] / beyond(u2)
    point1, point2 = _touched(receiver, first, sides[0]), _touched(source, second, sides[1])
    if on_first and on_second:
        for _ in range(3):
            point1 = _touched(point2, first, sides[0])
            point2 = _touched(point1, second, sides[1])
    abreast = second[0] - first[0] < first[3] + second[3]
    abreast = abreast or not (_outside(point2, first) and _outside(point1, second))
    thick1, thick2 = alone1, alone2
    if on_second:
        thick1 = 1.0 + 0j
        if not abreast:
            thick1 = _round(source, first, point2, sides[0], wavelength, tables[0]) / beyond(u12)
        elif on_first:
            thick1 = alone1
    if on_first:
        thick2 = 1.0 + 0j
        if not abreast:
            thick2 = _round(point1, second, receiver, sides[1], wavelength, tables[1]) / beyond(u21)
        elif on_second:
            thick2 = alone2
    return thick1 / alone1, thick2 / alone2


@compiled
def _coupling(
    first: Body, second: Body, sides: tuple[float, float], total: float, wavelength: float,
    thick: bool, tables: tuple[Table, Table], rounds: tuple[complex, complex],
) -> complex:  # fmt: skip
    """The way past these sides of both over the product of the two ways alone."""
    source, receiver = (0.0, 0.0), (total, 0.0)
    edge1, edge2 = _edge(first, sides[0]), _edge(second, sides[1])
    u1 = _parameter(source, edge1, receiver, sides[0], wavelength, thick)
    u2 = _parameter(source, edge2, receiver, sides[1], wavelength, thick)
    u21 = _parameter(edge1, edge2, receiver, sides[1], wavelength, thick)
    u12 = _parameter(source, edge1, edge2, sides[0], wavelength, thick)
    found = beyond_both(u1, u2, u21, u12) / (beyond(u1) * beyond(u2))
    if thick:
        bends = (u1, u2, u21, u12)
        more = _thickened(first, second, sides, total, bends, wavelength, tables, rounds)
        found *= more[0] * more[1]
    return found


@compiled
def _chained(
    columns: Float[np.ndarray, "k 6"],
    field: Complex[np.ndarray, " k"],
    material: Int[np.ndarray, " k"],
    begin: Int[np.ndarray, " s"],
    end: Int[np.ndarray, " s"],
    wavelength: float,
    tables: Tables,
) -> Complex[np.ndarray, " s"]:
    thick = len(tables) > 0
    none = np.zeros(0, np.complex128)
    found = np.empty(len(begin), np.complex128)
    sides = (-1.0, 1.0)
    for row in range(len(begin)):
        # A slanted ray: k cos(elevation) over horizontal distances.
        level = max(columns[begin[row], 5], _STEEPEST)
        wave = wavelength / level
        total = (columns[begin[row], 0] + columns[begin[row], 4]) * level
        amplitude, weight = np.zeros(3, np.complex128), np.zeros(3, np.complex128)
        came, alone = np.zeros(3, np.complex128), np.zeros((2, 2), np.complex128)
        before, table_before = (0.0, 0.0, 0.0, 0.0), none
        product = 1.0 + 0j
        for i in range(begin[row], end[row]):
            half = columns[i, 3]
            ahead = min(max(columns[i, 0] * level, half + _NEAREST), total - half - _NEAREST)
            if i > begin[row]:
                ahead = max(ahead, before[0] + _LEAST_APART)
            body = (ahead, columns[i, 1], columns[i, 2], half)
            table = tables[material[i]] if thick else none
            both = (table_before, table)
            alone[0] = alone[1]
            _weigh(body, total, field[i], wave, thick, table, alone[1], weight)
            for to in range(3):
                came[to] = 1.0 + 0j if i == begin[row] else amplitude[_THROUGH]
                for by in range(2):
                    coupling = 1.0 + 0j
                    if to != _THROUGH and i > begin[row] and weight[to] != 0.0:
                        pair, rounds = (sides[by], sides[to]), (alone[0, by], alone[1, to])
                        coupling = _coupling(before, body, pair, total, wave, thick, both, rounds)
                    came[to] += amplitude[by] * coupling
            amplitude[:] = came * weight
            before, table_before = body, table
            product *= field[i]
        joint = amplitude[_LEFT] + amplitude[_RIGHT] + amplitude[_THROUGH]
        found[row] = joint / product if abs(product) > 0.0 else 1.0
    return found


@compiled
def _weigh(
    body: Body,
    total: float,
    field: complex,
    wavelength: float,
    thick: bool,
    table: Table,
    alone: Complex[np.ndarray, " 2"],
    weight: Complex[np.ndarray, " 3"],
) -> None:
    """What passes left and right of one body as if it were endless, and what does so and passes by
    no edge of it as it is: together `field`."""
    source, receiver = (0.0, 0.0), (total, 0.0)
    for i, side in enumerate((-1.0, 1.0)):
        if thick:
            alone[i] = _round(source, body, receiver, side, wavelength, table)
        else:
            u = _parameter(source, _edge(body, side), receiver, side, wavelength, thick)
            alone[i] = beyond(u)
    across = alone[_LEFT] + alone[_RIGHT]
    share = (1.0 - field) / (1.0 - across)
    if not abs(share) <= _MOST_WEIGHT:
        share = 0j
    part = (abs(1.0 - field) - _NO_SHADOW) / (_SHADOW - _NO_SHADOW)
    share *= min(max(part, 0.0), 1.0)
    weight[_LEFT] = alone[_LEFT] * share
    weight[_RIGHT] = alone[_RIGHT] * share
    weight[_THROUGH] = field - share * across
