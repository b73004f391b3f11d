"""What pictures show, lifted to the surfaces that they show: the paper's (1) to (3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.vision.crop_pyramid import (
    LEAST_PIXELS,
    METRES,
    crop_sizes,
    pixels_across,
    rectified_crop,
)
from visrftwin_ros.vision.embedders import Embedder
from visrftwin_ros.vision.material_heads import Head
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.surface_patches import Patches, visible
from visrftwin_ros.vision.visible_classes import NAMES

MOST_VIEWS = 3
"""A patch is looked at in, those in which it is largest."""
_SHIFTS = tuple((a, b) for a in (0.0, -0.3, 0.3) for b in (0.0, -0.3, 0.3))
"""m along a patch's axes."""
_AT_ONCE = 256
"""Crops held in memory."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Looks:
    """logits: (N, classes) means over the crops of each of N patches, 0 where there is none. crops, views:
    (N,) how many there were."""

    logits: Float[np.ndarray, "n classes"]
    crops: Int[np.ndarray, " n"]
    views: Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Crop:
    """Which patch is cut out of which picture, how many metres of it, and px of it in the picture."""

    patch: int
    picture: int
    metres: float
    pixels: float


def planned_crops(
    patches: Patches,
    pictures: Sequence[PosedPicture],
    tree: TriangleTree,
    metres: Sequence[float] = METRES,
    most_views: int = MOST_VIEWS,
) -> tuple[Crop, ...]:
    """The crops of each patch: of each size that fits on its face, in those of the pictures where nothing
    hides it and it is largest."""
    one = np.stack([pixels_across(patches, picture, 1.0) for picture in pictures])
    for row, picture in zip(one, pictures, strict=True):
        row[~visible(patches, picture.camera.center, tree)] = 0.0
    order = np.argsort(-one, axis=0)[:most_views]
    found = []
    for patch in range(len(patches)):
        for size in crop_sizes(patches.extent[patch], metres):
            for picture in order[:, patch]:
                pixels = float(one[picture, patch]) * size
                if pixels >= LEAST_PIXELS:
                    found.append(Crop(patch, int(picture), size, pixels))
    return tuple(found)


def embedded_crops(
    patches: Patches,
    pictures: Sequence[PosedPicture],
    plan: Sequence[Crop],
    embedder: Embedder,
    progress: Progress = lambda *_: None,
) -> tuple[tuple[Crop, ...], Float[np.ndarray, "k d"]]:
    """The planned crops that lie whole in their pictures, and their embeddings (2)."""
    kept: list[Crop] = []
    rows = []
    for start in range(0, len(plan), _AT_ONCE):
        part = [
            (crop, cut)
            for crop in plan[start : start + _AT_ONCE]
            if (cut := _cut(patches, pictures, crop, embedder.side)) is not None
        ]
        if part:
            kept += [crop for crop, _ in part]
            rows.append(embedder.image_embeddings([cut for _, cut in part]))
        progress(min(start + _AT_ONCE, len(plan)), len(plan))
    return tuple(kept), np.concatenate(rows) if rows else np.zeros((0, 0))


def looks_of_patches(
    patches: Patches,
    crops: Sequence[Crop],
    embeddings: Float[np.ndarray, "k d"],
    head: Head,
) -> Looks:
    """What crops show, averaged over the views and sizes that there are of a patch.

    The paper's (3) averages embeddings; through a linear head that is the same as the mean of its log-odds,
    which words can be averaged by too.
    """
    owner = np.array([crop.patch for crop in crops], int)
    counts = np.bincount(owner, minlength=len(patches))
    views = np.bincount(
        np.array([patch for patch, _ in {(c.patch, c.picture) for c in crops}], int),
        minlength=len(patches),
    )
    logits = np.zeros((len(patches), len(NAMES)))
    seen = counts > 0
    if seen.any():
        np.add.at(logits, owner, head.logits(embeddings))
        logits[seen] /= counts[seen, None]
    return Looks(logits, counts, views)


def _cut(
    patches: Patches, pictures: Sequence[PosedPicture], crop: Crop, side: int
) -> np.ndarray | None:
    """About the patch's middle, or beside it where the picture ends there."""
    axes = patches.axes[crop.patch]
    for shift in _SHIFTS:
        center = patches.center[crop.patch] + np.array(shift) @ axes
        cut = rectified_crop(pictures[crop.picture], center, axes, crop.metres, side, crop.pixels)
        if cut is not None:
            return cut
    return None
