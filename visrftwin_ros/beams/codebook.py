"""Beams that a device can switch between."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import (
    Mount,
    element_pattern,
    in_device_frame,
    mutual_power,
    steering,
)
from visrftwin_ros.site.model import AntennaArray


@cache
def dft_codebook(array: AntennaArray) -> NDArray[np.complex128]:
    """(B, N) unit-norm weights of B = N orthogonal beams.

    Beam b = row beam * columns + column beam; spatial frequencies lie symmetrically about
    boresight, so a single element gives the one beam 1.
    """
    return np.asarray(np.kron(_line(array.rows), _line(array.columns)), complex)


def beam_gains(mount: Mount, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, B) power gain of every DFT beam towards world unit vectors (P, 3).

    4 pi U / P_rad, U the radiation intensity and P_rad its integral over the sphere (Balanis,
    Antenna Theory, 4th ed., eqs. (2-12), (2-16)): each beam radiates what it is fed. Elements
    are matched in every beam, and coupling changes no element's pattern.
    """
    array = mount.array
    local = in_device_frame(directions, mount)
    factor = steering(array, local) @ dft_codebook(array).T
    intensity = np.abs(factor) ** 2 * element_pattern(array, local)[:, None]
    return np.asarray(intensity / radiated_power(array))


@cache
def radiated_power(array: AntennaArray) -> NDArray[np.float64]:
    """(B,) mean over the sphere of each DFT beam's intensity, whose elements send 1 along their
    boresight: the sum over all pairs of elements of their weights and `mutual_power`."""

    def pairs(count: int) -> NDArray[np.complex128]:
        """(B, 2 count - 1) sums of w_m* w_(m + lag)."""
        return np.stack([np.correlate(w, w, "full") for w in _line(count)])

    power = pairs(array.rows) @ mutual_power(array) @ pairs(array.columns).T
    return np.asarray(power.real.ravel())


def _line(count: int) -> NDArray[np.complex128]:
    place = np.arange(count) - (count - 1) / 2
    return np.asarray(np.exp(-2j * np.pi * np.outer(place, place) / count) / np.sqrt(count))
