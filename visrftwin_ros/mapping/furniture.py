"""Boxes about what is left when the planes are taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

_TOGETHER = 2.5
"""Cells between points of one thing, at most."""
_FEWEST = 40
_SMALLEST, _LARGEST = 0.08, 3.0
"""m of a box's longest side: smaller ones do not matter to the radio, and nothing larger is a box."""
_FITS = 0.035
"""m from a box's faces within which half of its points lie."""
_DEPTH = 3
_NEAR_WALLS = np.deg2rad(10.0)
_THINNEST = 0.02


@dataclass(frozen=True)
class FoundBox:
    """An upright box. center, size: m; yaw: rad. sd: m, root mean square of its points from its faces."""

    center: Float[np.ndarray, " 3"]
    size: Float[np.ndarray, " 3"]
    yaw: float
    points: int
    sd: float


def find_boxes(
    points: Float[np.ndarray, "n 3"], cell: float, direction: float
) -> tuple[list[FoundBox], int]:
    """Boxes about the connected parts of these points, and how many points are in none.

    A part that no box fits is halved across its longest side, some times over; what then is no box is
    left out. direction: of the walls, rad, along which boxes are turned that lie about so.
    """
    if len(points) < _FEWEST:
        return [], len(points)
    pairs = cKDTree(points).query_pairs(_TOGETHER * cell, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points))
    )
    label = connected_components(links, directed=False)[1]
    found: list[FoundBox] = []
    for part in np.flatnonzero(np.bincount(label) >= _FEWEST):
        found += _boxes(points[label == part], direction, _DEPTH)
    return found, len(points) - sum(box.points for box in found)


def box_mesh(box: FoundBox) -> tuple[Float[np.ndarray, "8 3"], Int[np.ndarray, "12 3"]]:
    """Its corners and faces, outward."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    faces = np.array(
        [
            [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
            [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
        ]
    )  # fmt: skip
    return corners * box.size @ turn + box.center, faces


def _boxes(points: Float[np.ndarray, "n 3"], direction: float, depth: int) -> list[FoundBox]:
    if len(points) < _FEWEST:
        return []
    box, away = _box(points, direction)
    if box.size.max() < _SMALLEST:
        return []
    if np.median(away) < _FITS and box.size.max() < _LARGEST:
        return [box]
    if not depth:
        return []
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    axis = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])[np.argmax(box.size)]
    first = (points - box.center) @ axis < 0
    return _boxes(points[first], direction, depth - 1) + _boxes(
        points[~first], direction, depth - 1
    )


def _box(
    points: Float[np.ndarray, "n 3"], direction: float
) -> tuple[FoundBox, Float[np.ndarray, " n"]]:
    """The box about most of the points, and how far each is from its faces."""
    import cv2

    (_, _), (_, _), degrees = cv2.minAreaRect(points[:, :2].astype(np.float32))
    yaw = np.deg2rad(degrees)
    off = (yaw - direction + np.pi / 4) % (np.pi / 2) - np.pi / 4
    yaw = yaw - off if abs(off) < _NEAR_WALLS else yaw
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    local = points @ turn.T
    low, high = np.percentile(local, [2, 98], axis=0)
    size = np.maximum(high - low, _THINNEST)
    middle = (low + high) / 2
    inside = size / 2 - np.abs(local - middle)
    away = np.where(
        (inside > 0).all(axis=1),
        inside.min(axis=1),
        np.linalg.norm(np.minimum(inside, 0), axis=1),
    )
    sd = float(np.sqrt((away**2).mean()))
    return FoundBox(middle @ turn, size, float(yaw), len(points), sd), away
