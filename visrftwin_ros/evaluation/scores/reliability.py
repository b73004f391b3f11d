"""Does what is called probable come as often as that? The reliability diagram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """B equal bins of probability: how many forecasts fell into each, their mean probability and
    the share of them that came true, nan in an empty bin."""

    count: Int[np.ndarray, " b"]
    told: Float[np.ndarray, " b"]
    came: Float[np.ndarray, " b"]

    @property
    def error(self) -> float:
        """Mean distance of what came from what was told, over the forecasts."""
        filled = self.count > 0
        apart = np.abs(self.told - self.came)[filled]
        return float(np.average(apart, weights=self.count[filled])) if filled.any() else np.nan


def reliability(
    probability: Float[np.ndarray, " n"], came: Bool[np.ndarray, " n"], bins: int = BINS
) -> Reliability:
    """Of N forecasts and whether the event came (Murphy and Winkler 1977)."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        told = np.bincount(place, probability, bins) / count
        share = np.bincount(place, came.astype(float), bins) / count
    return Reliability(count, told, share)
