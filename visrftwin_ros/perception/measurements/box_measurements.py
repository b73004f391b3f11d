"""Detections as measurements of upright bodies: foot row, head row, column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.measurements.detections import Detections

EDGE = 3.0
"""px: a box that ends this near the image's edge may go on beyond it."""
COVERING_SHARE = 0.25
"""Share of a box behind a nearer one from which its colours may be the other person's."""
BODY_ASPECT = 0.36
"""Width of a walking person's box over its height; completes boxes that the edge cuts."""
STRIDE_ASPECT = 0.5
"""The same in full stride; a wider box holds two people or something that they carry."""


@dataclass(frozen=True)
class BoxMeasurements:
    """M boxes, in undistorted pixels.

    rows: (M, 3) px: column of the body's axis, row of the feet, row of the head.
    corners: (M, 4) px left, top, right, bottom of the box as detected. head, foot: (M,) whether
    that end of the body shows: inside the image, and not what the detector calls hidden. whole:
    (M,) no edge cuts the box. slack: (M,) px by which the box is wider than a striding person: the
    body is somewhere in it; 0 where the detector tells where the feet are.
    clear: (M,) no nearer box covers much of it, so its appearance is the person's.
    score, track_id, embedding: as detected.
    """

    rows: Float[np.ndarray, "m 3"]
    corners: Float[np.ndarray, "m 4"]
    head: Bool[np.ndarray, " m"]
    foot: Bool[np.ndarray, " m"]
    whole: Bool[np.ndarray, " m"]
    slack: Float[np.ndarray, " m"]
    clear: Bool[np.ndarray, " m"]
    score: Float[np.ndarray, " m"]
    track_id: tuple[str, ...]
    embedding: Float[np.ndarray, "m d"]

    def __len__(self) -> int:
        return len(self.rows)


def box_measurements(detections: Detections, camera: CameraModel) -> BoxMeasurements:
    """Measurements of clean detections; boxes outside the lens's range are left out.

    The feet are where the detector tells, else in the middle of the box's lower edge. Where the
    image's left or right edge cuts a box, the column is that of a body of usual width that starts
    at the visible edge.
    """
    corners = detections.corners
    width, height = camera.size
    left, top, right, bottom = corners.T
    cut_left, cut_right = left <= EDGE, right >= width - 1 - EDGE
    above_edge = bottom < height - 1 - EDGE
    told = np.isfinite(detections.feet.point).all(axis=1)
    foot = told | (above_edge & ~detections.feet.hidden)
    head = top > EDGE
    half = np.maximum(right - left, BODY_ASPECT * (bottom - top)) / 2
    column = (left + right) / 2
    column = np.where(cut_left & ~cut_right, right - half, column)
    column = np.where(cut_right & ~cut_left, left + half, column)

    lowest = np.column_stack([column, bottom])
    feet = camera.undistorted(np.where(told[:, None], detections.feet.point, lowest))
    heads = camera.undistorted(np.column_stack([column, top]))
    rows = np.column_stack([feet[:, 0], feet[:, 1], heads[:, 1]])
    known = np.all(np.isfinite(rows), axis=1)
    kept = detections.where(known)
    wider = (right - left) - STRIDE_ASPECT * (bottom - top)
    return BoxMeasurements(
        rows=rows[known],
        corners=corners[known],
        head=head[known],
        foot=foot[known],
        whole=(above_edge & head & ~cut_left & ~cut_right)[known],
        slack=np.where(told, 0.0, np.maximum(wider, 0.0))[known],
        clear=covered_share(corners[known], corners[known, 3]) < COVERING_SHARE,
        score=kept.score,
        track_id=kept.track_id,
        embedding=kept.embedding,
    )


def covered_share(
    corners: Float[np.ndarray, "n 4"],
    foot_row: Float[np.ndarray, " n"],
    nearest: Float[np.ndarray, " n"] | None = None,
    solid: Bool[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, " n"]:
    """Largest share of each box that one nearer box covers: (N,); lower feet stand nearer.

    nearest: (N,) px, the lowest that the feet may be, where they are in doubt. solid: (N,) which
    boxes can cover others, all by default.
    """
    if not len(corners):
        return np.zeros(0)
    nearer = (foot_row if nearest is None else nearest)[None] > foot_row[:, None]
    np.fill_diagonal(nearer, False)
    if solid is not None:
        nearer &= solid[None]
    share = shared_area(corners, corners) / areas(corners)[:, None]
    return np.asarray(np.where(nearer, share, 0.0).max(axis=1))


def shared_area(
    first: Float[np.ndarray, "n 4"], second: Float[np.ndarray, "m 4"]
) -> Float[np.ndarray, "n m"]:
    """Area that boxes (left, top, right, bottom) share, px^2: (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.asarray(np.prod(np.clip(high - low, 0.0, None), axis=2))


def areas(corners: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    """Areas of boxes (left, top, right, bottom), px^2."""
    return np.asarray(np.prod(np.clip(corners[:, 2:] - corners[:, :2], 1e-9, None), axis=1))


def body_corners(rows: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 4"]:
    """Boxes (left, top, right, bottom px) that bodies of given column, foot and head row fill."""
    half = BODY_ASPECT / 2 * np.abs(rows[:, 1] - rows[:, 2])
    return np.column_stack([rows[:, 0] - half, rows[:, 2], rows[:, 0] + half, rows[:, 1]])
