"""How fast a robot may drive for the link that is predicted for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SpeedPolicy:
    """needed_snr_db: what the robot's traffic needs. margin_db: above that, from which it may drive
    at full speed. slowest: percent of full speed where the link is below what is needed.
    look_ahead: s of the forecast that count, at least the robot's time to stop."""

    needed_snr_db: float = 10.0
    margin_db: float = 6.0
    slowest: float = 20.0
    look_ahead: float = 2.0

    def percent(self, horizon: NDArray[np.float64], snr_db: NDArray[np.float64]) -> float:
        """Percent of full speed, `slowest` to 100.

        horizon: (H,) s from now. snr_db: (L, H) dB of the robot's links, as bad as it may well
        become; NaN where there is none. At each moment the best link counts, and of the moments the
        worst.
        """
        ahead = snr_db[:, horizon <= self.look_ahead]
        ahead = np.where(np.isnan(ahead), -np.inf, ahead)
        if not ahead.size:
            return self.slowest
        spare = float(ahead.max(axis=0).min()) - self.needed_snr_db
        share = float(np.clip(spare / self.margin_db, 0.0, 1.0))
        return self.slowest + (100.0 - self.slowest) * share
