"""Compiled loops over known paths: which pass through some planes, and the same paths passing them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, UInt8

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.path_set import REFRACTION
from visrftwin_ros.propagation.tracing.beam_loops import TOUCHING, crossing, product
from visrftwin_ros.scene.visibility import SHORTEST

PlaneArrays = tuple[
    np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray
]
"""normal, level, low, high, first and triangles as of Planes, and the number of each one's surface."""


@compiled
def crossing_paths(
    vertices: Float[np.ndarray, "paths v 3"],
    n_vertices: Int32[np.ndarray, " paths"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " m+1"],
    triangles: Float[np.ndarray, "c 3 3"],
) -> Bool[np.ndarray, " paths"]:
    """Which of the polylines pass through a triangle between two vertices."""
    met, point = np.zeros(len(vertices), np.bool_), np.zeros(3)
    bounds = np.zeros((2, 3))
    for k in range(3):
        bounds[0, k], bounds[1, k] = low[:, k].min(), high[:, k].max()
    for row in range(len(vertices)):
        for piece in range(n_vertices[row] - 1):
            here, there = vertices[row, piece], vertices[row, piece + 1]
            beside = False
            for k in range(3):
                beside |= max(here[k], there[k]) < bounds[0, k]
                beside |= min(here[k], there[k]) > bounds[1, k]
            if beside:
                continue
            for plane in range(len(level)):
                share = crossing(
                    here, there, plane, normal, level, low, high, first, triangles, point
                )
                if share >= 0:
                    met[row] = True
                    break
            if met[row]:
                break
    return met


def crossed_again(
    vertices: Float[np.ndarray, "paths v 3"],
    interactions: UInt8[np.ndarray, "paths v-2"],
    objects: Int32[np.ndarray, "paths v-2"],
    normals: Float[np.ndarray, "paths v-2 3"],
    n_vertices: Int32[np.ndarray, " paths"],
    left_out: Bool[np.ndarray, "paths v-2"],
    planes: PlaneArrays,
    through: bool,
) -> tuple[
    Bool[np.ndarray, " paths"],
    Int32[np.ndarray, " paths"],
    Float[np.ndarray, "paths v 3"],
    UInt8[np.ndarray, "paths v-2"],
    Int32[np.ndarray, "paths v-2"],
    Float[np.ndarray, "paths v-2 3"],
]:
    """The polylines without the vertices `left_out`, each of which lies on a straight piece, and with
    one on each plane that they then pass.

    Which of them fit, those with too many interactions, with a piece under `SHORTEST` and, unless one
    may go `through` planes, with any to pass do not; then n_vertices, vertices, interactions, objects and
    normals, padded as in PathSet.
    """
    count, depth = interactions.shape
    fits, number = np.zeros(count, np.bool_), np.zeros(count, np.int32)
    built = np.repeat(vertices[np.arange(count), n_vertices - 1][:, None], depth + 2, axis=1)
    built[:, 0] = vertices[:, 0]
    kinds, of = np.zeros_like(interactions), np.full_like(objects, -1)
    sides = np.zeros_like(normals)
    normal, level, low, high, first, triangles, surface = planes
    _crossed_again(
        np.ascontiguousarray(vertices), interactions, objects, normals, n_vertices, left_out,
        normal, level, low, high, first, triangles, surface, through,
        fits, number, built, kinds, of, sides,
    )  # fmt: skip
    return fits, number, built, kinds, of, sides


@compiled
def _crossed_again(
    vertices: Float[np.ndarray, "paths v 3"],
    interactions: UInt8[np.ndarray, "paths v-2"],
    objects: Int32[np.ndarray, "paths v-2"],
    normals: Float[np.ndarray, "paths v-2 3"],
    n_vertices: Int32[np.ndarray, " paths"],
    left_out: Bool[np.ndarray, "paths v-2"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
    low: Float[np.ndarray, "m 3"],
    high: Float[np.ndarray, "m 3"],
    first: Int[np.ndarray, " starts"],
    triangles: Float[np.ndarray, "c 3 3"],
    surface: Int[np.ndarray, " m"],
    through: bool,
    fits: Bool[np.ndarray, " paths"],
    number: Int32[np.ndarray, " paths"],
    built: Float[np.ndarray, "paths v 3"],
    kinds: UInt8[np.ndarray, "paths v-2"],
    of: Int32[np.ndarray, "paths v-2"],
    sides: Float[np.ndarray, "paths v-2 3"],
) -> None:
    depth = interactions.shape[1]
    point, places = np.zeros(3), np.zeros((depth + 1, 3))
    shares, passed = np.zeros(depth + 1), np.zeros(depth + 1, np.int64)
    for row in range(len(vertices)):
        used, good, here, last = 0, True, vertices[row, 0], n_vertices[row] - 1
        for at in range(1, last + 1):
            if at < last and left_out[row, at - 1]:
                continue
            target = vertices[row, at]
            length = np.sqrt(product(target - here, target - here))
            found = 0
            for plane in range(len(level)):
                share = crossing(
                    here, target, plane, normal, level, low, high, first, triangles, point
                )
                twice = False
                for k in range(found):
                    twice |= abs(shares[k] - share) * length < TOUCHING
                if share < 0 or twice:
                    continue
                if not through or used + found == depth:
                    good = False
                    break
                place = found
                while place > 0 and shares[place - 1] > share:
                    shares[place], passed[place] = shares[place - 1], passed[place - 1]
                    places[place] = places[place - 1]
                    place -= 1
                shares[place], passed[place], places[place] = share, plane, point
                found += 1
            good &= used + found + (1 if at < last else 0) <= depth
            if not good:
                break
            before = 0.0
            for k in range(found):
                good &= (shares[k] - before) * length > SHORTEST
                before = shares[k]
                built[row, used + 1], kinds[row, used] = places[k], REFRACTION
                of[row, used], sides[row, used] = surface[passed[k]], normal[passed[k]]
                used += 1
            good &= (1.0 - before) * length > SHORTEST
            if at < last:
                built[row, used + 1], kinds[row, used] = target, interactions[row, at - 1]
                of[row, used], sides[row, used] = objects[row, at - 1], normals[row, at - 1]
                used += 1
            here = target
        fits[row] = good
        number[row] = used + 2
        for k in range(used + 1, depth + 2):
            built[row, k] = vertices[row, last]
