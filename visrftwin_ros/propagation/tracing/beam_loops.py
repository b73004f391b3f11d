"""Compiled pieces of the image method: where lines pass planes, and what mirrors light."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.compiled import compiled
from visrftwin_ros.scene.visibility import SHORTEST

ON_PLANE = 1e-6
"""Metres: a point closer to a plane than this lies in it."""
TOUCHING = 1e-3
"""Metres: planes passed closer together than this are one, as for a tracer that starts off them."""
_SLACK = 1e-9
"""Barycentric: a point on the diagonal of a rectangle belongs to one of its triangles."""


@compiled
def product(a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def within(
    point: Float[np.ndarray, " 3"],
    plane: int,
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
) -> bool:
    """A point of the plane lies on one of its triangles."""
    for k in range(3):
        if point[k] < low[plane, k] - ON_PLANE or point[k] > high[plane, k] + ON_PLANE:
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
def crossing(
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
    before = product(here, normal[plane]) - level[plane]
    after = product(there, normal[plane]) - level[plane]
    if abs(before) < ON_PLANE or abs(after) < ON_PLANE or (before > 0) == (after > 0):
        return -1.0
    share = before / (before - after)
    for k in range(3):
        point[k] = here[k] + share * (there[k] - here[k])
    return share if within(point, plane, low, high, first, triangles) else -1.0


@compiled
def reaches(
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
    return farthest > ON_PLANE


@compiled
def lights(
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
    if projected(image, window, normal[j], level[j], seen):
        for k in range(3):
            lit[0, k] = max(lit[0, k], seen[0, k] - TOUCHING)
            lit[1, k] = min(lit[1, k], seen[1, k] + TOUCHING)
            if lit[0, k] > lit[1, k]:
                return False
    elif projected(image, lit, normal[i], level[i], seen):
        for k in range(3):
            if seen[0, k] > window[1, k] + TOUCHING or seen[1, k] < window[0, k] - TOUCHING:
                return False
    return True


@compiled
def meets(
    image: Float[np.ndarray, " 3"],
    n: int,
    before: int,
    side: float,
    window: Float[np.ndarray, "2 3"],
    plane: int,
    away: float,
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    lit: Float[np.ndarray, "2 3"],
    seen: Float[np.ndarray, "2 3"],
) -> bool:
    """A beam from `image` over `n` mirrors, the last of them `before`, lit within `window` from its
    `side`, may meet `plane`, `away` metres off the image, and the bounds `lit` of where."""
    if n == 0:
        lit[0], lit[1] = low[plane], high[plane]
        return abs(away) >= SHORTEST
    return (
        plane != before
        and abs(away) >= ON_PLANE
        and reaches(plane, before, side, normal, level, low, high)
        and lights(image, before, window, plane, normal, level, low, high, lit, seen)
    )


@compiled
def projected(
    image: Float[np.ndarray, " 3"],
    box: Float[np.ndarray, "2 3"],
    normal: Float[np.ndarray, " 3"],
    level: float,
    seen: Float[np.ndarray, "2 3"],
) -> bool:
    """`seen` are the bounds of the box's shadow from `image` on a plane; False where it has no
    such: part of the box lies where the projection turns round."""
    behind = level - product(image, normal)
    seen[0], seen[1] = np.inf, -np.inf
    for corner in range(8):
        ahead = 0.0
        for k in range(3):
            ahead += (box[corner >> k & 1, k] - image[k]) * normal[k]
        if abs(ahead) < ON_PLANE or (ahead > 0) != (behind > 0):
            return False
        for k in range(3):
            place = image[k] + behind / ahead * (box[corner >> k & 1, k] - image[k])
            seen[0, k], seen[1, k] = min(seen[0, k], place), max(seen[1, k], place)
    return True
