"""From radiance to the picture that a camera gives: exposure, noise, tone curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

_FULL_WELL = 6000.0
"""Electrons at white: the shot noise of a small sensor."""
_READ_NOISE = 6.0
_KEY = 0.20
"""Linear value that the exposure gives the picture's log-average (Reinhard et al. 2002: 0.18)."""
_WHITE = 3.0


@dataclass(frozen=True)
class Exposure:
    """gain: linear value per radiance. balance: (3,) of the channels."""

    gain: float
    balance: Float[np.ndarray, " 3"]


def metered(radiance: Float[np.ndarray, "h w 3"], rng: np.random.Generator) -> Exposure:
    """The exposure that a camera chooses for a scene, a little off, and its white balance."""
    luminance = radiance @ np.array([0.2126, 0.7152, 0.0722])
    average = float(np.exp(np.mean(np.log(luminance + 1e-4))))
    return Exposure(_KEY / average * float(np.exp(rng.normal(0, 0.15))), rng.normal(1, 0.03, 3))


def developed(
    radiance: Float[np.ndarray, "h w 3"], exposure: Exposure, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """The picture, BGR: shot and read noise (EMVA 1288), a soft shoulder, sRGB."""
    exposed = np.clip(radiance * (exposure.gain * exposure.balance), 0, None)
    spread = np.sqrt(exposed * _FULL_WELL + _READ_NOISE**2) / _FULL_WELL
    noisy = np.clip(exposed + spread * rng.standard_normal(exposed.shape, np.float32), 0, None)
    toned = np.clip(noisy * (1 + noisy / _WHITE**2) / (1 + 0.6 * noisy), 0, 1)
    srgb = np.where(toned <= 0.0031308, 12.92 * toned, 1.055 * toned ** (1 / 2.4) - 0.055)
    return np.ascontiguousarray(np.round(255 * srgb[..., ::-1]).astype(np.uint8))
