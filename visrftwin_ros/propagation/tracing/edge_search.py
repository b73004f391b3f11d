"""Compiled loops of the image method about an edge: mirrors before it, and mirrors behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.utd_edges import Wedges
from visrftwin_ros.propagation.tracing.beam_loops import (
    ON_PLANE,
    TOUCHING,
    crossing,
    meets,
    product,
)


@dataclass(frozen=True)
class Beams:
    """N beams from one end of a path, over no mirror (the first) and over sequences of some.

    images: of the end, itself and in the mirrors up to each. planes: the mirrors, -1 = none;
    number: how many; last: the largest of their places in the list of mirrors, -1 = none.
    The beams that light edge e: lit[first[e]:first[e + 1]].
    """

    images: Float[np.ndarray, "n up 3"]
    planes: Int[np.ndarray, "n up-1"]
    number: Int[np.ndarray, " n"]
    last: Int[np.ndarray, " n"]
    first: Int[np.ndarray, " starts"]
    lit: Int[np.ndarray, " k"]

    @property
    def arrays(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All of them, in this order."""
        return self.images, self.planes, self.number, self.last, self.first, self.lit


@dataclass(frozen=True)
class Bends:
    """N ways over one edge each: which, over how many mirrors before it, and in the order from the
    transmitter the planes (-1 = the edge, or none) and the points on planes and edge."""

    edge: Int[np.ndarray, " n"]
    before: Int[np.ndarray, " n"]
    planes: Int[np.ndarray, "n up"]
    points: Float[np.ndarray, "n up 3"]


def beams_from(
    end: Float[np.ndarray, " 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    mirrors: Int[np.ndarray, " k"],
    among: Int[np.ndarray, " up"],
    outward: Float[np.ndarray, " m"],
    edges: Wedges,
) -> Beams:
    """The beams over n of the first `among[n]` of the planes `mirrors`, none met from behind, where
    its `outward` (1, -1; 0 = no matter) along the normal does not point, and what they light,
    whatever stands between."""
    room, most = 4096, len(among) - 1
    while True:
        images, planes = np.zeros((room, most + 1, 3)), np.full((room, most), -1)
        number, last = np.zeros(room, np.int64), np.full(room, -1)
        window = np.zeros((room, 2, 3))
        scene = (normal, level, low, high, mirrors, among, outward)
        count = _beams(np.ascontiguousarray(end), *scene, images, planes, number, last, window)
        if count <= room:
            break
        room = count
    corners = edges.origin, edges.origin + edges.length[:, None] * edges.along
    lit = np.zeros((len(edges.length), count), np.bool_)
    faces = edges.near, edges.far
    _lit_edges(images, planes, number, window, normal, level, *corners, *faces, lit)
    edge, beam = np.nonzero(lit)
    first = np.searchsorted(edge, np.arange(len(lit) + 1))
    return Beams(images[:count], planes[:count], number[:count], last[:count], first, beam)


def bends_between(
    start: Beams,
    end: Beams,
    edges: Wedges,
    among: Int[np.ndarray, " up"],
    shortest: Float[np.ndarray, " up"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
) -> Bends:
    """All ways over an edge, at least `shortest[n]` metres long, and n of the first `among[n]`
    mirrors on its two sides together, whatever stands between: on the edge Keller's cone
    (J. Opt. Soc. Am. 52, 1962) between the images of the ends."""
    room, most = 16_384, len(among) - 1
    known = (*start.arrays, *end.arrays)
    lines = edges.origin, edges.along, edges.length
    while True:
        edge, before = np.empty(room, np.int64), np.empty(room, np.int64)
        planes, points = np.full((room, most + 1), -1), np.zeros((room, most + 1, 3))
        scene = (normal, level, low, high, first, triangles)
        count = _bends(*known, *lines, among, shortest, *scene, edge, before, planes, points)
        if count <= room:
            return Bends(edge[:count], before[:count], planes[:count], points[:count])
        room = count


@compiled
def _beams(
    end: Float[np.ndarray, " 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    mirrors: Int[np.ndarray, " k"],
    among: Int[np.ndarray, " up"],
    outward: Float[np.ndarray, " m"],
    images: Float[np.ndarray, "room up 3"],
    planes: Int[np.ndarray, "room up-1"],
    number: Int[np.ndarray, " room"],
    last: Int[np.ndarray, " room"],
    window: Float[np.ndarray, "room 2 3"],
) -> int:
    """Fills the last five as far as there is room; how many there are. Depth first, as for paths
    over mirrors alone."""
    room, most = images.shape[0], planes.shape[1]
    image, lit, seen = np.zeros((most + 1, 3)), np.zeros((most + 1, 2, 3)), np.zeros((2, 3))
    tried, farthest = np.full(most + 1, -1), np.full(most + 1, -1)
    path, sides = np.full(most + 1, -1), np.zeros(most + 1)
    image[0] = images[0, 0] = end
    count, n = 1, 0
    while n >= 0:
        tried[n] += 1
        if n == most or farthest[n] >= among[n + 1] or tried[n] >= min(among[n + 1], len(mirrors)):
            n -= 1
            continue
        plane = mirrors[tried[n]]
        away = product(image[n], normal[plane]) - level[plane]
        if away * outward[plane] < 0:
            continue
        back = max(n - 1, 0)
        if not meets(
            image[n],
            n,
            path[back],
            sides[back],
            lit[n],
            plane,
            away,
            normal,
            level,
            low,
            high,
            lit[n + 1],
            seen,
        ):
            continue
        path[n], sides[n] = plane, away
        farthest[n + 1] = max(farthest[n], tried[n])
        for k in range(3):
            image[n + 1, k] = image[n, k] - 2 * away * normal[plane, k]
        if count < room:
            images[count, : n + 2], planes[count, : n + 1] = image[: n + 2], path[: n + 1]
            number[count], last[count], window[count] = n + 1, farthest[n + 1], lit[n + 1]
        count += 1
        n += 1
        tried[n] = -1
    return count


@compiled
def _lit_edges(
    images: Float[np.ndarray, "room up 3"],
    planes: Int[np.ndarray, "room up-1"],
    number: Int[np.ndarray, " room"],
    window: Float[np.ndarray, "room 2 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    one: Float[np.ndarray, "edges 3"],
    other: Float[np.ndarray, "edges 3"],
    near: Float[np.ndarray, "edges 3"],
    far: Float[np.ndarray, "edges 3"],
    lit: Bool[np.ndarray, "edges n"],
) -> None:
    """Which of the first n beams may meet which edges, from outside their wedges."""
    for beam in range(lit.shape[1]):
        n = number[beam]
        image = images[beam, n]
        for edge in range(len(one)):
            off = image - one[edge]
            if product(off, near[edge]) <= 0 and product(off, far[edge]) <= 0:
                continue
            lit[edge, beam] = n == 0 or _within_window(
                image,
                normal[planes[beam, n - 1]],
                level[planes[beam, n - 1]],
                window[beam],
                one[edge],
                other[edge],
            )


@compiled
def _within_window(
    image: Float[np.ndarray, " 3"],
    normal: Float[np.ndarray, " 3"],
    level: float,
    window: Float[np.ndarray, "2 3"],
    one: Float[np.ndarray, " 3"],
    other: Float[np.ndarray, " 3"],
) -> bool:
    """From `image`, some of what lies before the mirror of the edge between two corners is seen
    through the bounds of `window`."""
    away = product(image, normal) - level
    side = -1.0 if away > 0 else 1.0
    first, second = side * (product(one, normal) - level), side * (product(other, normal) - level)
    if first < ON_PLANE and second < ON_PLANE:
        return False
    # The parts of the edge, from `one` on, at which what lies before the mirror begins and ends.
    begin = first / (first - second) if first < 0 else 0.0
    end = first / (first - second) if second < 0 else 1.0
    for k in range(3):
        a, b = one[k] + begin * (other[k] - one[k]), one[k] + end * (other[k] - one[k])
        a = image[k] + (a - image[k]) * abs(away) / (abs(away) + max(first, 0.0))
        b = image[k] + (b - image[k]) * abs(away) / (abs(away) + max(second, 0.0))
        if min(a, b) > window[1, k] + TOUCHING or max(a, b) < window[0, k] - TOUCHING:
            return False
    return True


@compiled
def _back_to_end(
    images: Float[np.ndarray, "up 3"],
    planes: Int[np.ndarray, " up-1"],
    count: int,
    end: int,
    step: int,
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    spot: Float[np.ndarray, "up 3"],
) -> bool:
    """The way from the edge's point back over `count` mirrors has a point on each, which are put
    into `spot`, the mirror next to the path's end at `end`, the others in steps of `step`."""
    for m in range(count - 1, -1, -1):
        here, there = spot[end + step * (m + 1)], spot[end + step * m]
        scene = (normal, level, low, high, first, triangles)
        if crossing(here, images[m + 1], planes[m], *scene, there) <= 0:
            return False
    return True


@compiled
def _bends(
    tx_images: Float[np.ndarray, "a up 3"],
    tx_planes: Int[np.ndarray, "a up-1"],
    tx_number: Int[np.ndarray, " a"],
    tx_last: Int[np.ndarray, " a"],
    tx_first: Int[np.ndarray, " starts"],
    tx_lit: Int[np.ndarray, " k"],
    rx_images: Float[np.ndarray, "b up 3"],
    rx_planes: Int[np.ndarray, "b up-1"],
    rx_number: Int[np.ndarray, " b"],
    rx_last: Int[np.ndarray, " b"],
    rx_first: Int[np.ndarray, " starts"],
    rx_lit: Int[np.ndarray, " l"],
    origin: Float[np.ndarray, "edges 3"],
    along: Float[np.ndarray, "edges 3"],
    length: Float[np.ndarray, " edges"],
    among: Int[np.ndarray, " up"],
    shortest: Float[np.ndarray, " up"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    edges: Int[np.ndarray, " room"],
    before: Int[np.ndarray, " room"],
    planes: Int[np.ndarray, "room up"],
    points: Float[np.ndarray, "room up 3"],
) -> int:
    """Fills the last four as far as there is room; how many there are."""
    count, room, most = 0, edges.shape[0], len(among) - 1
    spot = np.zeros((most + 1, 3))
    for edge in range(len(length)):
        for i in range(tx_first[edge], tx_first[edge + 1]):
            p = tx_lit[i]
            b = tx_number[p]
            source = tx_images[p, b]
            at_source = product(source - origin[edge], along[edge])
            square = product(source - origin[edge], source - origin[edge])
            off_source = np.sqrt(max(square - at_source * at_source, 0.0))
            for j in range(rx_first[edge], rx_first[edge + 1]):
                q = rx_lit[j]
                a = rx_number[q]
                both = a + b
                if (
                    both > most
                    or max(tx_last[p], rx_last[q]) >= among[both]
                    or length[edge] < shortest[both]
                ):
                    continue
                target = rx_images[q, a]
                at_target = off_target = 0.0
                for k in range(3):
                    step = target[k] - origin[edge, k]
                    at_target += step * along[edge, k]
                    off_target += step * step
                off_target = np.sqrt(max(off_target - at_target * at_target, 0.0))
                share = off_source / (off_source + off_target)
                place = at_source + (at_target - at_source) * share
                if not (place > 0 and place < length[edge]):
                    continue
                for k in range(3):
                    spot[b, k] = origin[edge, k] + place * along[edge, k]
                scene = (normal, level, low, high, first, triangles)
                if not (
                    _back_to_end(tx_images[p], tx_planes[p], b, 0, 1, *scene, spot)
                    and _back_to_end(rx_images[q], rx_planes[q], a, both, -1, *scene, spot)
                ):
                    continue
                if count < room:
                    edges[count], before[count] = edge, b
                    for m in range(b):
                        planes[count, m] = tx_planes[p, m]
                    for m in range(a):
                        planes[count, b + a - m] = rx_planes[q, m]
                    points[count, : both + 1] = spot[: both + 1]
                count += 1
    return count
