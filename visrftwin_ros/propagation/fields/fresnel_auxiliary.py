"""Fresnel's integrals: of arrays, and for compiled loops by their auxiliary functions f and g, of
which there is a short table, then their series."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import fresnel, wofz

from visrftwin_ros.compiled import compiled

_STEPS = 64
"""Of the table, to 1. Cubics between them are within 3e-8 of f and g."""
_LAST = 8.0
"""From here on the series, within 1e-8."""


def _auxiliary() -> np.ndarray:
    """f + jg = (1 + j) / 2 times w(exp(3j pi/4) x sqrt(pi/2)) at the table's places."""
    x = np.arange(-1, _LAST * _STEPS + 3) / _STEPS
    return np.asarray((0.5 + 0.5j) * wofz(np.exp(0.75j * np.pi) * np.sqrt(np.pi / 2) * x))


_TABLE = _auxiliary()


@compiled
def auxiliary(x: float) -> complex:
    """f(x) + j g(x), x >= 0: Abramowitz and Stegun, 7.3.5 and 7.3.6; the series 7.3.27 and 7.3.28."""
    if x >= _LAST:
        inverse = 1.0 / (math.pi * x * x)
        square = inverse * inverse
        f = (1.0 - 3.0 * square * (1.0 - 35.0 * square)) / (math.pi * x)
        g = inverse * (1.0 - 15.0 * square * (1.0 - 63.0 * square)) / (math.pi * x)
        return complex(f, g)
    place = x * _STEPS
    i = int(place)
    t = place - i
    left, right = t + 1.0, t - 1.0
    beyond = t - 2.0
    return complex(
        _TABLE[i] * (-t * right * beyond / 6.0)
        + _TABLE[i + 1] * (left * right * beyond / 2.0)
        + _TABLE[i + 2] * (-left * t * beyond / 2.0)
        + _TABLE[i + 3] * (left * t * right / 6.0)
    )


@compiled
def short_of_one(x: float) -> complex:
    """1 / (pi x) - f(x) - j g(x), x > 0, without cancellation where x is large."""
    if x >= _LAST:
        inverse = 1.0 / (math.pi * x * x)
        square = inverse * inverse
        f = 3.0 * square * (1.0 - 35.0 * square) / (math.pi * x)
        g = inverse * (1.0 - 15.0 * square * (1.0 - 63.0 * square)) / (math.pi * x)
        return complex(f, -g)
    return 1.0 / (math.pi * x) - auxiliary(x)


@compiled
def phasor_integral(upper: float) -> complex:
    """Int_0^upper exp(-j pi u^2/2) du of any real number, infinite ones too; within 4e-8."""
    if math.isinf(upper):
        return math.copysign(1.0, upper) * (0.5 - 0.5j)
    x = abs(upper)
    turn = 0.5 * math.pi * x * x
    f_g = auxiliary(x)
    # g - jf = -j (f + jg).
    rest = complex(f_g.imag, -f_g.real) * complex(math.cos(turn), -math.sin(turn))
    return math.copysign(1.0, upper) * (0.5 - 0.5j - rest)


def phasor_integrals(upper: Float[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
    """The same of an array of any shape, to the last digits: C - j S."""
    sine, cosine = fresnel(upper)
    return np.asarray(cosine - 1j * sine)
