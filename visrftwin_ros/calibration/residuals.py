"""What a site's twin is off where it was sounded: the map that it takes along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from visrftwin_ros.calibration.model_error import ModelError, trust_of
from visrftwin_ros.calibration.soundings import Soundings
from visrftwin_ros.site.residual_map import (
    LARGEST_DB,
    LEAST_ALONE_DB,
    LEAST_TRUST,
    LONGEST,
    SHORTEST,
    ResidualMap,
)


@dataclass(frozen=True, eq=False)
class FittedResiduals:
    """residuals: the map. access_points, offset_db: (A,) what the power reference of each was found to
    be over what was expected, which no part of the map is."""

    residuals: ResidualMap
    access_points: tuple[str, ...]
    offset_db: Float[np.ndarray, " a"]

    def at(self, soundings: Soundings) -> Float[np.ndarray, " m"]:
        """dB that soundings there should read over what the twin alone was expected to give."""
        gain, _ = self.residuals.at(soundings.tx, soundings.position)
        return gain + self.offsets(soundings)

    def offsets(self, soundings: Soundings) -> Float[np.ndarray, " m"]:
        """Of their access points."""
        return self.offset_db[[self.access_points.index(tx) for tx in soundings.tx]]


def fitted_residuals(
    soundings: Soundings,
    expected_db: Float[np.ndarray, " n"],
    access_points: Sequence[str],
    offset_sd_db: float,
) -> FittedResiduals:
    """Of N soundings and what the site's twin, its antennas as they are, lets expect of them.

    What an access point is off as a whole belongs to the sounder's reference as far as `offset_sd_db`,
    its standard deviation, allows: kriging with a mean of that prior (Omre, Mathematical Geology 19,
    1987). The covariance is the most likely one; outliers count less.
    """
    columns = offset_sd_db * (
        np.array(soundings.tx)[:, None] == np.array(access_points)[None]
    ).astype(float)
    off, trust, error = soundings.power_db - expected_db, np.ones(len(soundings)), ModelError()
    for _ in range(2):
        error = error.fitted_to(soundings, trust, off, columns)
        whole = error.of_powers(soundings, trust) + columns @ columns.T
        offsets = columns.T @ cho_solve(cho_factor(whole, lower=True), off)
        left = off - columns @ offsets
        trust = trust_of(left, error.of_powers(soundings, np.ones(len(soundings))))
    residuals = ResidualMap(
        soundings.tx,
        soundings.position,
        np.clip(left, -LARGEST_DB, LARGEST_DB),
        np.maximum(trust, LEAST_TRUST),
        max(error.alone_db, LEAST_ALONE_DB),
        min(error.shared_db, LARGEST_DB),
        float(np.clip(error.reach, SHORTEST, LONGEST)),
    )
    return FittedResiduals(residuals, tuple(access_points), offset_sd_db * offsets)
