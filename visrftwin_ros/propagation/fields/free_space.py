"""Waves through empty space."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.constants import speed_of_light


def free_space_amplitude(
    distance: Float[np.ndarray, "*n"], wavelength: float
) -> Float[np.ndarray, "*n"]:
    """lambda / (4 pi d) between isotropic antennas (Friis)."""
    return np.asarray(wavelength / (4 * np.pi * distance))


def wavelength_of(frequency: float) -> float:
    """Metres in vacuum."""
    return speed_of_light / frequency
