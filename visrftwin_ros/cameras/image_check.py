"""Whether an array is an image that the detectors can read."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import UInt8

from visrftwin_ros.errors import TwinError


def checked_image(image: Any) -> UInt8[np.ndarray, "h w 3"]:
    """The image, contiguous. Raises TwinError unless it is 8-bit BGR, (height, width, 3)."""
    if not isinstance(image, np.ndarray):
        raise TwinError(f"an image must be a numpy array, not {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise TwinError(
            f"an image of shape {image.shape} and type {image.dtype}; expected 8-bit BGR,"
            " (height, width, 3) uint8"
        )
    return np.ascontiguousarray(image)
