"""What is left of a wave that grazes a body, tabulated for each material and wavelength.

For an electric field along the body's axis. On a lit body the cosine of incidence is -xi / (2m),
in the shadow the wave grazes: of one material the transition depends on xi and m alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Complex, Float

from visrftwin_ros.bodies.surface import body_impedance, body_materials
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_auxiliary import auxiliary, short_of_one
from visrftwin_ros.propagation.fields.pekeris_function import LOWEST_XI, pekeris

Values = Float[np.ndarray, " n"]
ComplexValues = Complex[np.ndarray, " n"]

_NEAR_STEPS, _FAR_STEPS, _CURVE_STEPS, _COSINE_STEPS = 12, 5, 40, 64
"""To 1 of xi, to 1 of xi, of curves, to 1 of the cosine."""
_FAR, DEEPEST = 1.0, 9.0
"""Between them creeping waves are tabulated alone; behind, by 150 dB down, they are left out."""
_SHARPEST = 2.0
"""The largest 1/m: k radius = 1/4. Curves lie at equal steps of its root, close to each other where
bodies are."""
_RATE = -1j * 2.3381074 * np.exp(-1j * np.pi / 3)
"""Of xi, by which the first creeping wave of a perfect conductor decays and turns: the first
zero of Ai."""


@dataclass(frozen=True)
class TransitionTable:
    """Of M materials, on grids that `transition` and `reflection_at` read.

    near: p*(xi) of the impedance, over curves and xi from LOWEST_XI to 1. far: the same less its
    pole and the first wave's decay, from there on. reflection: of a plane, over the cosine of
    incidence.
    """

    near: Complex[np.ndarray, "m curves near"]
    far: Complex[np.ndarray, "m curves far"]
    reflection: Complex[np.ndarray, "m cosines"]


def tabulated(impedances: tuple[Callable[[Values], ComplexValues], ...]) -> TransitionTable:
    """The table of surfaces whose impedance, over that of free space, is this at each cosine."""
    over_m = _SHARPEST * (np.arange(-1, _CURVE_STEPS + 3) / _CURVE_STEPS) ** 2
    near = LOWEST_XI + np.arange(-1, round((_FAR - LOWEST_XI) * _NEAR_STEPS) + 3) / _NEAR_STEPS
    far = _FAR + np.arange(-1, round((DEEPEST - _FAR) * _FAR_STEPS) + 3) / _FAR_STEPS
    cosine = np.arange(-1, _COSINE_STEPS + 3) / _COSINE_STEPS

    def law(
        xi: Values, impedance: Callable[[Values], ComplexValues]
    ) -> Complex[np.ndarray, "curves n"]:
        lit = over_m[:, None] * np.maximum(-xi, 0.0) / 2
        z = impedance(lit.ravel()).reshape(lit.shape)
        return pekeris(xi, z * over_m[:, None], np.full(lit.shape, -1j))

    def plane(impedance: Callable[[Values], ComplexValues]) -> ComplexValues:
        z = impedance(np.abs(cosine))
        return np.asarray((z * cosine - 1) / (z * cosine + 1))

    pole = 1 / (2 * math.sqrt(math.pi) * far)
    return TransitionTable(
        np.stack([law(near, z) for z in impedances]),
        np.stack([(law(far, z) - pole) * np.exp(-_RATE * far) for z in impedances]),
        np.stack([plane(z) for z in impedances]),
    )


@cache
def body_transitions(wavelength: float) -> TransitionTable:
    """Of all `body_materials`, in their order; once for each wavelength."""

    def impedance_of(material: str) -> Callable[[Values], ComplexValues]:
        return lambda cosine: body_impedance(material, cosine, wavelength)

    return tabulated(tuple(impedance_of(material) for material in body_materials()))


@compiled
def _between(row: ComplexValues, place: float) -> complex:
    """Cubic through the four entries about `place`, counted from the second entry on."""
    i = min(max(int(place), 0), len(row) - 4)
    t = place - i
    left, right, beyond = t + 1.0, t - 1.0, t - 2.0
    return complex(
        row[i] * (-t * right * beyond / 6.0)
        + row[i + 1] * (left * right * beyond / 2.0)
        + row[i + 2] * (-left * t * beyond / 2.0)
        + row[i + 3] * (left * t * right / 6.0)
    )


@compiled
def _between_curves(
    table: Complex[np.ndarray, "curves xis"], over_m: float, place: float
) -> complex:
    along = math.sqrt(min(over_m / _SHARPEST, 1.0)) * _CURVE_STEPS
    i = int(along)
    t = along - i
    left, right, beyond = t + 1.0, t - 1.0, t - 2.0
    return complex(
        _between(table[i], place) * (-t * right * beyond / 6.0)
        + _between(table[i + 1], place) * (left * right * beyond / 2.0)
        + _between(table[i + 2], place) * (-left * t * beyond / 2.0)
        + _between(table[i + 3], place) * (left * t * right / 6.0)
    )


@compiled
def transition(
    near: Complex[np.ndarray, "curves near"],
    far: Complex[np.ndarray, "curves far"],
    xi: float,
    m: float,
    root: float,
) -> complex:
    """exp(-j pi/4) / (2 sqrt(pi) xi) [1 - F(X)] + P(xi), X = root^2 xi^2, xi >= LOWEST_XI.

    Negative `xi` is lit. Of Pathak, Burnside and Marhefka (1980); root^2 = k L / (2 m^2).
    """
    # 1 - F(X) by Fresnel's auxiliary functions, whose argument this is.
    x = root * abs(xi) * math.sqrt(2.0 / math.pi)
    half = root / math.sqrt(2.0)
    if xi > _FAR:
        found = half * short_of_one(x)
        if xi < DEEPEST:
            wave = _between_curves(far, 1.0 / m, (xi - _FAR) * _FAR_STEPS)
            down = math.exp(_RATE.real * xi)
            turn = _RATE.imag * xi
            found += wave * complex(down * math.cos(turn), down * math.sin(turn))
    else:
        edge = half * auxiliary(x)
        found = _between_curves(near, 1.0 / m, (xi - LOWEST_XI) * _NEAR_STEPS)
        found += edge if xi < 0.0 else -edge
    return complex(found * complex(math.sqrt(0.5), -math.sqrt(0.5)))


@compiled
def reflection_at(reflection: Complex[np.ndarray, " cosines"], cosine: float) -> complex:
    """The plane's coefficient at this cosine of incidence, 0 to 1."""
    return complex(_between(reflection, cosine * _COSINE_STEPS))
