"""Square pieces of a surface, so many metres across, cut out of a picture as if seen head on."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.surface_patches import Patches

METRES = (0.5, 1.0, 2.0)
"""Across the crops of the pyramid: joints and grain in the small ones, courses and planks in the large."""
LEAST_PIXELS = 16.0
"""Of the picture, across a crop in its shorter direction."""
_OVER_EDGE = 1.25
"""By which a crop may be larger than the face that it shows; the smallest is always taken."""
_MOST_SAMPLES = 4


def crop_sizes(
    extent: Float[np.ndarray, " 2"], metres: Sequence[float] = METRES
) -> tuple[float, ...]:
    """Those of `metres` that fit on a face, or the smallest cut down to it."""
    least = float(min(extent))
    fitting = tuple(size for size in metres if size <= _OVER_EDGE * least)
    return fitting or (max(least, 0.1),)


def pixels_across(
    patches: Patches, picture: PosedPicture, metres: float
) -> Float[np.ndarray, " n"]:
    """px that the shorter side of a crop of so many metres has in the picture; 0 where it is not in it."""
    width, height = picture.camera.size
    middle, seen = picture.camera.project(patches.center)
    inside = seen & (middle > 0).all(axis=1) & (middle < [width - 1, height - 1]).all(axis=1)
    found = np.full(len(patches), np.inf)
    for axis in (0, 1):
        ends = [
            picture.camera.project(patches.center + side * metres / 2 * patches.axes[:, axis])[0]
            for side in (-1, 1)
        ]
        across = ends[1] - ends[0]
        period = picture.camera.column_period
        if np.isfinite(period):
            across[:, 0] -= period * np.round(across[:, 0] / period)
        found = np.minimum(found, np.linalg.norm(across, axis=1))
    return np.where(inside, np.nan_to_num(found), 0.0)


def rectified_crop(
    picture: PosedPicture,
    center: Float[np.ndarray, " 3"],
    axes: Float[np.ndarray, "2 3"],
    metres: float,
    side: int,
    pixels: float,
) -> UInt8[np.ndarray, "s s 3"] | None:
    """side x side px of the square of `metres` about a place of a surface, upright; None where the picture
    ends within it. pixels: that it has in the picture; more than `side` are averaged."""
    finer = int(np.clip(np.ceil(pixels / side), 1, _MOST_SAMPLES))
    steps = metres * ((np.arange(side * finer) + 0.5) / (side * finer) - 0.5)
    right, down = np.meshgrid(steps, -steps)
    places = center + right[..., None] * axes[0] + down[..., None] * axes[1]
    where, seen = picture.camera.project(places.reshape(-1, 3))
    width, height = picture.camera.size
    whole = np.isfinite(picture.camera.column_period)
    low, high = (-0.5 if whole else 0.0), (width - 0.5 if whole else width - 1.0)
    outside = (where < [low, 0.0]).any(axis=1) | (where > [high, height - 1.0]).any(axis=1)
    if not seen.all() or outside.any():
        return None
    mapped = where.astype(np.float32).reshape(*right.shape, 2)
    border = cv2.BORDER_WRAP if whole else cv2.BORDER_REPLICATE
    cut = cv2.remap(
        picture.bgr, mapped[..., 0], mapped[..., 1], cv2.INTER_LINEAR, borderMode=border
    )
    if finer > 1:
        cut = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)
    return cut
