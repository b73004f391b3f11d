"""Planar antenna arrays on their devices: directions, element patterns and phases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.site.model import AntennaArray

Array = NDArray[np.float64]

_WIDTH_3DB = np.deg2rad(65.0)
_MOST_LOSS_DB = 30.0
_LEAST_NODES = 128
"""Of the integral over the sphere in elevation, with one more for every radian that the array is
long: it errs by 1e-4."""


@dataclass(frozen=True)
class Mount:
    """An array and how its device stands: boresight azimuth `yaw` from +x and downward `pitch`."""

    array: AntennaArray
    yaw: float
    pitch: float = 0.0


def unit_vectors(azimuth: Array, elevation: Array) -> Array:
    """(..., 3) from azimuth (from +x towards +y) and elevation above the horizontal, radians."""
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)


def in_device_frame(directions: Array, mount: Mount) -> Array:
    """World directions (P, 3) seen from the device: +x is boresight, z up along the array."""
    cy, sy = np.cos(mount.yaw), np.sin(mount.yaw)
    cp, sp = np.cos(mount.pitch), np.sin(mount.pitch)
    axes = np.array([[cy * cp, sy * cp, -sp], [-sy, cy, 0.0], [cy * sp, sy * sp, cp]])
    return directions @ axes.T


def element_positions(array: AntennaArray) -> Array:
    """(rows * columns, 3) wavelengths from the array's centre; columns run along +y, rows up."""
    row, column = np.divmod(np.arange(array.rows * array.columns), array.columns)
    y = (column - (array.columns - 1) / 2) * array.spacing
    z = (row - (array.rows - 1) / 2) * array.spacing
    return np.stack([np.zeros_like(y), y, z], axis=-1)


def steering(array: AntennaArray, local: Array) -> NDArray[np.complex128]:
    """(P, N) phases exp(j 2 pi r.k) of the elements towards unit vectors `local` (P, 3)."""
    return np.exp(2j * np.pi * local @ element_positions(array).T)


def element_pattern(array: AntennaArray, local: Array) -> Array:
    """(P,) power that one element sends towards unit vectors (P, 3), 1 along its boresight:
    isotropic, or 3GPP TR 38.901 table 7.3-1.

    The table's 8 dBi are left out: what the array radiates in all says how strong it is.
    """
    if array.element == "iso":
        return np.ones(len(local))
    azimuth = np.arctan2(local[:, 1], local[:, 0])
    from_horizon = np.arcsin(np.clip(local[:, 2], -1, 1))
    vertical = np.minimum(12 * (from_horizon / _WIDTH_3DB) ** 2, _MOST_LOSS_DB)
    horizontal = np.minimum(12 * (azimuth / _WIDTH_3DB) ** 2, _MOST_LOSS_DB)
    return 10 ** (-np.minimum(vertical + horizontal, _MOST_LOSS_DB) / 10)


@cache
def mutual_power(array: AntennaArray) -> NDArray[np.complex128]:
    """(2 rows - 1, 2 columns - 1): the mean over the sphere of what two elements send together,
    element_pattern * exp(j 2 pi d.k), for each vector d from the one to the other: from
    rows - 1 below and columns - 1 to the right, in steps of the spacing.

    By Gauss-Legendre's rule over the sine of the elevation and equal steps of azimuth.
    """
    rows, columns = array.rows, array.columns
    turns = 2 * np.pi * array.spacing * np.hypot(rows - 1, columns - 1)
    sine, weight = np.polynomial.legendre.leggauss(_LEAST_NODES + int(turns))
    count = 2 * (_LEAST_NODES + int(turns))
    azimuth = (np.arange(count) + 0.5) * 2 * np.pi / count
    directions = unit_vectors(*np.meshgrid(azimuth, np.arcsin(sine)))
    pattern = element_pattern(array, directions.reshape(-1, 3)).reshape(len(sine), count)
    pattern *= weight[:, None] / (2 * count)
    step = 2j * np.pi * array.spacing
    across = [
        (pattern * np.exp(step * lag * directions[..., 1])).sum(axis=1)
        for lag in range(1 - columns, columns)
    ]
    upright = np.exp(step * np.outer(np.arange(1 - rows, rows), sine))
    return np.asarray(upright @ np.stack(across, axis=1))
