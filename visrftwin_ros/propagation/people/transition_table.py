"""What is left of a wave that grazes a body, tabulated for each material and wavelength.

For an electric field along the body's axis. On a lit body the cosine of incidence is -xi / (2m),
in the shadow the wave grazes: of one material the transition depends on xi and m alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Complex, Float

from visrftwin_ros.bodies.surface import body_impedance, body_materials
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_auxiliary import (
    auxiliary,
    cubic,
    phasor,
    short_of_one,
)
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


_CURVES = _CURVE_STEPS + 4
_NEARS = round((_FAR - LOWEST_XI) * _NEAR_STEPS) + 4
_FARS = round((DEEPEST - _FAR) * _FAR_STEPS) + 4
_FIRST_FAR = _CURVES * _NEARS
_FIRST_COSINE = _FIRST_FAR + _CURVES * _FARS

Table = Complex[np.ndarray, " entries"]
"""Of one material, on grids that `transition` and `reflection_at` read, one after the other: p*(xi)
of the impedance, over curves and xi from LOWEST_XI to 1; the same less its pole and the first
wave's decay, from there on; and the reflection of a plane, over the cosine of incidence."""
Tables = Complex[np.ndarray, "m entries"]

NO_TABLES = np.zeros((0, _FIRST_COSINE + _COSINE_STEPS + 4), complex)
"""Of no material."""


def tabulated(impedances: tuple[Callable[[Values], ComplexValues], ...]) -> Tables:
    """The tables of surfaces whose impedance, over that of free space, is this at each cosine."""
    over_m = _SHARPEST * (np.arange(-1, _CURVE_STEPS + 3) / _CURVE_STEPS) ** 2
    near = LOWEST_XI + np.arange(-1, _NEARS - 1) / _NEAR_STEPS
    far = _FAR + np.arange(-1, _FARS - 1) / _FAR_STEPS
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
    rows = []
    for z in impedances:
        crept = (law(far, z) - pole) * np.exp(-_RATE * far)
        rows.append(np.concatenate([law(near, z).ravel(), crept.ravel(), plane(z)]))
    return np.stack(rows)


@cache
def body_transitions(wavelength: float) -> Tables:
    """Of all `body_materials`, in their order; once for each wavelength."""

    def impedance_of(material: str) -> Callable[[Values], ComplexValues]:
        return lambda cosine: body_impedance(material, cosine, wavelength)

    return tabulated(tuple(impedance_of(material) for material in body_materials()))


@compiled
def _between_curves(table: Table, first: int, width: int, over_m: float, place: float) -> complex:
    """Cubics through the sixteen entries about `place`, counted from the second entry of a curve
    on, and the curve of this 1/m; the grid begins at `first`."""
    along = math.sqrt(min(over_m / _SHARPEST, 1.0)) * _CURVE_STEPS
    i, j = int(along), min(max(int(place), 0), width - 4)
    across = cubic(place - j)
    at, real, imaginary = first + i * width + j, 0.0, 0.0
    for share in cubic(along - i):
        # In parts: a complex number times a real one is worked off as if both were complex.
        one, two, three, four = table[at], table[at + 1], table[at + 2], table[at + 3]
        real += share * (
            across[0] * one.real + across[1] * two.real
            + across[2] * three.real + across[3] * four.real
        )  # fmt: skip
        imaginary += share * (
            across[0] * one.imag + across[1] * two.imag
            + across[2] * three.imag + across[3] * four.imag
        )  # fmt: skip
        at += width
    return complex(real, imaginary)


@compiled
def transition(table: Table, xi: float, m: float, root: float) -> complex:
    """exp(-j pi/4) / (2 sqrt(pi) xi) [1 - F(X)] + P(xi), X = root^2 xi^2, xi >= LOWEST_XI.

    Negative `xi` is lit. Of Pathak, Burnside and Marhefka (1980); root^2 = k L / (2 m^2).
    """
    # 1 - F(X) by Fresnel's auxiliary functions, whose argument this is.
    x = root * abs(xi) * math.sqrt(2.0 / math.pi)
    half = root / math.sqrt(2.0)
    if xi > _FAR:
        edge = short_of_one(x)
        real, imaginary = half * edge.real, half * edge.imag
        if xi < DEEPEST:
            wave = _between_curves(table, _FIRST_FAR, _FARS, 1.0 / m, (xi - _FAR) * _FAR_STEPS)
            wave *= math.exp(_RATE.real * xi) * phasor(-_RATE.imag * xi)
            real += wave.real
            imaginary += wave.imag
    else:
        edge = auxiliary(x)
        half = math.copysign(half, -xi)
        found = _between_curves(table, 0, _NEARS, 1.0 / m, (xi - LOWEST_XI) * _NEAR_STEPS)
        real, imaginary = found.real + half * edge.real, found.imag + half * edge.imag
    # Times exp(-j pi/4).
    return complex(math.sqrt(0.5) * (real + imaginary), math.sqrt(0.5) * (imaginary - real))


@compiled
def reflection_at(table: Table, cosine: float) -> complex:
    """The plane's coefficient at this cosine of incidence, 0 to 1."""
    place = cosine * _COSINE_STEPS
    i = min(max(int(place), 0), _COSINE_STEPS)
    one, two, three, four = cubic(place - i)
    at = _FIRST_COSINE + i
    return complex(
        one * table[at] + two * table[at + 1] + three * table[at + 2] + four * table[at + 3]
    )
