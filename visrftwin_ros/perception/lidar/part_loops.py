"""Compiled: what the rays of a sweep say of upright boxes, hit or seen through."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.compiled import compiled


@compiled
def seen_parts(
    origin: Float[np.ndarray, " 3"],
    points: Float[np.ndarray, "n 3"],
    free: Bool[np.ndarray, " n"],
    center: Float[np.ndarray, "parts 3"],
    turn: Float[np.ndarray, "parts 2"],
    half: Float[np.ndarray, "parts 3"],
    core: Float[np.ndarray, "parts 3"],
    thin: Bool[np.ndarray, "parts 3"],
    near: float,
    behind: float,
    hits: Int[np.ndarray, " parts"],
    through: Int[np.ndarray, " parts"],
    of: Int[np.ndarray, " n"],
) -> None:
    """Counts the `free` returns within `near` m of each box, and the rays that cross its `core` and return at
    least `behind` m behind it; a core of negative size is crossed by none, one that has `thin` sides only
    from one thin side to the other.

    turn: cosine and sine of the yaw. `of` becomes the last box that a return belongs to, -1 = none.
    """
    here, way = np.zeros(3), np.zeros(3)
    for n in range(len(points)):
        of[n] = -1
        for p in range(len(center)):
            c, s = turn[p, 0], turn[p, 1]
            x, y = origin[0] - center[p, 0], origin[1] - center[p, 1]
            here[0], here[1], here[2] = c * x + s * y, c * y - s * x, origin[2] - center[p, 2]
            x, y = points[n, 0] - center[p, 0], points[n, 1] - center[p, 1]
            way[0], way[1], way[2] = c * x + s * y, c * y - s * x, points[n, 2] - center[p, 2]
            inside = True
            for k in range(3):
                inside &= abs(way[k]) <= half[p, k] + near
            if inside:
                hits[p] += free[n]
                of[n] = p
                continue
            length = 0.0
            for k in range(3):
                way[k] -= here[k]
                length += way[k] * way[k]
            length = np.sqrt(length)
            enter, leave, first, last = 0.0, 1.0, -1, -1
            crossed, flat = True, False
            for k in range(3):
                flat |= thin[p, k]
                if core[p, k] <= 0:
                    crossed = False
                    break
                if abs(way[k]) < 1e-9:
                    crossed &= abs(here[k]) < core[p, k]
                    continue
                one = (-core[p, k] - here[k]) / way[k]
                other = (core[p, k] - here[k]) / way[k]
                if min(one, other) > enter:
                    enter, first = min(one, other), k
                if max(one, other) < leave:
                    leave, last = max(one, other), k
            if not crossed or enter >= leave or first < 0 or last < 0:
                continue
            if flat and not (thin[p, first] and thin[p, last]):
                continue
            if (1.0 - leave) * length > behind:
                through[p] += 1
