"""One sweep of a LiDAR as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

LONGEST_SWEEP = 0.5
"""s: times further from the header's stamp are no times within a sweep."""


@dataclass(frozen=True)
class PointCloud:
    """N returns of one sweep, in the sensor's frame or the world's.

    stamp_ns: ROS time of the header. frame: that the points are in. points: (N, 3) m. intensity:
    (N,) as the sensor scales it, ring: (N,) beam number, seconds: (N,) s after `stamp_ns`; each
    None where the sensor does not tell. invalid: how many returns held NaN or infinity.
    """

    stamp_ns: int
    frame: str
    points: Float[np.ndarray, "n 3"]
    intensity: Float[np.ndarray, " n"] | None = None
    ring: Int[np.ndarray, " n"] | None = None
    seconds: Float[np.ndarray, " n"] | None = None
    invalid: int = 0

    def __len__(self) -> int:
        return len(self.points)

    def where(self, mask: Bool[np.ndarray, " n"]) -> PointCloud:
        """The returns that a mask picks."""

        def part(column: np.ndarray | None) -> np.ndarray | None:
            return None if column is None else column[mask]

        return replace(
            self,
            points=self.points[mask],
            intensity=part(self.intensity),
            ring=part(self.ring),
            seconds=part(self.seconds),
        )

    def moved(self, points: Float[np.ndarray, "n 3"]) -> PointCloud:
        """The same returns at other places."""
        return replace(self, points=points)

    def finite(self) -> PointCloud:
        """Without returns that hold NaN or infinity, which `invalid` counts."""
        # A sum is finite only if its terms are; three additions cost less than a table of flags.
        # (One beyond the largest number is dropped too: no LiDAR is that far off.)
        with np.errstate(over="ignore"):
            total = self.points[:, 0] + self.points[:, 1] + self.points[:, 2]
        good = np.isfinite(total)
        dropped = len(good) - int(np.count_nonzero(good))
        if not dropped:
            return self
        return replace(self.where(good), invalid=self.invalid + dropped)
