"""Points spread evenly over triangles."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def surface_samples(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], spacing: float
) -> Float[np.ndarray, "n 3"]:
    """One point about every `spacing` m of each face, and at least one of each, the same every time.

    Within a face they follow the additive recurrence R2 (Roberts, 2018), folded into the triangle: no two
    lie on each other, no gap is wider than about two spacings.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    counts = np.maximum(np.ceil(area / spacing**2).astype(np.int64), 1)
    face = np.repeat(np.arange(len(faces)), counts)
    number = np.arange(len(face)) - np.repeat(np.cumsum(counts) - counts, counts)
    plastic = 1.32471795724474602596
    u, v = ((0.5 + number / plastic**power) % 1.0 for power in (1, 2))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    return np.asarray(
        a[face] + u[:, None] * (b - a)[face] + v[:, None] * (c - a)[face], dtype=np.float64
    )
