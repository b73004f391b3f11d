"""The bistatic radar cross-section of a person by 3GPP TR 38.901, clause 7.9.2.

Sionna RT 2.2.0 has the same model as `TR38901RCS` on Dr.Jit arrays; this is it on numpy's, so that
a tick launches no kernel. The random component sigma_S is left at its linear mean, 1.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

SCATTERING_HEIGHT = 1.5 / 1.75
"""Share of a person's height at which the one scattering point lies."""

_PEAK_DB, _RANGE_DB = 2.14, 7.7
"""G_max and sigma_max of table 7.9.2.1-3, dBsm and dB, the same for front and back."""
_AZIMUTH_3DB, _ZENITH_3DB = np.deg2rad(216.65), np.deg2rad(55.7)
_K1, _K2 = 0.5714, 0.1


def human_cross_section(
    to_transmitter: Float[np.ndarray, "n 3"],
    to_receiver: Float[np.ndarray, "n 3"],
    heading: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Square metres of a person who faces `heading` radians, RCS model 2, eq. 7.9.2-3.

    to_transmitter, to_receiver: unit vectors away from the person, world frame.
    """
    half = np.arctan2(
        np.linalg.norm(to_transmitter - to_receiver, axis=1),
        np.linalg.norm(to_transmitter + to_receiver, axis=1),
    )  # beta / 2
    middle = to_transmitter + to_receiver
    azimuth = np.arctan2(middle[:, 1], middle[:, 0]) - heading
    # Front and back lobe are equal: the azimuth from the nearer one.
    off_azimuth = (azimuth + np.pi / 2) % np.pi - np.pi / 2
    off_zenith = np.arctan2(middle[:, 2], np.hypot(middle[:, 0], middle[:, 1]))
    lobe = np.minimum(12 * (off_azimuth / _AZIMUTH_3DB) ** 2, _RANGE_DB) + np.minimum(
        12 * (off_zenith / _ZENITH_3DB) ** 2, _RANGE_DB
    )
    bistatic = -_K1 * np.sin(_K2 * half) + 5 * np.log10(np.maximum(np.cos(half), 1e-12))
    level = _PEAK_DB - np.minimum(lobe, _RANGE_DB) + bistatic
    return np.asarray(10 ** (np.maximum(level, _PEAK_DB - _RANGE_DB) / 10))
