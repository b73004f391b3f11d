"""What a person wears, as colour: a cheap appearance embedding that needs no weights.

Square-rooted histograms of lightness and chroma over the upper and the lower body; their inner
product is the Bhattacharyya coefficient (Comaniciu, Ramesh & Meer, "Kernel-based object tracking",
2003, section 3.2). Lightness and the two chroma axes of CIELAB keep dark clothes apart better than
hue does, which is noise there.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

BODY_PARTS = ((0.15, 0.45), (0.50, 0.85))
"""Shares of a box's height: jacket, and trousers or skirt; head and shoes are too small to tell."""
MIDDLE = 0.5
"""Share of a box's width that is body rather than background."""
BINS = 12
PATCH = (12, 24)
"""px, width and height that each body part is sampled to: equal cost, near or far."""
SMOOTHING = np.array([0.25, 0.5, 0.25])
LENGTH = len(BODY_PARTS) * 3 * BINS
"""Of an embedding."""


def clothing_colours(
    image: UInt8[np.ndarray, "h w 3"], corners: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, "n d"]:
    """Unit-norm embeddings of the people in boxes (left, top, right, bottom px) of a BGR image.

    (N, 72); a row is zero where a box has no pixels in the image.
    """
    embeddings = np.zeros((len(corners), LENGTH))
    for k, (left, top, right, bottom) in enumerate(corners.astype(np.float64)):
        middle, half = (left + right) / 2, MIDDLE * (right - left) / 2
        parts = []
        for start, end in BODY_PARTS:
            rows = (top + start * (bottom - top), top + end * (bottom - top))
            part = _crop(image, (middle - half, middle + half), rows)
            if part.size:
                parts.append(_colour_histogram(part))
        if len(parts) == len(BODY_PARTS):
            embeddings[k] = np.concatenate(parts)
    norm = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(np.divide(embeddings, norm, out=embeddings, where=norm > 0))


def _crop(
    image: UInt8[np.ndarray, "h w 3"], columns: tuple[float, float], rows: tuple[float, float]
) -> UInt8[np.ndarray, "a b 3"]:
    (top, bottom), (left, right) = np.rint(rows).astype(int), np.rint(columns).astype(int)
    return image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]


def _colour_histogram(part: UInt8[np.ndarray, "a b 3"]) -> Float[np.ndarray, " d"]:
    patch = cv2.resize(part, PATCH, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(patch, cv2.COLOR_BGR2LAB).reshape(-1, 3)
    histograms = []
    # Chroma of clothes stays within +-50 of CIELAB's +-127.
    for channel, (low, high) in enumerate(((0.0, 100.0), (-50.0, 50.0), (-50.0, 50.0))):
        values = np.clip(lab[:, channel], low, high)
        counts = np.histogram(values, bins=BINS, range=(low, high))[0] / len(values)
        histograms.append(np.sqrt(np.convolve(counts, SMOOTHING, mode="same")))
    return np.concatenate(histograms)
