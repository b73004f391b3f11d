"""Large-scale parameters common to the scenarios of 3GPP TR 38.901 (V17.0.0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class LargeScale:
    """Medians of one column of table 7.5-6 at a frequency: the log-normal laws 10^mu with
    mu = slope log10(1 + f/GHz) + base, of the delay spread [s] and of the azimuth spread of
    arrival [degree]; k_factor_db: mean of the K factor, NaN where the table has none.
    """

    delay: tuple[float, float]
    azimuth: tuple[float, float]
    k_factor_db: float

    def delay_spread(self, frequency: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Seconds."""
        return _median(self.delay, frequency)

    def azimuth_spread(self, frequency: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Radians."""
        # Table 7.5-6 lets a draw go no further than 104 degrees (7.5, step 4).
        return np.radians(np.minimum(_median(self.azimuth, frequency), 104.0))


@dataclass(frozen=True)
class Scenario:
    """One scenario's line-of-sight and other links."""

    los: LargeScale
    nlos: LargeScale

    def spreads(
        self, frequency: Float[np.ndarray, " n"], line_of_sight: Bool[np.ndarray, " n"]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) each: delay spread [s], azimuth spread [rad], K factor [dB], by line of sight."""
        both = (self.los, self.nlos)
        delay = [column.delay_spread(frequency) for column in both]
        azimuth = [column.azimuth_spread(frequency) for column in both]
        k_factor = np.where(line_of_sight, self.los.k_factor_db, self.nlos.k_factor_db)
        return np.where(line_of_sight, *delay), np.where(line_of_sight, *azimuth), k_factor


def _median(law: tuple[float, float], frequency: Float[np.ndarray, " n"]) -> np.ndarray:
    slope, base = law
    return np.asarray(10 ** (slope * np.log10(1 + frequency / 1e9) + base), float)
