"""Compiled loops of the image method: mirror points, and the walls that a path passes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.compiled import compiled
from visrftwin_ros.scene.visibility import SHORTEST

_ON_PLANE = 1e-6
"""Metres: a point closer to a plane than this lies in it."""
_TOUCHING = 1e-3
"""Metres: planes passed closer together than this are one, as for a tracer that starts off them."""
_SLACK = 1e-9
"""Barycentric: a point on the diagonal of a rectangle belongs to one of its triangles."""


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
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, "n most"], Float[np.ndarray, "n most 3"]]:
    """All sequences of at most `most` of the planes `mirrors` in which a receiver sees a
    transmitter, whatever stands between, those of n over the first `among[n - 1]` alone, which
    never grows: link (t * R + r), planes (-1 = none) and mirror points."""
    room, most = 65_536, len(among)
    while True:
        link = np.empty(room, np.int64)
        planes, points = np.full((room, most), -1), np.zeros((room, most, 3))
        scene = (normal, level, low, high, first, triangles, mirrors, among)
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
def _product(a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def _within(
    point: Float[np.ndarray, " 3"],
    plane: int,
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
) -> bool:
    """A point of the plane lies on one of its triangles."""
    for k in range(3):
        if point[k] < low[plane, k] - _ON_PLANE or point[k] > high[plane, k] + _ON_PLANE:
            return False
    for i in range(first[plane], first[plane + 1]):
        bb = bc = cc = pb = pc = 0.0
        for k in range(3):
            corner = triangles[i, 0, k]
            b, c, p = triangles[i, 1, k] - corner, triangles[i, 2, k] - corner, point[k] - corner
            bb += b * b
            bc += b * c
            cc += c * c
            pb += p * b
            pc += p * c
        area = bb * cc - bc * bc
        u, v = (cc * pb - bc * pc) / area, (bb * pc - bc * pb) / area
        if u >= -_SLACK and v >= -_SLACK and u + v <= 1 + _SLACK:
            return True
    return False


@compiled
def _between(
    here: Float[np.ndarray, " 3"],
    there: Float[np.ndarray, " 3"],
    plane: int,
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
    point: Float[np.ndarray, " 3"],
) -> float:
    """The share of the way from `here` at which it passes through the plane's triangles, and the
    `point` there; -1 where it does not."""
    before = _product(here, normal[plane]) - level[plane]
    after = _product(there, normal[plane]) - level[plane]
    if abs(before) < _ON_PLANE or abs(after) < _ON_PLANE or (before > 0) == (after > 0):
        return -1.0
    share = before / (before - after)
    for k in range(3):
        point[k] = here[k] + share * (there[k] - here[k])
    return share if _within(point, plane, low, high, first, triangles) else -1.0


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
    link: Int[np.ndarray, " room"],
    planes: Int[np.ndarray, "room most"],
    points: Float[np.ndarray, "room most 3"],
) -> int:
    """Fills the last three as far as there is room; how many there are.

    Beams are followed from mirror to mirror, depth first: `tried[n]` is the place in `mirrors` of
    the beam's mirror n, `images[n + 1]` the transmitter in it and those before, `lit[n + 1]` the
    bounds of what the beam lights of it, `last[n + 1]` the largest place so far.
    """
    count, room, most = 0, link.shape[0], planes.shape[1]
    images, lit = np.zeros((most + 1, 3)), np.zeros((most + 1, 2, 3))
    tried, sides = np.full(most + 1, -1), np.zeros(most + 1)
    last = np.zeros(most + 1, np.int64)
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
            away = _product(images[n], normal[plane]) - level[plane]
            if n == 0:
                if abs(away) < SHORTEST:
                    continue
                lit[1, 0], lit[1, 1] = low[plane], high[plane]
            elif (
                plane == path[n - 1]
                or abs(away) < _ON_PLANE
                or not _reaches(plane, path[n - 1], sides[n - 1], normal, level, low, high)
                or not _lights(
                    images[n],
                    path[n - 1],
                    lit[n],
                    plane,
                    normal,
                    level,
                    low,
                    high,
                    lit[n + 1],
                    seen,
                )
            ):
                continue
            path[n], sides[n] = plane, away
            for k in range(3):
                images[n + 1, k] = images[n, k] - 2 * away * normal[plane, k]
            for r in range(len(rx)):
                here, found = rx[r], True
                for m in range(n, -1, -1):
                    if (
                        _between(
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
def _reaches(
    j: int,
    i: int,
    side: float,
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
) -> bool:
    """Plane `j` has some place on that side of plane `i`, which alone its mirror lights."""
    farthest = -level[i] if side > 0 else level[i]
    for k in range(3):
        part = normal[i, k] if side > 0 else -normal[i, k]
        farthest += part * (high[j, k] if part > 0 else low[j, k])
    return farthest > _ON_PLANE


@compiled
def _lights(
    image: Float[np.ndarray, " 3"],
    i: int,
    window: Float[np.ndarray, "2 3"],
    j: int,
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    lit: Float[np.ndarray, "2 3"],
    seen: Float[np.ndarray, "2 3"],
) -> bool:
    """What comes from `image` through the bounds `window` on plane `i` may meet plane `j`, and the
    bounds `lit` of where: the window's shadow on `j`, or where that is not plain, as where part of
    `j` lies before the mirror, all of `j` if its own on `i` meets the window. `seen` is overwritten.
    """
    lit[0], lit[1] = low[j], high[j]
    if _projected(image, window, normal[j], level[j], seen):
        for k in range(3):
            lit[0, k] = max(lit[0, k], seen[0, k] - _TOUCHING)
            lit[1, k] = min(lit[1, k], seen[1, k] + _TOUCHING)
            if lit[0, k] > lit[1, k]:
                return False
    elif _projected(image, lit, normal[i], level[i], seen):
        for k in range(3):
            if seen[0, k] > window[1, k] + _TOUCHING or seen[1, k] < window[0, k] - _TOUCHING:
                return False
    return True


@compiled
def _projected(
    image: Float[np.ndarray, " 3"],
    box: Float[np.ndarray, "2 3"],
    normal: Float[np.ndarray, " 3"],
    level: float,
    seen: Float[np.ndarray, "2 3"],
) -> bool:
    """`seen` are the bounds of the box's shadow from `image` on a plane; False where it has no
    such: part of the box lies where the projection turns round."""
    behind = level - _product(image, normal)
    seen[0], seen[1] = np.inf, -np.inf
    for corner in range(8):
        ahead = 0.0
        for k in range(3):
            ahead += (box[corner >> k & 1, k] - image[k]) * normal[k]
        if abs(ahead) < _ON_PLANE or (ahead > 0) != (behind > 0):
            return False
        for k in range(3):
            place = image[k] + behind / ahead * (box[corner >> k & 1, k] - image[k])
            seen[0, k], seen[1, k] = min(seen[0, k], place), max(seen[1, k], place)
    return True


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
            length = np.sqrt(_product(target - here, target - here))
            room = depth - used - (bounces - leg) if through else 0
            found = 0
            for plane in range(len(level)):
                if (
                    leg < bounces
                    and abs(_product(target, normal[plane]) - level[plane]) < _ON_PLANE
                ):
                    # On an edge, where another face begins, there is no mirror to speak of.
                    turned = abs(_product(normal[plane], normal[mirrors[n, leg]])) < 1 - _ON_PLANE
                    if turned and _within(target, plane, low, high, first, triangles):
                        good = False
                        break
                share = _between(
                    here, target, plane, normal, level, low, high, first, triangles, point
                )
                if share < 0:
                    continue
                twice = False
                for k in range(found):
                    twice |= abs(shares[k] - share) * length < _TOUCHING
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
