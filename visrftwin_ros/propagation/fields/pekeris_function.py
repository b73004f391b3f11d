"""What is left of a wave that grazes a smooth convex surface: Pekeris' function."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import airy

from visrftwin_ros.compiled import compiled

_THIRD = np.exp(2j * np.pi / 3)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_FARTHEST_SHADOW, _FARTHEST_LIT = 8.0, 14.0
"""Where the integrands have fallen below 1e-13; on the lit ray one grows first, down to xi = -4."""
_DEEP_SHADOW = 20.0
"""There the creeping waves are down by over 200 dB, and soon oscillate faster than the nodes lie."""
_ALONG = _FARTHEST_SHADOW / 2 * (_NODES + 1)
_AIRY = np.stack(airy(_ALONG)).astype(complex)
_ON_RAY = _FARTHEST_LIT / 2 * (_NODES + 1)
# W1 ~ Ai(tau exp(2j pi/3)) and W2 ~ Ai(tau exp(-2j pi/3)), DLMF 9.2.11; on the ray the first
# argument is real and the second the first's turned by a third.
_RAY_AIRY = np.stack([*airy(_ON_RAY)[:2], *airy(_ON_RAY * _THIRD)[:2]])
_TURN = complex(0.5j * np.exp(1j * np.pi / 3) / _THIRD)

LOWEST_XI = -4.0
"""Below it cancellation grows, and the surface reflects as a plane does."""


def pekeris(
    xi: Float[np.ndarray, " n"],
    slope: Complex[np.ndarray, "*surfaces n"],
    value: Complex[np.ndarray, "*surfaces n"],
) -> Complex[np.ndarray, "*surfaces n"]:
    """p*(xi), q*(xi) or their like of surfaces on which slope du/dtau = value u, xi >= LOWEST_XI.

    (0, 1) is the soft surface, p*; (1, 0) the hard one, q*; (1, q) one of impedance. With
    Q = slope d/dtau - value, W1,2 = sqrt(pi) (Bi +- j Ai), V = sqrt(pi) Ai it is pi^-1/2 times
    Int_0^inf (QV / QW2) exp(-j xi tau) dtau + Int_-inf^0 (QW1 / 2j QW2) exp(-j xi tau) dtau, the
    second along the ray from infinity exp(-2j pi/3), where it decays: the Fock integral of Pathak,
    Radio Science 14 (1979), less its pole, 1 / (2 sqrt(pi) xi).
    """
    flat = np.broadcast_to(np.minimum(xi, _DEEP_SHADOW), slope.shape)
    found = _integrals(*(np.ravel(part) for part in (flat, slope, value))).reshape(slope.shape)
    pole = 1 / (2 * np.sqrt(np.pi) * np.maximum(xi, _DEEP_SHADOW))
    return np.asarray(np.where(xi > _DEEP_SHADOW, pole, found))


@compiled
def _integrals(
    xi: Float[np.ndarray, " n"], slope: Complex[np.ndarray, " n"], value: Complex[np.ndarray, " n"]
) -> Complex[np.ndarray, " n"]:
    found = np.empty(len(xi), np.complex128)
    for row in range(len(xi)):
        a, b = slope[row], value[row]
        shadow, lit = 0j, 0j
        for i in range(len(_NODES)):
            ai, ai_slope, bi, bi_slope = _AIRY[0, i], _AIRY[1, i], _AIRY[2, i], _AIRY[3, i]
            below = a * (bi_slope - 1j * ai_slope) - b * (bi - 1j * ai)
            wave = np.exp(-1j * xi[row] * _ALONG[i])
            shadow += _WEIGHTS[i] * (a * ai_slope - b * ai) / below * wave
            below = a / _THIRD * _RAY_AIRY[3, i] - b * _RAY_AIRY[2, i]
            wave = np.exp(-1j * xi[row] / _THIRD * _ON_RAY[i])
            before = a * _THIRD * _RAY_AIRY[1, i] - b * _RAY_AIRY[0, i]
            lit += _WEIGHTS[i] * before / below * wave
        shadow *= 0.5 * _FARTHEST_SHADOW
        lit *= 0.5 * _FARTHEST_LIT * _TURN
        found[row] = (shadow + lit) / np.sqrt(np.pi)
    return found
