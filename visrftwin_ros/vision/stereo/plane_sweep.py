"""The likeness of a view to others at each of a row of depths: a plane swept through the scene (Collins, "A space-sweep
approach to true multi-image matching", CVPR 1996), patch by patch by zero-mean normalised cross-correlation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.vision.stereo.pinhole_views import OUTSIDE, PinholeView

_PATCH = 9
"""px across what is compared."""
_NOISE = 4.0
"""Variance of a grey value that a camera's noise alone makes: two patches of less are alike in nothing."""

Grey = Float[np.ndarray, "h w"]


def inverse_depths(nearest: float, farthest: float, count: int) -> Float[np.ndarray, " d"]:
    """1/m, evenly from near to far: a step is as many pixels everywhere."""
    return np.linspace(1 / nearest, 1 / farthest, count)


def sweep_costs(
    view: PinholeView, others: Sequence[PinholeView], inverse: Float[np.ndarray, " d"]
) -> Float[np.ndarray, "h w d"]:
    """1 less the correlation of each pixel's patch with the other views, were it at that depth along the axis: the
    mean over the better half of them, as the rest may not see it (Kang, Szeliski and Chai, CVPR 2001). 0 to 2."""
    own = view.grey
    mean, variance = _moments(own)
    carried = [_carried(view, other) for other in others]
    best = max(2, len(others) // 2)
    costs = np.empty((*own.shape, len(inverse)), np.float32)
    for number, one in enumerate(inverse.tolist()):
        each = [
            _unlike(own, mean, variance, *_seen(other, at_infinity, per_inverse, one, own.shape))
            for other, (at_infinity, per_inverse) in zip(others, carried, strict=True)
        ]
        costs[..., number] = np.sort(each, axis=0)[:best].mean(axis=0)
    return costs


def _carried(
    view: PinholeView, other: PinholeView
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3 3"]]:
    """Of the homography that a plane of one depth makes, the part at infinity and what each 1/m adds (Hartley and
    Zisserman, "Multiple View Geometry", 2nd ed., 13.1, for planes across the axis)."""
    turn = other.rotation @ view.rotation.T
    shift = other.translation - turn @ view.translation
    at_infinity = other.matrix @ turn @ np.linalg.inv(view.matrix)
    return at_infinity, np.outer(other.matrix @ shift, [0.0, 0.0, 1.0])


def _seen(
    other: PinholeView,
    at_infinity: Float[np.ndarray, "3 3"],
    per_inverse: Float[np.ndarray, "3 3"],
    inverse: float,
    shape: tuple[int, int],
) -> tuple[Grey, Bool[np.ndarray, "h w"]]:
    """The other picture as the view would have it, and where there is one."""
    homography = at_infinity + inverse * per_inverse
    v, u = np.array([[0, 0], [0, shape[1] - 1], [shape[0] - 1, 0], np.subtract(shape, 1)]).T
    if (homography[2] @ np.stack([u, v, np.ones(4)]) <= 0).any():
        return np.zeros(shape, np.float32), np.zeros(shape, bool)  # a part lies behind it
    drawn = cv2.warpPerspective(
        other.grey,
        homography,
        shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=2 * OUTSIDE,
    )
    there = drawn >= 0
    return np.where(there, drawn, 0.0).astype(np.float32), there


def _moments(grey: Grey) -> tuple[Grey, Grey]:
    mean = cv2.blur(grey, (_PATCH, _PATCH))
    return mean, np.maximum(cv2.blur(grey * grey, (_PATCH, _PATCH)) - mean * mean, 0.0)


def _unlike(
    own: Grey, mean: Grey, variance: Grey, other: Grey, there: Bool[np.ndarray, "h w"]
) -> Grey:
    other_mean, other_variance = _moments(other)
    both = cv2.blur(own * other, (_PATCH, _PATCH)) - mean * other_mean
    alike = both / np.sqrt((variance + _NOISE) * (other_variance + _NOISE))
    return np.where(there, 1 - alike, 2.0)
