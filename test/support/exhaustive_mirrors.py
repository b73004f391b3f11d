"""Every clear path over one and two mirrors, by trying all triangles of a scene one by one.

The image method on single triangles with a visibility test of its own (Moeller and Trumbore): slow,
and owing nothing to a tracer's rays, tables or planes.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from visrftwin_ros.scene.surfaces import SurfaceMesh

SHORTEST = 1e-2
"""Metres: a path with a shorter piece is none, for a tracer as here."""
_NEAR = 1e-6


def clear_mirror_paths(
    meshes: tuple[SurfaceMesh, ...], transmitter: np.ndarray, receivers: np.ndarray
) -> list[list[np.ndarray]]:
    """For each of the receivers (R, 3) the mirror points, (1, 3) or (2, 3), of all paths from the
    transmitter (3,) that nothing stands in the way of, each place once."""
    triangles = np.concatenate([mesh.vertices[mesh.faces] for mesh in meshes])
    corner, one, two = triangles[:, 0], *(triangles[:, k] - triangles[:, 0] for k in (1, 2))
    normal = np.cross(one, two)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    found: list[list[np.ndarray]] = [[] for _ in receivers]

    def mirrored(point: np.ndarray) -> np.ndarray:
        """(T, 3) images of one point."""
        return point - 2 * ((point - corner) * normal).sum(axis=1)[:, None] * normal

    def keep(r: int, points: np.ndarray) -> None:
        line = np.vstack([transmitter, points, receivers[r]])
        if np.linalg.norm(np.diff(line, axis=0), axis=1).min() <= SHORTEST:
            return
        if any(len(p) == len(points) and np.abs(p - points).max() < 1e-4 for p in found[r]):
            return
        if not any(_blocked(a, b, corner, one, two) for a, b in pairwise(line)):
            found[r].append(points)

    images = mirrored(transmitter)
    for r, receiver in enumerate(receivers):
        at, on = _crossing(receiver[None], images, corner, one, two)
        for point in at[on]:
            keep(r, point[None])
    for i, image in enumerate(images):
        # Over triangle i first, then over any other, to all receivers at once.
        at, on = _crossing(receivers[:, None], mirrored(image)[None], corner, one, two)
        r, j = np.nonzero(on)
        before, fits = _crossing(at[r, j], image[None], corner[i], one[i], two[i])
        for k in np.flatnonzero(fits):
            keep(int(r[k]), np.stack([before[k], at[r[k], j[k]]]))
    return found


def _crossing(
    start: np.ndarray, end: np.ndarray, corner: np.ndarray, one: np.ndarray, two: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the straight lines pass the triangles, and whether they do so between their ends."""
    along = end - start
    across = np.cross(along, two)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / (one * across).sum(axis=-1)
        offset = start - corner
        u = (offset * across).sum(axis=-1) * scale
        turned = np.cross(offset, one)
        v = (along * turned).sum(axis=-1) * scale
        share = (two * turned).sum(axis=-1) * scale
        length = np.linalg.norm(along, axis=-1)
        inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
        inside &= (share * length > _NEAR) & ((1 - share) * length > _NEAR)
    return start + np.where(inside, share, 0.0)[..., None] * along, inside


def _blocked(
    start: np.ndarray, end: np.ndarray, corner: np.ndarray, one: np.ndarray, two: np.ndarray
) -> bool:
    return bool(_crossing(start[None], end[None], corner, one, two)[1].any())
