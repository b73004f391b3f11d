"""What people carry, pull and push: bags, suitcases and trolleys, as boxes beside their bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

KINDS: Mapping[str, tuple[float, tuple[float, float, float], tuple[float, float, float]]] = {
    "backpack": (0.18, (-0.24, 0.0, 0.72), (0.18, 0.30, 0.46)),
    "bag": (0.12, (0.0, 0.31, 0.33), (0.38, 0.13, 0.30)),
    "suitcase": (0.10, (-0.55, 0.12, 0.33), (0.25, 0.40, 0.58)),
    "trolley": (0.06, (0.75, 0.0, 0.52), (0.60, 0.48, 0.80)),
}
"""Share of the people who have one; its middle ahead of the body's axis, to the left and up, of the
last as a share of the body's height for what is worn and metres for what rolls; its size along,
across and up, metres. Our estimates; a cabin case is 0.55 x 0.40 x 0.23 m."""
_WORN = ("backpack", "bag")
_SPREAD = 0.12
"""Standard deviation of sizes, as a share."""
_CORNERS = np.array([[x, y, z] for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
FACES = np.array(
    [
        [0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4],
        [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7],
    ]
)  # fmt: skip
"""(12, 3) triangles of every burden, turned outwards."""


@dataclass(frozen=True)
class Burden:
    """kind: of `KINDS`. corners: (8, 3) metres from where the body stands: ahead, left, up."""

    kind: str
    corners: Float[np.ndarray, "8 3"]

    def placed(self, position: Float[np.ndarray, " 3"], heading: float) -> Float[np.ndarray, "8 3"]:
        """Its corners in the world, with the body at `position` and turned to `heading` [rad]."""
        c, s = np.cos(heading), np.sin(heading)
        return np.asarray(self.corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + position)


def drawn_burden(height: float, rng: np.random.Generator) -> Burden | None:
    """What somebody of this height [m] has along; most have nothing."""
    draw, side = rng.uniform(), 1.0 if rng.uniform() < 0.5 else -1.0
    scale = np.clip(1 + _SPREAD * rng.standard_normal(3), 0.7, 1.3)
    for kind, (share, middle, size) in KINDS.items():
        if draw < share:
            up = middle[2] * (height if kind in _WORN else scale[2])
            place = np.array([middle[0], side * middle[1], up])
            return Burden(kind, place + _CORNERS / 2 * scale * size)
        draw -= share
    return None
