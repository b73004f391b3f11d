"""Planar antenna arrays on their devices: directions, element gain and phases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.site.model import AntennaArray

Array = NDArray[np.float64]

_WIDTH_3DB = np.deg2rad(65.0)
_MOST_LOSS_DB = 30.0
_PEAK_DBI = 8.0


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


def element_gain(array: AntennaArray, local: Array) -> Array:
    """(P,) power gain of one element: isotropic, or 3GPP TR 38.901 table 7.3-1 (8 dBi)."""
    if array.element == "iso":
        return np.ones(len(local))
    azimuth = np.arctan2(local[:, 1], local[:, 0])
    from_horizon = np.arcsin(np.clip(local[:, 2], -1, 1))
    vertical = np.minimum(12 * (from_horizon / _WIDTH_3DB) ** 2, _MOST_LOSS_DB)
    horizontal = np.minimum(12 * (azimuth / _WIDTH_3DB) ** 2, _MOST_LOSS_DB)
    return 10 ** ((_PEAK_DBI - np.minimum(vertical + horizontal, _MOST_LOSS_DB)) / 10)
