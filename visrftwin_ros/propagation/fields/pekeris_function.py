"""What is left of a wave that grazes a smooth convex surface: Pekeris' function."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import airy

_THIRD = np.exp(2j * np.pi / 3)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_FARTHEST_SHADOW, _FARTHEST_LIT = 8.0, 14.0
"""Where the integrands have fallen below 1e-13; on the lit ray one grows first, down to xi = -4."""
_DEEP_SHADOW = 20.0
"""There the creeping waves are down by over 200 dB, and soon oscillate faster than the nodes lie."""

LOWEST_XI = -4.0
"""Below it cancellation grows, and the surface reflects as a plane does."""


def pekeris(
    xi: Float[np.ndarray, " n"],
    slope: Complex[np.ndarray, " n"],
    value: Complex[np.ndarray, " n"],
) -> Complex[np.ndarray, " n"]:
    """p*(xi), q*(xi) or their like of a surface on which slope du/dtau = value u, xi >= LOWEST_XI.

    (0, 1) is the soft surface, p*; (1, 0) the hard one, q*; (1, q) one of impedance. With
    Q = slope d/dtau - value, W1,2 = sqrt(pi) (Bi +- j Ai), V = sqrt(pi) Ai it is pi^-1/2 times
    Int_0^inf (QV / QW2) exp(-j xi tau) dtau + Int_-inf^0 (QW1 / 2j QW2) exp(-j xi tau) dtau, the
    second along the ray from infinity exp(-2j pi/3), where it decays: the Fock integral of Pathak,
    Radio Science 14 (1979), less its pole, 1 / (2 sqrt(pi) xi).
    """
    a, b, near = slope[:, None], value[:, None], np.minimum(xi, _DEEP_SHADOW)[:, None]
    along = _FARTHEST_SHADOW / 2 * (_NODES + 1)
    ai, ai_slope, bi, bi_slope = airy(along)
    behind = (a * ai_slope - b * ai) / (a * (bi_slope - 1j * ai_slope) - b * (bi - 1j * ai))
    shadow = (behind * np.exp(-1j * near * along)) @ _WEIGHTS * (_FARTHEST_SHADOW / 2)
    along = _FARTHEST_LIT / 2 * (_NODES + 1)
    # W1 ~ Ai(tau exp(2j pi/3)) and W2 ~ Ai(tau exp(-2j pi/3)), DLMF 9.2.11; on the ray the first
    # argument is real and the second the first's turned by a third.
    ai, ai_slope = airy(along)[:2]
    turned, turned_slope = airy(along * _THIRD)[:2]
    before = (a * _THIRD * ai_slope - b * ai) / (a / _THIRD * turned_slope - b * turned)
    lit = (before * np.exp(-1j * near * along / _THIRD)) @ _WEIGHTS * (_FARTHEST_LIT / 2)
    turn = 0.5j * np.exp(1j * np.pi / 3) / _THIRD
    found = (shadow + turn * lit) / np.sqrt(np.pi)
    pole = 1 / (2 * np.sqrt(np.pi) * np.maximum(xi, _DEEP_SHADOW))
    return np.asarray(np.where(xi > _DEEP_SHADOW, pole, found))
