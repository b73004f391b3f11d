"""Beams that a device can switch between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount, element_gain, in_device_frame, steering
from visrftwin_ros.site.model import AntennaArray


def dft_codebook(array: AntennaArray) -> NDArray[np.complex128]:
    """(B, N) unit-norm weights of B = N orthogonal beams.

    Beam b = row beam * columns + column beam; spatial frequencies lie symmetrically about
    boresight, so a single element gives the one beam 1.
    """

    def line(count: int) -> NDArray[np.complex128]:
        place = np.arange(count) - (count - 1) / 2
        return np.exp(-2j * np.pi * np.outer(place, place) / count) / np.sqrt(count)

    return np.asarray(np.kron(line(array.rows), line(array.columns)), complex)


def beam_gains(mount: Mount, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, B) power gain of every DFT beam towards world unit vectors (P, 3), element included."""
    local = in_device_frame(directions, mount)
    factor = steering(mount.array, local) @ dft_codebook(mount.array).T
    return np.abs(factor) ** 2 * element_gain(mount.array, local)[:, None]
