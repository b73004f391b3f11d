"""How a stack of layers in air reflects and transmits a plane wave: characteristic matrices.

Born and Wolf, Principles of Optics, 7th ed., section 1.6.2; Yeh, Optical Waves in Layered Media, 1988,
chapter 5. Fields go as exp(+j w t), so that a lossy permittivity is eps' - j eps''. Nothing here is the
predictor's: it sums the ways through one slab in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

_OPAQUE = 30.0
"""Nepers of a layer beyond which nothing comes back from behind it, and the sine would overflow."""
_GRAZING = 1e-6


@dataclass(frozen=True)
class StackCoefficients:
    """Of N waves, each on its stack: amplitudes reflected and transmitted in the electric field, TE
    and TM; a perfect conductor reflects -1 and +1. The transmitted ones are set against the same
    way through air: air transmits 1."""

    reflected_te: Complex[np.ndarray, " n"]
    reflected_tm: Complex[np.ndarray, " n"]
    transmitted_te: Complex[np.ndarray, " n"]
    transmitted_tm: Complex[np.ndarray, " n"]


def stack_coefficients(
    cosine: Float[np.ndarray, " n"],
    permittivity: Complex[np.ndarray, "n layers"],
    thickness: Float[np.ndarray, "n layers"],
    wavelength: float,
) -> StackCoefficients:
    """cosine: of the angle of incidence. permittivity (relative), thickness [m]: of the layers in the
    order in which the wave meets them; a thickness of 0 is no layer. wavelength: m."""
    cosine = np.maximum(cosine, _GRAZING)
    normal = np.sqrt(permittivity - (1 - cosine**2)[:, None])
    normal = np.where(normal.imag > 0, -normal, normal)
    wave_number = 2 * np.pi / wavelength
    phase = wave_number * normal * thickness
    phase = phase.real + 1j * np.maximum(phase.imag, -_OPAQUE)
    turned, swung = np.cos(phase), 1j * np.sin(phase)
    air = np.exp(1j * wave_number * cosine * thickness.sum(axis=1))
    found = []
    for outside, admittance in ((cosine, normal), (1 / cosine, permittivity / normal)):
        electric, magnetic = np.ones(len(cosine), complex), outside.astype(complex)
        for layer in reversed(range(thickness.shape[1])):
            c, s, y = turned[:, layer], swung[:, layer], admittance[:, layer]
            electric, magnetic = c * electric + s / y * magnetic, s * y * electric + c * magnetic
        total = outside * electric + magnetic
        found += [(outside * electric - magnetic) / total, 2 * outside / total * air]
    return StackCoefficients(found[0], -found[2], found[1], found[3])
