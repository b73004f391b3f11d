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
    large: Bool[np.ndarray, " m"],
    most: int,
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, "n 3"], Float[np.ndarray, "n 3 3"]]:
    """All sequences of at most `most` (0 to 3) of the planes `mirrors` in which a receiver sees a
    transmitter, whatever stands between, those of three over `large` ones alone: link (t * R + r),
    planes (-1 = none) and mirror points."""
    room = 4096
    while True:
        link = np.empty(room, np.int64)
        planes, points = np.full((room, 3), -1), np.zeros((room, 3, 3))
        scene = (normal, level, low, high, first, triangles, mirrors, large)
        count = _mirror_points(tx, rx, *scene, most, link, planes, points)
        if count <= room:
            return link[:count], planes[:count], points[:count]
        room = count


def crossed_planes(
    start: Float[np.ndarray, "n 3"],
    end: Float[np.ndarray, "n 3"],
    mirrors: Int[np.ndarray, "n 3"],
    points: Float[np.ndarray, "n 3 3"],
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
    large: Bool[np.ndarray, " m"],
    most: int,
    link: Int[np.ndarray, " room"],
    planes: Int[np.ndarray, "room 3"],
    points: Float[np.ndarray, "room 3 3"],
) -> int:
    """Fills the last three as far as there is room; how many there are."""
    count, room, receivers = 0, len(link), len(rx)
    image, twice, thrice = np.zeros(3), np.zeros(3), np.zeros(3)
    one, other, third = np.zeros(3), np.zeros(3), np.zeros(3)
    for t in range(len(tx)):
        for r in range(receivers):
            if count < room:
                link[count] = t * receivers + r
            count += 1
        if most < 1:
            continue
        for i in mirrors:
            away = _product(tx[t], normal[i]) - level[i]
            if abs(away) < SHORTEST:
                continue
            for k in range(3):
                image[k] = tx[t, k] - 2 * away * normal[i, k]
            for r in range(receivers):
                share = _between(rx[r], image, i, normal, level, low, high, first, triangles, one)
                if share > 0:
                    if count < room:
                        link[count], planes[count, 0], points[count, 0] = t * receivers + r, i, one
                    count += 1
            if most < 2:
                continue
            for j in mirrors:
                if j == i:
                    continue
                beside = _product(image, normal[j]) - level[j]
                if abs(beside) < _ON_PLANE or not _reaches(j, i, away, normal, level, low, high):
                    continue
                if not _lights(image, i, j, normal, level, low, high):
                    continue
                for k in range(3):
                    twice[k] = image[k] - 2 * beside * normal[j, k]
                for r in range(receivers):
                    share = _between(
                        rx[r], twice, j, normal, level, low, high, first, triangles, other
                    )
                    if share <= 0:
                        continue
                    share = _between(
                        other, image, i, normal, level, low, high, first, triangles, one
                    )
                    if share <= 0:
                        continue
                    if count < room:
                        link[count] = t * receivers + r
                        planes[count, 0], planes[count, 1] = i, j
                        points[count, 0], points[count, 1] = one, other
                    count += 1
                if most < 3 or not (large[i] and large[j]):
                    continue
                for m in mirrors:
                    if m == j or not large[m]:
                        continue
                    beyond = _product(twice, normal[m]) - level[m]
                    if abs(beyond) < _ON_PLANE or not _reaches(
                        m, j, beside, normal, level, low, high
                    ):
                        continue
                    if not _lights(twice, j, m, normal, level, low, high):
                        continue
                    for k in range(3):
                        thrice[k] = twice[k] - 2 * beyond * normal[m, k]
                    for r in range(receivers):
                        scene = (normal, level, low, high, first, triangles)
                        if _between(rx[r], thrice, m, *scene, third) <= 0:
                            continue
                        if _between(third, twice, j, *scene, other) <= 0:
                            continue
                        if _between(other, image, i, *scene, one) <= 0:
                            continue
                        if count < room:
                            link[count] = t * receivers + r
                            planes[count, 0], planes[count, 1], planes[count, 2] = i, j, m
                            points[count, 0], points[count, 1] = one, other
                            points[count, 2] = third
                        count += 1
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
    j: int,
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
) -> bool:
    """What comes from `image` through the bounds of plane `i` may meet those of plane `j`: seen
    from there, `j`'s bounds and `i`'s overlap. True wherever that is not plain."""
    behind = level[i]
    for k in range(3):
        behind -= image[k] * normal[i, k]
    left, right = np.full(3, np.inf), np.full(3, -np.inf)
    for corner in range(8):
        ahead = 0.0
        for k in range(3):
            place = high[j, k] if corner >> k & 1 else low[j, k]
            ahead += (place - image[k]) * normal[i, k]
        share = behind / ahead if abs(ahead) > _ON_PLANE else -1.0
        if share <= 0.0 or share > 1.0:
            return True  # Part of `j` lies before the mirror, where a projection turns round.
        for k in range(3):
            place = high[j, k] if corner >> k & 1 else low[j, k]
            seen = image[k] + share * (place - image[k])
            left[k], right[k] = min(left[k], seen), max(right[k], seen)
    overlap = True
    for k in range(3):
        overlap &= left[k] <= high[i, k] + _TOUCHING and right[k] >= low[i, k] - _TOUCHING
    return overlap


@compiled
def _crossed_planes(
    end: Float[np.ndarray, "n 3"],
    mirrors: Int[np.ndarray, "n 3"],
    points: Float[np.ndarray, "n 3 3"],
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
