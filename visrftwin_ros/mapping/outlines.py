"""The outline of a surface in its plane, with holes, and the triangles inside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import Delaunay

Loop = Float[np.ndarray, "k 2"]
"""A closed line in the plane, m, its first corner not repeated."""

_FINE = 2
"""Pixels of a cell's side in which its outline is drawn: it runs half a pixel inside."""
_SIMPLER = 0.05
_SIMPLEST = 0.15
"""m by which the outline may depart from that of the cells (Douglas and Peucker, 1973): a hundredth of how
wide it is, between these."""
_STRAIGHT = np.tan(np.deg2rad(15.0))
"""Slope up to which an edge is turned along an axis."""
_CLOSE, _OFF_LINE = 0.02, 0.01
"""m between corners, and of a corner from the line through its neighbours, under which it is none."""
_ROUNDS = 12


def covered(
    places: Float[np.ndarray, "n 2"],
    open_places: Float[np.ndarray, "m 2"],
    cell: float,
    gap: float,
    least_hole: float,
) -> tuple[Bool[np.ndarray, "w h"], Float[np.ndarray, " 2"], float]:
    """Cells of a surface, the place of the first one's corner, and the share of the cells that were seen.

    places: of its points. open_places: where rays went through its plane. Gaps up to `gap` m across are
    closed, and holes under `least_hole` m^2, but not what was seen to be open.
    """
    import cv2

    margin = int(np.ceil(gap / cell)) + 2
    corner = places.min(axis=0) - margin * cell
    size = np.ceil((places.max(axis=0) - corner) / cell).astype(np.int64) + margin
    seen = _counts(places, corner, cell, size) > 0
    # A pane or a lattice is hit and looked through; only where nothing at all was hit is it open.
    free = (_counts(open_places, corner, cell, size) > 1) & ~seen
    width = 2 * int(np.ceil(gap / cell / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    mask = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool)
    free = cv2.morphologyEx(free.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    mask &= ~free
    count, label, stats, _ = cv2.connectedComponentsWithStats(
        (~mask).astype(np.uint8), connectivity=4
    )
    for hole in range(1, count):
        small = stats[hole, cv2.CC_STAT_AREA] * cell**2 < least_hole
        unseen = not free[label == hole].mean() > 0.3
        if label[0, 0] != hole and (small or unseen):
            mask[label == hole] = True
    return mask, corner, float((seen & mask).sum() / max(mask.sum(), 1))


def loops_of(
    mask: Bool[np.ndarray, "w h"], corner: Float[np.ndarray, " 2"], cell: float, least: float
) -> list[Loop]:
    """Outlines of the cells, those around holes included, that enclose at least `least` m^2."""
    import cv2

    fine = np.kron(mask, np.ones((_FINE, _FINE), np.uint8)).astype(np.uint8)
    contours, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    pixel = cell / _FINE
    found = []
    for contour in contours:
        if cv2.contourArea(contour) * pixel**2 < least:
            continue
        wide = float(np.sqrt(cv2.contourArea(contour))) * pixel
        simpler = np.clip(wide / 100, _SIMPLER, _SIMPLEST)
        line = cv2.approxPolyDP(contour, simpler / pixel, True).reshape(-1, 2)
        if len(line) > 2:
            # OpenCV's x is the second index; a pixel's place is its middle.
            found.append(corner + (line[:, ::-1] + 0.5) * pixel)
    return found


def straightened(loop: Loop, axis: float) -> Loop:
    """The loop with edges that run about along `axis` [rad] or across it made to do so."""
    turn = np.array([[np.cos(axis), -np.sin(axis)], [np.sin(axis), np.cos(axis)]])
    places = loop @ turn
    for _ in range(2):
        for i in range(len(places)):
            a, b = places[i - 1], places[i]
            along, across = np.abs(b - a)
            if across <= _STRAIGHT * along:
                places[[i - 1, i], 1] = (a[1] + b[1]) / 2
            elif along <= _STRAIGHT * across:
                places[[i - 1, i], 0] = (a[0] + b[0]) / 2
    return np.asarray(_without_repeats(places) @ turn.T)


def onto_lines(
    loop: Loop, lines: Sequence[tuple[Float[np.ndarray, " 2"], float]], reach: float
) -> Loop:
    """The loop with its corners moved onto the lines (unit normal . place = offset) that they are within
    `reach` m of: onto the crossing of the two nearest, where there are two that cross."""
    moved = loop.copy()
    for i, place in enumerate(loop):
        near = sorted((abs(normal @ place - offset), k) for k, (normal, offset) in enumerate(lines))
        near = [(away, k) for away, k in near if away < reach]
        if not near:
            continue
        first = lines[near[0][1]]
        moved[i] = place - (first[0] @ place - first[1]) * first[0]
        for _, k in near[1:]:
            both = np.array([first[0], lines[k][0]])
            if abs(np.linalg.det(both)) > 0.5:
                moved[i] = np.linalg.solve(both, [first[1], lines[k][1]])
                break
    return _without_repeats(moved)


def triangles(
    loops: Sequence[Loop],
) -> tuple[Float[np.ndarray, "v 2"], Int[np.ndarray, "f 3"]] | None:
    """Triangles of what an odd number of the loops is around; None where loops cross themselves.

    Delaunay's, with edges of the loops that it lacks halved until it has them all.
    """
    corners = np.concatenate(list(loops))
    starts = np.cumsum([0, *map(len, loops)])
    edges = np.concatenate(
        [
            np.stack([np.arange(a, b), np.roll(np.arange(a, b), -1)], axis=1)
            for a, b in pairwise(starts)
        ]
    )
    corners, same = np.unique(np.round(corners, 6), axis=0, return_inverse=True)
    edges = same.reshape(-1)[edges]
    edges = edges[edges[:, 0] != edges[:, 1]]
    if len(corners) < 3 or np.linalg.matrix_rank(corners - corners[0], tol=1e-6) < 2:
        return None
    for _ in range(_ROUNDS):
        faces = np.asarray(Delaunay(corners).simplices, np.int64)
        sides = {tuple(sorted(side)) for face in faces.tolist() for side in _sides(face)}
        there = np.array([tuple(sorted(edge)) in sides for edge in edges.tolist()])
        if there.all():
            inside = _odd(corners[faces].mean(axis=1), corners[edges])
            area = np.abs(_cross(corners[faces])) / 2
            faces = faces[inside & (area > 1e-7)]
            return (corners, _wound(corners, faces)) if len(faces) else None
        lacking = edges[~there]
        middles = corners[lacking].mean(axis=1)
        new = len(corners) + np.arange(len(lacking))
        corners = np.concatenate([corners, middles])
        halves = [np.stack([lacking[:, 0], new], axis=1), np.stack([new, lacking[:, 1]], axis=1)]
        edges = np.concatenate([edges[there], *halves])
    return None


def loop_area(loop: Loop) -> float:
    """m^2 inside."""
    x, y = loop.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _counts(
    places: Float[np.ndarray, "n 2"], corner: Float[np.ndarray, " 2"], cell: float, size: np.ndarray
) -> Int[np.ndarray, "w h"]:
    edges = [corner[i] + cell * np.arange(size[i] + 1) for i in (0, 1)]
    return np.histogram2d(places[:, 0], places[:, 1], bins=edges)[0].astype(np.int64)


def _without_repeats(loop: Loop) -> Loop:
    """Without corners on the one before, and those on the straight line through their neighbours."""
    while len(loop) > 2:
        before, after = loop - np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0) - loop
        length = np.linalg.norm(before, axis=1)
        off = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
        off /= np.maximum(np.linalg.norm(before + after, axis=1), _CLOSE)
        kept = (length > _CLOSE) & (off > _OFF_LINE)
        if kept.all():
            break
        # One at a time of two neighbours: each is judged by the other.
        drop = np.flatnonzero(~kept)
        drop = drop[np.diff(drop, prepend=-2) > 1]
        loop = np.delete(loop, drop, axis=0)
    return loop


def _sides(face: list[int]) -> tuple[tuple[int, int], ...]:
    return (face[0], face[1]), (face[1], face[2]), (face[2], face[0])


def _odd(
    places: Float[np.ndarray, "n 2"], edges: Float[np.ndarray, "e 2 2"]
) -> Bool[np.ndarray, " n"]:
    """Whether a ray along +x from each place crosses an odd number of edges."""
    a, b = edges[:, 0], edges[:, 1]
    x, y = places[:, :1], places[:, 1:]
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    rise = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    return np.asarray(
        (spans & (x < a[:, 0] + (y - a[:, 1]) / rise * (b[:, 0] - a[:, 0]))).sum(1) % 2 == 1
    )


def _cross(corners: Float[np.ndarray, "f 3 2"]) -> Float[np.ndarray, " f"]:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _wound(
    corners: Float[np.ndarray, "v 2"], faces: Int[np.ndarray, "f 3"]
) -> Int[np.ndarray, "f 3"]:
    """All of them counter-clockwise."""
    back = _cross(corners[faces]) < 0
    return np.where(back[:, None], faces[:, ::-1], faces)
