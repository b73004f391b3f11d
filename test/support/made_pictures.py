"""Pictures that no camera took."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def a_scene(size: tuple[int, int], shift: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) in which nobody is; another one for another shift."""
    width, height = size
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.repeat(((columns + rows + shift) // 4 % 200)[..., None], 3, axis=2).astype(np.uint8)
