"""What is beyond two knife edges in a row: Fresnel's integral over a quadrant.

As a normal distribution of two correlated variables, of complex argument. It is closed by Owen's
function T ("Tables for computing bivariate normal probabilities", Ann. Math. Statist. 27 (1956),
eq. 2.1), which is then the generalised Fresnel integral of Capolino and Maci, Microw. Opt. Technol.
Lett. 9 (1995). Fresnel parameters are sign * sqrt(4 detour / wavelength) of the taut strings.
"""

from __future__ import annotations

import math

import numpy as np

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor, phasor_integral

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_HALF = 0.5 + 0.5j
"""sqrt(j / 2), which makes Fresnel's integral over everything 1."""
_DOWN = complex(math.sqrt(0.5), -math.sqrt(0.5))
"""exp(-j pi/4), the direction in which Fresnel's integrand falls."""
_DEEPEST = 18.0
"""Nepers down, where that integrand is cut."""
_NEAR = 2.0
"""Fresnel parameter up to which the angle is taken: 12 points are then within 1e-9 either way."""
_TINY = 1e-12
_ONE_EDGE = 1.0 - 1e-9
"""Correlation from which two edges are one."""
_ON_THE_RAY = 1e-6
"""Fresnel parameter of an edge that only just touches the ray."""


@compiled
def beyond(u: float) -> complex:
    """Of an incident field, what is beyond a knife edge of Fresnel parameter u, > 0 in shadow."""
    return 0.5 - _HALF * phasor_integral(u)


@compiled
def _owen(u: float, w: float) -> complex:
    """Owen's T(h, w/u), h^2 = j pi u^2, of u > 0 and w >= 0."""
    if w > u:
        far, near = beyond(u), beyond(w)
        return 0.5 * (far + near) - far * near - _owen_low(w, u)
    return _owen_low(u, w)


@compiled
def _owen_low(u: float, w: float) -> complex:
    """The same where w <= u: over the angle where that is short, else down from w/u to infinity."""
    real, imaginary = 0.0, 0.0
    if u < _NEAR:
        half = 0.5 * math.atan2(w, u)
        for i in range(len(_NODES)):
            cos = math.cos(half * (_NODES[i] + 1.0))
            wave = phasor(0.5 * math.pi * (u / cos) ** 2)
            real += _WEIGHTS[i] * wave.real
            imaginary += _WEIGHTS[i] * wave.imag
        half /= 2.0 * math.pi
        return complex(half * real, half * imaginary)
    slope = math.pi * w * math.sqrt(0.5)
    half = 0.5 * (math.sqrt(slope * slope + 2.0 * math.pi * _DEEPEST) - slope) / math.pi
    for i in range(len(_NODES)):
        s = half * (_NODES[i] + 1.0)
        down, wave = math.exp(-0.5 * math.pi * s * s - slope * s), phasor(slope * s)
        # u^2 + (w + _DOWN s)^2, by which to divide.
        below = u * u + w * w + math.sqrt(2.0) * w * s
        beside = -s * (math.sqrt(2.0) * w + s)
        share = _WEIGHTS[i] * down / (below * below + beside * beside)
        real += share * (wave.real * below + wave.imag * beside)
        imaginary += share * (wave.imag * below - wave.real * beside)
    turned = complex(real, imaginary) * phasor(0.5 * math.pi * (u * u + w * w)) * _DOWN
    return 0.5 * beyond(u) - turned * (u * half / (2.0 * math.pi))


@compiled
def _signed_owen(u: float, w: float) -> complex:
    found = _owen(max(abs(u), _TINY), abs(w))
    return found if (u >= 0.0) == (w >= 0.0) else -found


@compiled
def beyond_both(u1: float, u2: float, u21: float, u12: float) -> complex:
    """What is beyond two knife edges in a row.

    u1, u2: parameters of each alone; u21 of the second edge seen from the first, u12 of the first
    on the way to the second. All are positive in shadow, towards the side that the edge hides, and
    not all of them 0: in the limit their ratios count.
    """
    found = 0.5 * (beyond(u1) + beyond(u2)) - _signed_owen(u1, u21) - _signed_owen(u2, u12)
    if (u1 > 0.0) != (u2 > 0.0):
        found -= 0.5
    return found


@compiled
def beyond_correlated(u1: float, u2: float, correlation: float) -> complex:
    """`beyond_both` of parallel edges across the ray, from the parameters that each has alone.

    correlation: sqrt(a c / ((a + b) (b + c))) for edges b apart, a after the source and c before
    the receiver, 0 to 1; 1 = one edge. In these parameters the double integral of Millington,
    Hewitt and Immirzi (Proc. IEE 109C, 1962; Vogler, Radio Science 17, 1982, N = 2) is the chance
    that two normal variables of variance 1/(j pi) with this correlation exceed them.
    """
    rho = min(correlation, _ONE_EDGE)
    if abs(u1) < _ON_THE_RAY:
        u1 = _ON_THE_RAY
    if abs(u2) < _ON_THE_RAY:
        u2 = _ON_THE_RAY
    root = math.sqrt(1.0 - rho * rho)
    return beyond_both(u1, u2, (u2 - rho * u1) / root, (u1 - rho * u2) / root)
