"""Upright bodies that explain a foreground mask, by their size on the ground plane.

A greedy form of the probabilistic occupancy map (Fleuret, Berclaz, Lengagne & Fua, "Multicamera
people tracking with a probabilistic occupancy map", PAMI 2008): every place on the ground predicts
a box in the image; the box whose pixels gain most likelihood from a body standing there is taken,
its pixels are explained, and the next is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.cameras.pinhole import CameraModel

STRIDE = 4
"""px between candidate feet."""
BODY_HEIGHT = 1.72
BODY_ASPECT = 0.36
FOREGROUND_IN_BODY, FOREGROUND_ELSEWHERE = 0.5, 0.02
"""Share of foreground pixels inside a body's box, and elsewhere."""
LEAST_COVERAGE = 0.25
"""Share of a box that must be foreground."""
LEAST_VISIBLE = 0.5
"""Share of a box that must be inside the image."""
HEIGHT_RANGE = (0.6, 1.3)
"""Measured heights that are a person's, in usual ones: the rest is a car, a dog or noise."""
SMALLEST_BODY = 28.0
"""px: smaller bodies are too far away to tell from noise."""
MOST_BODIES = 50


@dataclass(frozen=True)
class BodyCandidates:
    """Boxes of bodies standing on a grid of image points: (C, 4) px left top right bottom.

    clipped: the same, inside the image, whole pixels.
    """

    corners: Float[np.ndarray, "c 4"]
    clipped: Int[np.ndarray, "c 4"]


def body_candidates(camera: CameraModel) -> BodyCandidates:
    """Where upright bodies could show in a camera's image."""
    width, height = camera.size
    columns = np.arange(0.0, width, STRIDE)
    rows = np.arange(0.0, 1.3 * height, STRIDE)
    feet = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    ground, valid = camera.ground_points(feet)
    feet, ground = feet[valid], ground[valid]
    heads, in_front = camera.project(np.column_stack([ground, np.full(len(ground), BODY_HEIGHT)]))
    size = feet[:, 1] - heads[:, 1]
    good = in_front & (size >= SMALLEST_BODY)
    feet, heads, size = feet[good], heads[good], size[good]
    half = BODY_ASPECT * size / 2
    middle = (feet[:, 0] + heads[:, 0]) / 2
    corners = np.column_stack([middle - half, heads[:, 1], middle + half, feet[:, 1]])
    limit = np.array([width, height, width, height])
    clipped = np.clip(np.rint(corners), 0, limit).astype(np.int64)
    area = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    shown = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1) >= LEAST_VISIBLE * area
    return BodyCandidates(corners[shown], clipped[shown])


def explaining_bodies(
    foreground: Bool[np.ndarray, "h w"], candidates: BodyCandidates
) -> tuple[Float[np.ndarray, "n 4"], Float[np.ndarray, " n"]]:
    """Boxes (left, top, right, bottom px) of bodies in a mask, and their share of foreground."""
    gain_in = np.log(FOREGROUND_IN_BODY / FOREGROUND_ELSEWHERE)
    loss_out = np.log((1 - FOREGROUND_IN_BODY) / (1 - FOREGROUND_ELSEWHERE))
    weight = np.full(foreground.shape, loss_out, dtype=np.float32)
    weight[foreground] = gain_in
    left = foreground.copy()
    open_ = np.ones(len(candidates.clipped), dtype=bool)
    boxes: list[np.ndarray] = []
    coverage: list[float] = []
    for _ in range(MOST_BODIES):
        gain = np.where(open_, _box_sums(weight, candidates.clipped), -np.inf)
        best = int(np.argmax(gain)) if len(gain) else 0
        if not len(gain) or gain[best] <= 0:
            break
        x0, y0, x1, y1 = candidates.clipped[best]
        box = _fitted(left, candidates.corners[best])
        share = float(np.mean(left[y0:y1, x0:x1]))
        if box is not None and share >= LEAST_COVERAGE:
            boxes.append(box)
            coverage.append(share)
        # Explained pixels speak neither for nor against another body.
        weight[y0:y1, x0:x1] = 0.0
        left[y0:y1, x0:x1] = False
        open_[best] = False
    return np.array(boxes).reshape(-1, 4), np.array(coverage)


def _box_sums(
    weight: Float[np.ndarray, "h w"], boxes: Int[np.ndarray, "c 4"]
) -> Float[np.ndarray, " c"]:
    table = cv2.integral(weight)
    x0, y0, x1, y1 = boxes.T
    return np.asarray(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0])


def _fitted(
    foreground: Bool[np.ndarray, "h w"], corners: Float[np.ndarray, " 4"]
) -> Float[np.ndarray, " 4"] | None:
    """The candidate's box drawn to the foreground near it; None where that is no person's size."""
    rows, columns = foreground.shape
    left, top, right, bottom = corners
    size = bottom - top
    reach = np.array([left - 0.1 * size, top - 0.2 * size, right + 0.1 * size, bottom + 0.1 * size])
    x0, y0, x1, y1 = np.clip(np.rint(reach), 0, np.array([columns, rows, columns, rows])).astype(
        np.int64
    )
    v, u = np.nonzero(foreground[y0:y1, x0:x1])
    if not len(v):
        return None
    # Percentiles, because single pixels of noise would move an extreme.
    head, foot = np.percentile(v, [1, 99]) + y0
    near, far = np.percentile(u, [2, 98]) + x0
    if bottom > rows:
        foot = bottom
    height = foot + 1 - head
    if not HEIGHT_RANGE[0] * size <= height <= HEIGHT_RANGE[1] * size:
        return None
    return np.array([near, head, far + 1, foot + 1])
