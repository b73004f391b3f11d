"""Compiled loops of `Chains`: where thousands of known paths run now, and what must be free for it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, UInt8

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION
from visrftwin_ros.scene.visibility import OFF_SURFACE, SHORTEST

_ABOVE = 1e-6
"""Metres over a face of an edge from which a piece does not start inside the wedge."""


@compiled
def built_again(
    rows: Int[np.ndarray, " k"],
    receiver: Float[np.ndarray, "n 3"],
    shift: Float[np.ndarray, " n"],
    start: Int[np.ndarray, " n"],
    n_vertices: Int32[np.ndarray, " n"],
    back: Float[np.ndarray, "n d 17"],
    known: Float[np.ndarray, "n v 3"],
    alive: Int[np.ndarray, " k"],
    vertices: Float[np.ndarray, "k v 3"],
) -> int:
    """How many of `rows` have all vertices within their surfaces' bounds; these, in order, and
    their vertices fill `alive` and `vertices`.

    shift: metres along the edge, where there is one. back: of Chains.
    """
    count, columns = 0, known.shape[1]
    for row in rows:
        last = n_vertices[row] - 1
        for v in range(columns):
            for x in range(3):
                vertices[count, v, x] = receiver[row, x] if v >= last else known[row, v, x]
        fits = True
        for k in range(last - 1 - start[row]):
            at = last - k
            edge = back[row, k, 16] > 0
            gap, slope = back[row, k, 9], 0.0
            for x in range(3):
                gap -= vertices[count, at, x] * back[row, k, 6 + x]
                slope += (
                    back[row, k, x] + back[row, k, 3 + x] * shift[row] - vertices[count, at, x]
                ) * back[row, k, 6 + x]
            share = 1.0 if edge else gap / slope
            fits = share > 0 and (share < 1 or edge)
            for x in range(3):
                aim = back[row, k, x] + back[row, k, 3 + x] * shift[row] - vertices[count, at, x]
                place = vertices[count, at, x] + share * aim
                vertices[count, at - 1, x] = place
                fits = fits and back[row, k, 10 + x] <= place <= back[row, k, 13 + x]
            if not fits:
                break
        if fits:
            alive[count] = row
            count += 1
    return count


@compiled
def pieces_to_test(
    rows: Int[np.ndarray, " k"],
    vertices: Float[np.ndarray, "k v 3"],
    start: Int[np.ndarray, " n"],
    n_vertices: Int32[np.ndarray, " n"],
    interactions: UInt8[np.ndarray, "n v-2"],
    normals: Float[np.ndarray, "n v-2 3"],
    edge: Float[np.ndarray, "n 14"],
    outward: Float[np.ndarray, "n 3"],
    valid: Bool[np.ndarray, " k"],
    owner: Int[np.ndarray, " m"],
    rays: Float[np.ndarray, "m 6"],
    aims: Float[np.ndarray, "m 3"],
) -> int:
    """How many pieces of the paths after `start` must be free; of each, the path's place among
    `rows`, the ray (origin, unit direction), and what it has to meet: metres to the end, and to the
    end's surface along its normal (0: no surface, the end itself), and the cosine there.

    A path with a piece under `SHORTEST`, or one that starts inside its edge's wedge, is not `valid`
    and has none.
    """
    count, step, off = 0, np.zeros(3), np.zeros(3)
    for i in range(len(rows)):
        row = rows[i]
        last = n_vertices[row] - 1
        good = True
        for piece in range(start[row], last):
            square = 0.0
            for x in range(3):
                square += (vertices[i, piece + 1, x] - vertices[i, piece, x]) ** 2
            good = good and np.sqrt(square) > SHORTEST
        if edge[row, 13] > 0:
            at = 1
            while interactions[row, at - 1] != DIFFRACTION:
                at += 1
            for beside in (at - 1, at + 1):
                near = far = 0.0
                for x in range(3):
                    away = vertices[i, beside, x] - vertices[i, at, x]
                    near += away * edge[row, 7 + x]
                    far += away * edge[row, 10 + x]
                good = good and (near > _ABOVE or far > _ABOVE)
        valid[i] = good
        if not good:
            continue
        for piece in range(start[row], last):
            # Off the surface along its normal, on the side on which the ray goes on: along the ray
            # itself, a grazing one would stay within the surface. Off an edge outwards.
            side = 0.0
            if piece > 0:
                for x in range(3):
                    part = vertices[i, piece + 1, x] - vertices[i, piece, x]
                    side += part * normals[row, piece - 1, x]
            to_end = piece == last - 1
            to_edge = not to_end and interactions[row, piece] == DIFFRACTION
            square = 0.0
            for x in range(3):
                off[x] = 0.0
                if piece > 0:
                    off[x] = np.sign(side) * normals[row, piece - 1, x]
                    if interactions[row, piece - 1] == DIFFRACTION:
                        off[x] = outward[row, x]
                origin = vertices[i, piece, x] + OFF_SURFACE * off[x]
                aim = vertices[i, piece + 1, x] + (
                    OFF_SURFACE * outward[row, x] if to_edge else 0.0
                )
                step[x] = aim - origin
                rays[count, x] = origin
                square += step[x] * step[x]
            length = np.sqrt(square)
            closing = gap = 0.0
            for x in range(3):
                rays[count, 3 + x] = step[x] / length
                if not to_end and not to_edge:
                    closing += step[x] / length * normals[row, piece, x]
                    gap += (vertices[i, piece + 1, x] - rays[count, x]) * normals[row, piece, x]
            aims[count, 0], aims[count, 1], aims[count, 2] = length, gap, closing
            owner[count] = i
            count += 1
    return count


@compiled
def drop_hidden(
    hit: Float[np.ndarray, " m"],
    aims: Float[np.ndarray, "m 3"],
    owner: Int[np.ndarray, " m"],
    valid: Bool[np.ndarray, " k"],
) -> None:
    """Paths are no longer `valid` of which a ray does not get, in `hit` metres, to what it has to
    meet."""
    for m in range(len(hit)):
        length, gap, closing = aims[m]
        tolerance = 2 * OFF_SURFACE + 1e-5 * length
        if gap == 0.0 and closing == 0.0:
            arrives = hit[m] > length - tolerance
        else:
            arrives = abs(hit[m] - gap / closing) < tolerance / max(abs(closing), 1e-2)
        if not arrives:
            valid[owner[m]] = False


@compiled
def ray_tubes(
    rows: Int[np.ndarray, " k"],
    vertices: Float[np.ndarray, "k v 3"],
    start: Int[np.ndarray, " n"],
    n_vertices: Int32[np.ndarray, " n"],
    interactions: UInt8[np.ndarray, "n v-2"],
    normals: Float[np.ndarray, "n v-2 3"],
    edge: Float[np.ndarray, "n 14"],
    decay: float,
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Metres of the paths `rows`, and 1 / length of their last ray tube, times what air leaves of it
    and the root of Lambert's law where it starts.

    With a diffraction 1 / sqrt(s s' (s + s')) of the uniform theory.
    """
    length, spreading = np.empty(len(rows)), np.empty(len(rows))
    for i in range(len(rows)):
        row = rows[i]
        bent, behind_edge = edge[row, 13] > 0, False
        whole = tube = after = 0.0
        lambert = 1.0
        for piece in range(n_vertices[row] - 1):
            square, cosine = 0.0, 0.0
            for x in range(3):
                step = vertices[i, piece + 1, x] - vertices[i, piece, x]
                square += step * step
                if piece == start[row] and piece > 0:
                    cosine += step * normals[row, piece - 1, x]
            metres = np.sqrt(square)
            whole += metres
            if piece >= start[row]:
                tube += metres
            if piece == start[row] and piece > 0:
                lambert = np.sqrt(abs(cosine) / metres)
            if piece > 0 and interactions[row, piece - 1] == DIFFRACTION:
                behind_edge = True
            if behind_edge:
                after += metres
        length[i] = whole
        before = whole - after
        reach = np.sqrt(after * before * (after + before)) if bent else tube
        spreading[i] = lambert / reach * np.exp(-decay * tube)
    return length, spreading
