"""What of a track is drawn: where it may be, and where it was."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

SIGMAS = 2.0
"""Of the ellipse: 86 % of all true places are inside."""
CORNERS = 24
OVER_GROUND = 0.03
"""m: lines on the ground itself flicker."""
STEP = 0.05
"""m moved before a trail gets another corner."""
REACH_NS = 6_000_000_000
"""How long a corner stays."""


def covariance_ellipses(
    position: Float[np.ndarray, "n 2"], covariance: Float[np.ndarray, "n 2 2"]
) -> Float[np.ndarray, "n c 3"]:
    """Closed polylines on the ground, m; a covariance that is none gives a point."""
    turn = np.linspace(0.0, 2 * np.pi, CORNERS + 1)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    good = np.isfinite(covariance).all(axis=(1, 2))
    values, axes = np.linalg.eigh(np.where(good[:, None, None], covariance, 0.0))
    reach = SIGMAS * np.sqrt(np.maximum(values, 0.0))
    flat = position[:, None] + (circle[None] * reach[:, None]) @ axes.swapaxes(1, 2)
    return np.concatenate([flat, np.full((*flat.shape[:2], 1), OVER_GROUND)], axis=2)


class Trails:
    """Where everybody was in the last seconds."""

    def __init__(self) -> None:
        self._corners: dict[str, deque[tuple[int, tuple[float, float]]]] = {}

    def __len__(self) -> int:
        return len(self._corners)

    def updated(
        self, stamp_ns: int, ids: Sequence[str], position: Float[np.ndarray, "n 2"]
    ) -> list[Float[np.ndarray, "k 3"]]:
        """The trails of the people that are there, in their order, with their newest places."""
        for name, (x, y) in zip(ids, position.tolist(), strict=True):
            corners = self._corners.setdefault(name, deque())
            if corners and corners[-1][0] > stamp_ns:
                corners.clear()  # time went back
            if not corners or np.hypot(x - corners[-1][1][0], y - corners[-1][1][1]) >= STEP:
                corners.append((stamp_ns, (x, y)))
        for name, corners in list(self._corners.items()):
            while corners and not -1 < stamp_ns - corners[0][0] <= REACH_NS:
                corners.popleft()
            if not corners and name not in ids:
                del self._corners[name]
        trails = []
        for name, place in zip(ids, position, strict=True):
            corners = self._corners.get(name, deque())
            flat = np.array([*(corner for _, corner in corners), place])
            trails.append(np.column_stack([flat, np.full(len(flat), OVER_GROUND)]))
        return trails
