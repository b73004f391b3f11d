"""Waves through empty space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

Array = NDArray[np.float64]


def free_space_amplitude(distance: Array, wavelength: float) -> Array:
    """lambda / (4 pi d) between isotropic antennas (Friis)."""
    return wavelength / (4 * np.pi * distance)


def wavelength_of(frequency: float) -> float:
    """Metres in vacuum."""
    return speed_of_light / frequency
