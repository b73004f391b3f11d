"""What a LiDAR's sweep could have shown: how far it saw in every direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SECTORS = 720
"""Directions over the ground, from -pi on."""
BEFORE = 0.5
"""m before something from which what stands there hides it."""
SPEAKS = 0.4
"""Score of a cluster from which it speaks for a vehicle; a weaker one only places those that are known."""
SEEN_SHARE = 0.5
"""Share of a vehicle's directions that must be free for it to be missed."""


@dataclass(frozen=True)
class SweepView:
    """origin: (2,) m where the sensor stood. reach: m over the ground. nearest: (S,) m to the nearest
    return of whatever stands in each of S equal sectors of azimuth from -pi on; reach where there is
    none."""

    origin: Float[np.ndarray, " 2"]
    reach: float
    nearest: Float[np.ndarray, " s"]

    def shows(self, position: Float[np.ndarray, " 2"], size: Float[np.ndarray, " 3"]) -> bool:
        """As `View.shows`."""
        away = position - self.origin
        distance = float(np.hypot(*away))
        half = float(min(size[0], size[1])) / 2
        if distance - half > self.reach:
            return False
        if distance <= half:
            return True
        bearing = np.arctan2(away[1], away[0]) + np.arcsin(half / distance) * np.linspace(-1, 1, 9)
        free = self.nearest[self.sectors(bearing)] > distance - half - BEFORE
        return bool(free.mean() >= SEEN_SHARE)

    def hides(self, bearing: float, distance: float) -> bool:
        """Whether something nearer stands in a direction [rad]."""
        sector = self.sectors(np.array([bearing]))
        return bool(self.nearest[sector[0]] < distance - BEFORE)

    def sectors(self, bearing: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Which sector each direction [rad] lies in: (N,)."""
        turn = (bearing / (2 * np.pi) + 0.5) % 1.0
        count = len(self.nearest)
        return np.minimum((turn * count).astype(np.int64), count - 1)


def sweep_view(
    points: Float[np.ndarray, "n 2"], origin: Float[np.ndarray, " 2"], reach: float
) -> SweepView:
    """Of the returns (N, 2) m of all that stands."""
    view = SweepView(origin, reach, np.full(SECTORS, reach))
    away = points - origin
    distance = np.hypot(away[:, 0], away[:, 1])
    sector = view.sectors(np.arctan2(away[:, 1], away[:, 0]))
    np.minimum.at(view.nearest, sector, distance)
    return view
