"""Seeded cases on which the field round a thick body is scored, and what it must reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import epsilon_0

Array = NDArray[np.float64]

FREQUENCY = 60.48e9
WAVELENGTH = 299792458 / FREQUENCY
SKIN = 8.0 - 1j * 36.0 / (2 * np.pi * FREQUENCY * epsilon_0)
DEEPEST_DB = 45.0
WITHIN_DB, SHARE_WITHIN = 1.0, 0.95
FRINGE = 0.03
"""Complex error of a lit receiver's field over the incident one."""
ELLIPSE_MEDIAN_DB, ELLIPSE_90_DB = 0.7, 1.5

CIRCLES_DB = (
    (0.100, 2.0, 2.0, (17.38, 10.78, 17.14, 14.35)),
    (0.125, 2.0, 2.0, (20.69, 12.26, 20.40, 16.90)),
    (0.125, 0.7, 3.3, (27.57, 14.16, 27.07, 21.03)),
    (0.150, 2.0, 2.0, (23.85, 13.53, 23.51, 19.29)),
    (0.150, 1.0, 7.0, (25.56, 14.00, 25.17, 20.34)),
    (0.225, 2.0, 2.0, (33.05, 16.96, 32.54, 26.14)),
    (0.225, 0.7, 3.3, (47.04, 21.42, 46.15, 34.92)),
)
"""Radius, d1, d2; printed losses behind the middle of metal V and H, skin V and H, 60.48 GHz."""


@dataclass(frozen=True)
class Cases:
    """source, receiver (n, 2), metres in the cylinder's axes; half_axes (n, 2) along x and y."""

    source: Array
    receiver: Array
    half_axes: Array


def loss_db(field: complex) -> float:
    return float(-20 * np.log10(abs(field)))


def circular(count: int = 500, seed: int = 11) -> Cases:
    """Radii of 0.05 to 0.3 m, ends 0.5 to 8 m from the axis; four of five on a line that passes the
    axis within the radius and three Fresnel zones, from the middle of the shadow to the lit
    fringes, the others anywhere around."""
    random = np.random.default_rng(seed)
    radius = random.uniform(0.05, 0.3, count)
    return _between(random, np.stack([radius, radius], axis=1))


def elliptic(count: int = 40, seed: int = 12) -> Cases:
    """Half axes of 0.05 to 0.3 m each, placed alike and seen from any side."""
    random = np.random.default_rng(seed)
    return _between(random, random.uniform(0.05, 0.3, (count, 2)))


def _between(random: np.random.Generator, half_axes: Array) -> Cases:
    count = len(half_axes)
    d1, d2 = random.uniform(0.5, 8.0, (2, count))
    zone = np.sqrt(WAVELENGTH * d1 * d2 / (d1 + d2))
    aside = random.uniform(0, 1, count) * (half_axes.mean(axis=1) + 3 * zone)
    aside = np.minimum(aside, 0.9 * np.minimum(d1, d2))
    bearing = random.uniform(0, 2 * np.pi, count)
    ahead = np.pi - np.arcsin(aside / d1) - np.arcsin(aside / d2)
    turn = np.where(random.uniform(size=count) < 0.8, ahead, random.uniform(0, np.pi, count))
    return Cases(_polar(d1, bearing), _polar(d2, bearing + turn), half_axes)


def _polar(distance: Array, angle: Array) -> Array:
    return np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1)
