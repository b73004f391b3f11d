"""A cloud as LAS or LAZ (ASPRS LAS 1.4), as surveyors and aerial LiDARs deliver it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import MOST_POINTS
from visrftwin_ros.mapping.sources.extras import library

CHUNK = 2_000_000
"""Points that are held beside those that are kept."""


def read_las(file: Path) -> tuple[Float[np.ndarray, "n 3"], str]:
    """Its points, m as its coordinates are, and how many of how many: each N-th of a file of over MOST_POINTS.

    Raises TwinError where the file is none.
    """
    laspy = library("laspy", file)
    parts: list[np.ndarray] = []
    try:
        with laspy.open(file) as reader:
            total = int(reader.header.point_count)
            every = max(1, -(-total // MOST_POINTS))
            seen = 0
            for chunk in reader.chunk_iterator(CHUNK):
                rows = slice(-seen % every, None, every)
                parts.append(np.column_stack([axis[rows] for axis in (chunk.x, chunk.y, chunk.z)]))
                seen += len(chunk)
    except (laspy.errors.LaspyException, OSError, ValueError, MemoryError, RuntimeError) as error:
        raise TwinError(f"{file} is no readable LAS or LAZ: {error}") from error
    points = np.concatenate([np.zeros((0, 3)), *parts])
    points = points[np.isfinite(points).all(axis=1)]  # a header may scale by anything
    return points, f"{len(points)} of {total} points"
