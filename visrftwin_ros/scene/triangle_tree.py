"""Where single rays first meet triangles: a tree of boxes, walked by compiled code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.compiled import compiled
from visrftwin_ros.scene.surfaces import SurfaceMesh

Rays = Float[np.ndarray, "rays 3"]
Corners = Float[np.ndarray, "triangles 3 3"]
Vector = tuple[float, float, float]

_LEAF = 4
"""Triangles that a box holds undivided."""
_DEEPEST = 256
_MARGIN = 1e-6
"""Metres about a box, for rounding."""
_EDGE = 1e-7
"""Of a triangle's sides, by which it is larger: a ray does not slip between two of them."""


class TriangleTree:
    """A bounding volume hierarchy (Kay and Kajiya, SIGGRAPH 1986) over all faces of some meshes,
    for few rays: a tracer's launch alone takes longer than these."""

    def __init__(self, meshes: Sequence[SurfaceMesh]) -> None:
        # In single precision, as the tracer has them.
        corners = [mesh.vertices.astype(np.float32)[mesh.faces] for mesh in meshes]
        triangles = np.concatenate([np.zeros((0, 3, 3)), *corners])
        boxes, self._links, order = _divided(triangles.min(axis=1), triangles.max(axis=1))
        self._boxes = boxes + np.array([[-_MARGIN], [_MARGIN]])
        self._triangles = triangles[order]

    def first_hit(self, origins: Rays, directions: Rays) -> Float[np.ndarray, " rays"]:
        """Metres from `origins` along unit `directions` to the first triangle, inf where free
        (Moller and Trumbore, J. Graphics Tools 2, 1997)."""
        start, step = (np.ascontiguousarray(line, float) for line in (origins, directions))
        return _first_hits(start, step, self._boxes, self._links, self._triangles)


@compiled
def _divided(
    low: Float[np.ndarray, "triangles 3"], high: Float[np.ndarray, "triangles 3"]
) -> tuple[
    Float[np.ndarray, "nodes 2 3"],
    Int[np.ndarray, "nodes 2"],
    Int[np.ndarray, " triangles"],
]:
    """Boxes; what is in each: its first triangle and their number, or its first child, the second
    one follows, and 0; and the triangles in that order."""
    count = len(low)
    order = np.arange(count)
    boxes, links = np.empty((2 * count + 1, 2, 3)), np.zeros((2 * count + 1, 2), np.int64)
    spans = np.zeros((2 * count + 1, 3), np.int64)
    spans[0, 1] = count
    made, node = 1, 0
    while node < made:
        begin, end, depth = spans[node]
        middles = np.empty((2, 3))
        for axis in range(3):
            boxes[node, 0, axis], boxes[node, 1, axis] = np.inf, -np.inf
            middles[0, axis], middles[1, axis] = np.inf, -np.inf
            for i in range(begin, end):
                one, other = low[order[i], axis], high[order[i], axis]
                boxes[node, 0, axis] = min(boxes[node, 0, axis], one)
                boxes[node, 1, axis] = max(boxes[node, 1, axis], other)
                middles[0, axis] = min(middles[0, axis], one + other)
                middles[1, axis] = max(middles[1, axis], one + other)
        if end - begin <= _LEAF or depth + 2 >= _DEEPEST:
            links[node, 0], links[node, 1] = begin, end - begin
            node += 1
            continue
        widest = np.argmax(middles[1] - middles[0])
        half = 0.5 * (middles[0, widest] + middles[1, widest])
        cut = begin
        for i in range(begin, end):
            which = order[i]
            if low[which, widest] + high[which, widest] < half:
                order[i], order[cut] = order[cut], which
                cut += 1
        if cut in (begin, end):  # All middles are in one place.
            cut = (begin + end) // 2
        links[node, 0] = made
        spans[made, 0], spans[made, 1], spans[made, 2] = begin, cut, depth + 1
        spans[made + 1, 0], spans[made + 1, 1], spans[made + 1, 2] = cut, end, depth + 1
        made += 2
        node += 1
    return boxes[:made].copy(), links[:made].copy(), order


@compiled
def _first_hits(
    origins: Rays,
    directions: Rays,
    boxes: Float[np.ndarray, "nodes 2 3"],
    links: Int[np.ndarray, "nodes 2"],
    triangles: Corners,
) -> Float[np.ndarray, " rays"]:
    nearest = np.full(len(origins), np.inf)
    waiting = np.empty(_DEEPEST, np.int64)
    for ray in range(len(origins)):
        origin = origins[ray, 0], origins[ray, 1], origins[ray, 2]
        step = directions[ray, 0], directions[ray, 1], directions[ray, 2]
        pace = 1.0 / step[0], 1.0 / step[1], 1.0 / step[2]
        first = np.inf
        waiting[0], left = 0, 1
        while left > 0:
            left -= 1
            node = waiting[left]
            if not _meets(origin, pace, boxes, node, first):
                continue
            child, count = links[node, 0], links[node, 1]
            if count == 0 and len(links) > 1:
                waiting[left], waiting[left + 1] = child, child + 1
                left += 2
            for i in range(child, child + count):
                first = min(first, _distance(origin, step, triangles, i))
        nearest[ray] = first
    return nearest


@compiled
def _meets(
    origin: Vector,
    pace: Vector,
    boxes: Float[np.ndarray, "nodes 2 3"],
    node: int,
    first: float,
) -> bool:
    """The ray comes into the box before `first`; what is not a number, beside a side along which
    the ray runs, excludes nothing."""
    enter, leave = 0.0, first
    for axis in range(3):
        one = (boxes[node, 0, axis] - origin[axis]) * pace[axis]
        other = (boxes[node, 1, axis] - origin[axis]) * pace[axis]
        if one > other:
            one, other = other, one
        if one > enter:
            enter = one
        if other < leave:
            leave = other
    return enter <= leave


@compiled
def _distance(
    origin: Vector,
    step: Vector,
    corners: Corners,
    i: int,
) -> float:
    """Metres to one triangle, inf where the ray passes it by."""
    ax, ay, az = corners[i, 0, 0], corners[i, 0, 1], corners[i, 0, 2]
    bx, by, bz = corners[i, 1, 0] - ax, corners[i, 1, 1] - ay, corners[i, 1, 2] - az
    cx, cy, cz = corners[i, 2, 0] - ax, corners[i, 2, 1] - ay, corners[i, 2, 2] - az
    px, py, pz = (
        step[1] * cz - step[2] * cy,
        step[2] * cx - step[0] * cz,
        step[0] * cy - step[1] * cx,
    )
    volume = bx * px + by * py + bz * pz
    if volume == 0.0:
        return np.inf
    tx, ty, tz = origin[0] - ax, origin[1] - ay, origin[2] - az
    u = (tx * px + ty * py + tz * pz) / volume
    if not (-_EDGE <= u <= 1.0 + _EDGE):
        return np.inf
    qx, qy, qz = ty * bz - tz * by, tz * bx - tx * bz, tx * by - ty * bx
    v = (step[0] * qx + step[1] * qy + step[2] * qz) / volume
    if not (v >= -_EDGE and u + v <= 1.0 + _EDGE):
        return np.inf
    along = (cx * qx + cy * qy + cz * qz) / volume
    return along if along > 0.0 else np.inf
