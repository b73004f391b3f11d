"""Compiled loops of the image method: mirror points, and the walls that a path passes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.tracing.beam_loops import (
    ON_PLANE,
    TOUCHING,
    crossing,
    meets,
    product,
    within,
)
from visrftwin_ros.scene.visibility import SHORTEST


def mirror_points(
    tx: Float[np.ndarray, "t 3"],
    rx: Float[np.ndarray, "r 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    mirrors: Int[np.ndarray, " k"],
    among: Int[np.ndarray, " most"],
    outward: Float[np.ndarray, " m"],
    most_within: int,
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, "n most"], Float[np.ndarray, "n most 3"]]:
    """All sequences of at most `most` of the planes `mirrors` in which a receiver sees a
    transmitter, whatever stands between, those of n over the first `among[n - 1]` alone, which
    never grows: link (t * R + r), planes (-1 = none) and mirror points. With more than `most_within`
    mirrors none is met from behind, where its `outward` (1, -1; 0 = no matter) along the normal does
    not point."""
    room, most = 65_536, len(among)
    while True:
        link = np.empty(room, np.int64)
        planes, points = np.full((room, most), -1), np.zeros((room, most, 3))
        scene = (normal, level, low, high, first, triangles, mirrors, among, outward, most_within)
        count = _mirror_points(tx, rx, *scene, link, planes, points)
        if count <= room:
            return link[:count], planes[:count], points[:count]
        room = count


def crossed_planes(
    start: Float[np.ndarray, "n 3"],
    end: Float[np.ndarray, "n 3"],
    mirrors: Int[np.ndarray, "n most"],
    points: Float[np.ndarray, "n most 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    depth: int,
    through: bool,
) -> tuple[
    Bool[np.ndarray, " n"],
    Float[np.ndarray, "n v 3"],
    Int[np.ndarray, "n v-2"],
    Bool[np.ndarray, "n v-2"],
]:
    """Which of the ways over `mirrors` have at most `depth` interactions, passing planes only if
    `through`; their vertices (padded with the end), the planes met (-1 = none) and which of them
    mirror. A way with a piece under `SHORTEST` is none."""
    count = len(start)
    fits = np.zeros(count, np.bool_)
    vertices = np.repeat(end[:, None], depth + 2, axis=1)
    vertices[:, 0] = start
    met, mirrored = np.full((count, depth), -1), np.zeros((count, depth), np.bool_)
    scene = (normal, level, low, high, first, triangles)
    _crossed_planes(end, mirrors, points, *scene, depth, through, fits, vertices, met, mirrored)
    return fits, vertices, met, mirrored


@compiled
def _mirror_points(
    tx: Float[np.ndarray, "t 3"],
    rx: Float[np.ndarray, "r 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    mirrors: Int[np.ndarray, " k"],
    among: Int[np.ndarray, " most"],
    outward: Float[np.ndarray, " m"],
    most_within: int,
    link: Int[np.ndarray, " room"],
    planes: Int[np.ndarray, "room most"],
    points: Float[np.ndarray, "room most 3"],
) -> int:
    """Fills the last three as far as there is room; how many there are.

    Beams are followed from mirror to mirror, depth first: `tried[n]` is the place in `mirrors` of
    the beam's mirror n, `images[n + 1]` the transmitter in it and those before, `lit[n + 1]` the
    bounds of what the beam lights of it, `last[n + 1]` the largest place so far, `behind[n + 1]`
    whether one was met from behind.
    """
    count, room, most = 0, link.shape[0], planes.shape[1]
    images, lit = np.zeros((most + 1, 3)), np.zeros((most + 1, 2, 3))
    tried, sides = np.full(most + 1, -1), np.zeros(most + 1)
    last, behind = np.zeros(most + 1, np.int64), np.zeros(most + 1, np.bool_)
    path, meeting, seen = np.full(most, -1), np.zeros((most, 3)), np.zeros((2, 3))
    for t in range(len(tx)):
        for r in range(len(rx)):
            if count < room:
                link[count] = t * len(rx) + r
            count += 1
        images[0] = tx[t]
        n = 0
        tried[0] = -1
        while n >= 0:
            tried[n] += 1
            if n == most or last[n] >= among[n] or tried[n] >= min(among[n], len(mirrors)):
                n -= 1
                continue
            plane = mirrors[tried[n]]
            last[n + 1] = max(last[n], tried[n])
            away = product(images[n], normal[plane]) - level[plane]
            behind[n + 1] = behind[n] or away * outward[plane] < 0
            if behind[n + 1] and n >= most_within:
                continue
            back = max(n - 1, 0)
            if not meets(
                images[n],
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
            for k in range(3):
                images[n + 1, k] = images[n, k] - 2 * away * normal[plane, k]
            for r in range(len(rx)):
                here, found = rx[r], True
                for m in range(n, -1, -1):
                    if (
                        crossing(
                            here,
                            images[m + 1],
                            path[m],
                            normal,
                            level,
                            low,
                            high,
                            first,
                            triangles,
                            meeting[m],
                        )
                        <= 0
                    ):
                        found = False
                        break
                    here = meeting[m]
                if found:
                    if count < room:
                        link[count] = t * len(rx) + r
                        planes[count, : n + 1] = path[: n + 1]
                        points[count, : n + 1] = meeting[: n + 1]
                    count += 1
            n += 1
            tried[n] = -1
    return count


@compiled
def _crossed_planes(
    end: Float[np.ndarray, "n 3"],
    mirrors: Int[np.ndarray, "n most"],
    points: Float[np.ndarray, "n most 3"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    depth: int,
    through: bool,
    fits: Bool[np.ndarray, " n"],
    vertices: Float[np.ndarray, "n v 3"],
    met: Int[np.ndarray, "n v-2"],
    mirrored: Bool[np.ndarray, "n v-2"],
) -> None:
    point, places = np.zeros(3), np.zeros((depth + 1, 3))
    shares, passed = np.zeros(depth + 1), np.zeros(depth + 1, np.int64)
    for n in range(len(fits)):
        bounces = (mirrors[n] >= 0).sum()
        used, good = 0, True
        here = vertices[n, 0].copy()
        for leg in range(bounces + 1):
            target = points[n, leg] if leg < bounces else end[n]
            length = np.sqrt(product(target - here, target - here))
            room = depth - used - (bounces - leg) if through else 0
            found = 0
            for plane in range(len(level)):
                if leg < bounces and abs(product(target, normal[plane]) - level[plane]) < ON_PLANE:
                    # On an edge, where another face begins, there is no mirror to speak of.
                    turned = abs(product(normal[plane], normal[mirrors[n, leg]])) < 1 - ON_PLANE
                    if turned and within(target, plane, low, high, first, triangles):
                        good = False
                        break
                share = crossing(
                    here, target, plane, normal, level, low, high, first, triangles, point
                )
                if share < 0:
                    continue
                twice = False
                for k in range(found):
                    twice |= abs(shares[k] - share) * length < TOUCHING
                if twice:
                    continue
                if found == room:
                    good = False
                    break
                place = found
                while place > 0 and shares[place - 1] > share:
                    shares[place], passed[place] = shares[place - 1], passed[place - 1]
                    places[place] = places[place - 1]
                    place -= 1
                shares[place], passed[place], places[place] = share, plane, point
                found += 1
            if not good:
                break
            last = 0.0
            for k in range(found):
                good &= (shares[k] - last) * length > SHORTEST
                last = shares[k]
                vertices[n, used + 1], met[n, used] = places[k], passed[k]
                used += 1
            good &= (1.0 - last) * length > SHORTEST
            if leg < bounces:
                vertices[n, used + 1], met[n, used] = points[n, leg], mirrors[n, leg]
                mirrored[n, used] = True
                used += 1
            here = target
            if not good:
                break
        fits[n] = good
