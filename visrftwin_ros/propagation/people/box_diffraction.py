"""Boxes across path segments: opaque, with knife edges at their corners."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.double_edges import beyond_correlated
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.body_outlines import REACH_IN_ZONES, Outlines

Rows = Int[np.ndarray, " c"]
Values = Float[np.ndarray, " k"]
ComplexValues = Complex[np.ndarray, " k"]
Corners = Float[np.ndarray, "k e"]
CornersOrOne = Float[np.ndarray, "k #e"]
FaceEnds = Float[np.ndarray, "k 2*e"]

FLOOR = 0.0
"""Metres: height in the world (REP-103: x and y on the ground) of the floor under raised boxes."""
_FAR = -1e3
"""Fresnel parameter of an edge that is in nobody's way."""
_UPRIGHT = 0.1
"""Metres over the ground under which a segment counts as vertical, as for persons."""
_POINT = 1e-6
"""Metres over the ground under which a segment has no direction there."""
_NEAREST = 1e-3
"""Metres along the ray from an edge to an end, at least."""
_ONE = 1e-9
"""1 - the square of the correlation of two edges below which they are one."""
_DEPTHS, _WIDTHS = np.array([-0.5, 0.5, 0.5, -0.5]), np.array([-0.5, -0.5, 0.5, 0.5])
"""The corners one after the other round a box, in shares of its size."""


@dataclass(frozen=True)
class BoxShadows:
    """K boxes near path segments: their rows among the candidate pairs, their outlines, whose
    shoulders are the top and whose ground is the floor, and the field E/E0, nearness included."""

    row: Int[np.ndarray, " k"]
    outline: Outlines
    field: ComplexValues


def box_shadows(
    segments: Segments, bodies: Bodies, segment: Rows, body: Rows, wavelength: float
) -> BoxShadows:
    """Those of the candidate pairs (`segment`, `body`), (C,) each, in which the box matters.

    Nothing comes through a box. The wave passes it on four sides: left and right round its upright
    edges, over its top, and below it, where the floor mirrors box and wave and a gap under the box
    lets the wave through (as under one thin screen). What passes a side is the field past the
    side's two outermost edges, each at its own place along the ray, in front and at the back of
    the box (`double_edges`), with the Fresnel parameter sqrt(4 detour / wavelength) of its exact
    detour. E/E0 = 1 - (1 - left - right) (1 - over - under - gap), Babinet's principle as for a
    flat screen (Born and Wolf, Principles of Optics, 8.3.2). Knife edges know no polarisation:
    behind a metal box the field along its edges is weaker and that across them stronger.
    """
    row, ray, box = _pairs(segments, bodies, segment, body, wavelength)
    beside, above = _upright_edges(ray, box, wavelength), _level_edges(ray, box, wavelength)
    sides = [(edges, edges.parameter(side)) for edges in (beside, above) for side in (1, -1)]
    # First zones between the ray and the silhouette that it misses on a side.
    off = [np.maximum(-parameter.max(axis=1), 0.0) / np.sqrt(2) for _, parameter in sides]
    zones = np.hypot(np.maximum(off[0], off[1]), np.maximum(off[2], off[3]))
    near = np.flatnonzero(zones < REACH_IN_ZONES)
    left, right, over, under = (
        _fields_past(parameter[near], edges.place[near], ray.length[near])
        for edges, parameter in sides
    )
    gap = _gap(ray.take(near), box.take(near), wavelength)
    field = 1.0 - (1.0 - left - right) * (1.0 - over - under - gap)
    nearness = np.cos(np.pi / 2 * np.clip(zones[near] - 1.0, 0.0, 1.0)) ** 2
    outline = _outlines(ray.take(near), box.take(near), nearness)
    return BoxShadows(row[near], outline, 1.0 - nearness * (1.0 - field))


def _outlines(ray: _Rays, box: _Boxes, nearness: Values) -> Outlines:
    heights = np.stack([box.mirrored, box.floor, box.top], axis=1)
    bottom, ground, top = ray.in_plane(ray.along[:, None], heights)[1].T
    middle = np.clip(ray.middle(box), _NEAREST, ray.length - _NEAREST)
    none = np.zeros(len(nearness))
    return Outlines(
        d1=middle,
        d2=ray.length - middle,
        left=ray.aside - ray.half_width(box),
        right=ray.aside + ray.half_width(box),
        bottom=bottom,
        top=top,
        half_depth=ray.half_depth(box),
        shoulders=top,
        crotch=none,
        ground=ground,
        half_apart=none,
        forward=ray.forward,
        sideways=ray.crossing,
        flatness=ray.level / ray.length,
        nearness=nearness,
    )


@dataclass(frozen=True)
class _Boxes:
    """depth along the heading, width across it; heights of the floor, of the underside and of the
    top in the world; metres."""

    depth: Values
    width: Values
    floor: Values
    underside: Values
    top: Values

    @property
    def mirrored(self) -> Values:
        """Height of the top's mirror image in the floor."""
        return 2 * self.floor - self.top

    def take(self, rows: Rows) -> _Boxes:
        return _Boxes(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class _Rays:
    """Unfolded rays past a box each. level: metres over the ground; source, end: heights in the
    world. along, aside: of the box's axis over the ground, from the source and to the left of the
    ray. forward, crossing: components of the ray's direction over the ground along the box's
    heading and to the left of it."""

    level: Values
    source: Values
    end: Values
    along: Values
    aside: Values
    forward: Values
    crossing: Values

    @property
    def length(self) -> Values:
        return np.hypot(self.level, self.end - self.source)

    def half_depth(self, box: _Boxes) -> Values:
        return (box.depth * np.abs(self.forward) + box.width * np.abs(self.crossing)) / 2

    def half_width(self, box: _Boxes) -> Values:
        return (box.depth * np.abs(self.crossing) + box.width * np.abs(self.forward)) / 2

    def middle(self, box: _Boxes) -> Values:
        """Metres along the ray to where it passes the middle of the box."""
        height = (box.underside + box.top) / 2 - self.source
        return (self.along * self.level + height * (self.end - self.source)) / self.length

    def take(self, rows: Rows) -> _Rays:
        return _Rays(**{name: column[rows] for name, column in vars(self).items()})

    def in_plane(self, along: CornersOrOne, height: Corners) -> tuple[Corners, Corners]:
        """Metres along the ray and off it, upwards, of points of its upright plane."""
        level, rise = self.level[:, None], (self.end - self.source)[:, None]
        below, length = height - self.source[:, None], self.length[:, None]
        return (along * level + below * rise) / length, (below * level - along * rise) / length

    def edges(self, place: Corners, apart: Corners, offset: Corners, wavelength: float) -> _Edges:
        """Knife edges that the wave passes `place` metres along the ray and `apart` off it, of
        which `offset` are across the edge."""
        length = self.length[:, None]
        detour = np.hypot(place, apart) + np.hypot(length - place, apart) - length
        return _Edges(offset, place, np.sqrt(4 * np.maximum(detour, 0) / wavelength), length)


@dataclass(frozen=True)
class _Edges:
    """E edges, one after the other round a box. offset: metres from the ray; place: metres along
    it; size: of their Fresnel parameters; length: metres of the ray."""

    offset: Corners
    place: Corners
    size: Corners
    length: Float[np.ndarray, "k 1"]

    def parameter(self, side: int) -> Corners:
        """Fresnel parameters for what passes on the side of positive (1) or negative (-1) offsets."""
        between = (self.place > 0) & (self.place < self.length)
        hiding = side * self.offset > 0
        return np.where(hiding, self.size, np.where(between, -self.size, _FAR))


def _pairs(
    segments: Segments, bodies: Bodies, segment: Rows, body: Rows, wavelength: float
) -> tuple[Int[np.ndarray, " k"], _Rays, _Boxes]:
    """The candidate pairs in which the box stands beside the segment, not far off its line."""
    start = segments.start[segment]
    dx, dy, climb = (segments.end[segment] - start).T
    length, behind, ahead = (
        column[segment] for column in (segments.length, segments.behind, segments.ahead)
    )
    flat = np.hypot(dx, dy)
    point = flat < _POINT
    ahead_x = np.where(point, 1.0, dx / np.where(point, 1.0, flat))
    ahead_y = np.where(point, 0.0, dy / np.where(point, 1.0, flat))
    foot, height = bodies.position[body], bodies.height[body]
    to_x, to_y, to_z = (foot - start).T
    travelled, aside = to_x * ahead_x + to_y * ahead_y, ahead_x * to_y - ahead_y * to_x
    cos, sin = np.cos(bodies.heading[body]), np.sin(bodies.heading[body])
    whole = (behind + length + ahead) / length
    ray = _Rays(
        level=flat * whole,
        source=start[:, 2] - climb * behind / length,
        end=start[:, 2] + climb * (length + ahead) / length,
        along=travelled + flat * behind / length,
        aside=aside,
        forward=ahead_x * cos + ahead_y * sin,
        crossing=ahead_y * cos - ahead_x * sin,
    )
    box = _Boxes(
        depth=bodies.depth[body],
        width=bodies.width[body],
        floor=np.minimum(FLOOR, foot[:, 2]),
        underside=foot[:, 2],
        top=foot[:, 2] + height,
    )
    upright = flat < _UPRIGHT
    level_length = np.where(upright, 1.0, flat)
    middle = (to_z + height / 2) * np.sign(climb)
    share = np.where(upright, middle / length, travelled / level_length)
    extent = np.where(upright, height / (2 * length), ray.half_depth(box) / level_length)
    widest = REACH_IN_ZONES * np.sqrt(wavelength * ray.length) / 2
    near = np.flatnonzero(
        (np.abs(aside) < ray.half_width(box) + widest)
        & (share >= np.where(segments.first[segment], -extent, 0.0))
        & (share <= np.where(segments.last[segment], 1.0 + extent, 1.0))
    )
    return near, ray.take(near), box.take(near)


def _upright_edges(ray: _Rays, box: _Boxes, wavelength: float) -> _Edges:
    """The ends of the four faces between the ray's ends, as upright edges: met where the wave's
    cone of diffraction has it (Keller), or at the edge's nearer end where that is off it."""
    forward, crossing = ray.forward[:, None], ray.crossing[:, None]
    to_front, to_left = box.depth[:, None] * _DEPTHS, box.width[:, None] * _WIDTHS
    along = ray.along[:, None] + to_front * forward + to_left * crossing
    aside = ray.aside[:, None] - to_front * crossing + to_left * forward
    # An upright ray is a point on the ground: there is nothing to cut off.
    upright = ray.level < _UPRIGHT
    begin, end = np.where(upright, -np.inf, 0.0), np.where(upright, np.inf, ray.level)
    along, aside = _between_ends(along, aside, begin, end)
    before, after = np.hypot(along, aside), np.hypot(ray.level[:, None] - along, aside)
    share = before / np.maximum(before + after, _POINT)
    height = ray.source[:, None] + share * (ray.end - ray.source)[:, None]
    height = np.clip(height, box.mirrored[:, None], box.top[:, None])
    place, above = ray.in_plane(along, height)
    return ray.edges(place, np.hypot(above, aside), aside, wavelength)


def _between_ends(
    along: Corners, aside: Corners, begin: Values, end: Values
) -> tuple[FaceEnds, FaceEnds]:
    """Both ends of each face between these corners, `along` the ray and `aside` of it, cut off at
    the ray's `begin` and `end`. What is beyond is not in its way: it is given no offset."""
    begin, end = begin[:, None], end[:, None]
    step, turn = np.roll(along, -1, axis=1) - along, np.roll(aside, -1, axis=1) - aside
    across = np.abs(step) > _POINT
    slope = np.where(across, step, 1.0)
    ends = np.sort([(begin - along) / slope, (end - along) / slope], axis=0)
    first, last = np.clip(ends, 0.0, 1.0)
    beside = ~across & (along > begin) & (along < end)
    first, last = np.where(beside, 0.0, first), np.where(beside, 1.0, last)
    in_the_way = beside | (first < last)
    shape = len(along), 2 * along.shape[1]
    places = [along + first * step, along + last * step]
    offsets = [np.where(in_the_way, aside + part * turn, 0.0) for part in (first, last)]
    return np.stack(places, axis=2).reshape(shape), np.stack(offsets, axis=2).reshape(shape)


def _level_edges(ray: _Rays, box: _Boxes, wavelength: float) -> _Edges:
    """The edges of the top and of its mirror image in the upright plane of the ray, as far as they
    are between its ends."""
    half = ray.half_width(box) * (1 - 1e-6)
    aside = np.clip(ray.aside, -half, half)
    # Metres from the axis, along the ray, over which it is between two pairs of opposite faces.
    enter, leave = np.full(len(aside), -np.inf), np.full(len(aside), np.inf)
    for way, off, size in (
        (ray.forward, aside * ray.crossing, box.depth),
        (ray.crossing, -aside * ray.forward, box.width),
    ):
        across = np.abs(way) > _POINT
        slope = np.where(across, way, 1.0)
        ends = np.sort([(-size / 2 - off) / slope, (size / 2 - off) / slope], axis=0)
        enter = np.where(across, np.maximum(enter, ends[0]), enter)
        leave = np.where(across, np.minimum(leave, ends[1]), leave)
    along = ray.along[:, None] + np.stack([enter, leave, leave, enter], axis=1)
    height = np.stack([box.top, box.top, box.mirrored, box.mirrored], axis=1)
    place, offset = _between_ends(*ray.in_plane(along, height), np.zeros(len(along)), ray.length)
    return ray.edges(place, np.abs(offset), offset, wavelength)


@compiled
def _fields_past(parameter: Corners, place: Corners, length: Values) -> ComplexValues:
    """What passes a side: of the outermost edge and the one beside it on the silhouette that is
    most in the way of what passes it."""
    found = np.empty(len(parameter), np.complex128)
    edges = parameter.shape[1]
    for row in range(len(parameter)):
        v, whole = parameter[row], length[row]
        outer = int(np.argmax(v))
        s = min(max(place[row, outer], _NEAREST), whole - _NEAREST)
        most, with_v, with_it = -np.inf, v[outer], 1.0
        # A face's end and the next face's beginning are one corner, so two steps each way.
        for step in (-2, -1, 1, 2):
            other = (outer + step) % edges
            at = min(max(place[row, other], _NEAREST), whole - _NEAREST)
            first, second = min(s, at), max(s, at)
            correlation = math.sqrt(first * (whole - second) / (second * (whole - first)))
            apart = 1.0 - correlation * correlation
            if apart > _ONE:
                in_the_way = (v[other] - correlation * v[outer]) / math.sqrt(apart)
                if in_the_way > most:
                    most, with_v, with_it = in_the_way, v[other], correlation
        found[row] = beyond_correlated(v[outer], with_v, with_it)
    return found


def _gap(ray: _Rays, box: _Boxes, wavelength: float) -> ComplexValues:
    """What passes between the underside and its mirror image, as under a thin screen."""
    clearance = box.underside - box.floor
    gap = np.zeros(len(clearance), complex)
    raised = np.flatnonzero(clearance > 0)
    if len(raised):
        ray, box, clearance = ray.take(raised), box.take(raised), clearance[raised]
        height = np.stack([box.floor + clearance, box.floor - clearance], axis=1)
        place, offset = ray.in_plane(np.stack([ray.along] * 2, axis=1), height)
        edges = ray.edges(place, np.abs(offset), offset, wavelength)
        upper, lower = (np.sign(edges.offset) * edges.size).T
        gap[raised] = (0.5 + 0.5j) * (phasor_integrals(upper) - phasor_integrals(lower))
    return gap
