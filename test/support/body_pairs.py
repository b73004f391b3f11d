"""Two thick metal bodies across one path: seeded cases for the method of moments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cylinder_cases import WAVELENGTH
from ellipse_moments import field_round_ellipses
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FIELDS = Path(__file__).with_suffix(".csv")

WITHIN_DB, SHARE_WITHIN = 3.0, 0.9


@dataclass(frozen=True)
class BodyPairs:
    """n pairs on links of `length` m along x from the source: centre and half axes (along the
    link, across it) of the first and the second body, (n, 2, 2), metres."""

    length: Array
    centre: Array
    half_axes: Array

    @property
    def fields(self) -> NDArray[np.complex128]:
        """(n, 3) E/E0 behind the first alone, the second alone and both, as `by_moments` found
        them (body_pairs.csv, real and imaginary parts)."""
        parts = np.loadtxt(_FIELDS, delimiter=",", skiprows=1)
        return parts[:, ::2] + 1j * parts[:, 1::2]

    def by_moments(self, pair: int) -> tuple[complex, complex, complex]:
        """One row of `fields`, from the integral equation: two seconds."""
        ends = np.zeros(2), np.array([self.length[pair], 0.0])
        centre, half = self.centre[pair], self.half_axes[pair]
        first, second, both = (
            field_round_ellipses(*ends, centre[rows], half[rows], WAVELENGTH)
            for rows in ([0], [1], [0, 1])
        )
        return first, second, both


def body_pairs(count: int = 40, seed: int = 31) -> BodyPairs:
    """At 60.48 GHz: half axes of 0.06 to 0.15 m, every other pair circular; 0.05 to 2 m of air
    between the two along the link; half of the pairs centred on the ray, half up to 0.1 m beside
    it, each body for itself; 0.7 to 4 m before the first and behind the second."""
    random = np.random.default_rng(seed)
    half = random.uniform(0.06, 0.15, (count, 2, 2))
    half[::2, :, 1] = half[::2, :, 0]
    apart = half[:, :, 0].sum(axis=1) + np.geomspace(0.05, 2.0, count)
    before, behind = random.uniform(0.7, 4.0, (2, count))
    aside = random.uniform(-0.1, 0.1, (count, 2)) * (np.arange(count) % 4 >= 2)[:, None]
    along = np.stack([before, before + apart], axis=1)
    return BodyPairs(before + apart + behind, np.stack([along, aside], axis=2), half)
