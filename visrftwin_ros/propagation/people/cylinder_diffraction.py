"""The field round a thick body: a smooth convex elliptic cylinder between two points of a plane.

The uniform theory of diffraction of a convex surface, exp(+jwt): Pathak, Burnside and Marhefka, "A
uniform GTD analysis of the diffraction of electromagnetic waves by a smooth convex surface", IEEE
Trans. Antennas Propag. 28 (1980), below PBM. On either side of the body a wave goes from the
source to the receiver: along the taut string where the body is in its way, else straight and by a
mirror point. What the wave finds on skin is the impedance of a plane of it, at its incidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Complex, Float
from scipy.special import wofz

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals
from visrftwin_ros.propagation.fields.pekeris_function import LOWEST_XI, pekeris
from visrftwin_ros.propagation.people.screen_diffraction import Screens

Values = Float[np.ndarray, " n"]
ComplexValues = Complex[np.ndarray, " n"]
Points = Float[np.ndarray, "n 2"]

Polarization = Literal["vertical", "horizontal"]
"""Of the electric field: along the upright axis, or across it."""

Impedance = Callable[[Values], ComplexValues]
"""Of a surface over that of free space, at each cosine of incidence."""

WIDEST = 3.0
"""Metres: what is wider is no body that walks."""
_GRAZING = 1e-12
"""Lowest cosine of incidence: at 0 a hard plane has no coefficient."""
_BISECTIONS = 50
_EIGHTH = np.exp(0.25j * np.pi)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class Cylinders:
    """N upright elliptic cylinders, each with its path, seen from above.

    source, receiver: metres from the axis. half_axes: metres, along `heading` (radians) and
    across it.
    """

    source: Points
    receiver: Points
    half_axes: Points
    heading: Values


def cylinder_field(
    cylinders: Cylinders,
    wavelength: float,
    polarization: Polarization,
    permittivity: complex | Impedance | None = None,
) -> ComplexValues:
    """E/E0 at the receivers of line sources beside endless bodies.

    permittivity: relative, of the body, with a negative imaginary part; or what a body of layers
    has instead, its impedance at this polarization; None conducts perfectly.
    Raises TwinError where an end is inside its body or on it, and where a body is empty, wider
    than WIDEST or so sharp that its curvature is shorter than wavelength / 2 pi.
    """
    _check(cylinders, wavelength)
    cos, sin = np.cos(cylinders.heading), np.sin(cylinders.heading)
    source, receiver = (
        np.stack([x * cos + y * sin, y * cos - x * sin], axis=1)
        for x, y in (cylinders.source.T, cylinders.receiver.T)
    )
    surface = _Surface(2 * np.pi / wavelength, polarization, permittivity)
    half_axes = cylinders.half_axes
    turn = np.mod(_horizon(receiver, half_axes)[0] - _horizon(source, half_axes)[0], 2 * np.pi)
    return _anticlockwise(source, receiver, half_axes, turn, surface) + _anticlockwise(
        source * [1, -1], receiver * [1, -1], half_axes, 2 * np.pi - turn, surface
    )


def body_on_ground(
    outline: Screens,
    depth: Values,
    wavelength: float,
    polarization: Polarization,
    permittivity: complex | Impedance | None = None,
) -> ComplexValues:
    """E/E0 behind bodies that stand with the lower edge of `outline` on ground that mirrors them.

    depth: metres along the path. Raises TwinError as `cylinder_field` does.
    """
    aside = -(outline.left + outline.right) / 2
    cylinders = Cylinders(
        np.stack([-outline.d1, aside], axis=1),
        np.stack([outline.d2, aside], axis=1),
        np.stack([depth, outline.right - outline.left], axis=1) / 2,
        np.zeros_like(depth),
    )
    across = cylinder_field(cylinders, wavelength, polarization, permittivity)
    height = outline.top - outline.bottom
    mirrored = replace(outline, bottom=outline.bottom - height)
    return behind_height(across, mirrored, wavelength)


def behind_height(across: ComplexValues, outline: Screens, wavelength: float) -> ComplexValues:
    """E/E0 of a body of finite height, of the field `across` that an endless one leaves.

    1 - (1 - across) times the share of the wave between the edges, sqrt(j/2) Int exp(-j pi v^2/2)
    dv, as the flat screen has it, but with v = +-sqrt(4 detour / lambda), whose phase is exact
    for edges far from the path too.
    """
    low, high = (
        phasor_integrals(
            np.sign(edge) * np.sqrt(4 / wavelength * _detour(edge, outline.d1, outline.d2))
        )
        for edge in (outline.bottom, outline.top)
    )
    return np.asarray(1 - (1 - across) * np.sqrt(0.5j) * (high - low))


def _detour(edge: Values, d1: Values, d2: Values) -> Values:
    """Metres that a way over `edge` is longer, without cancellation, also for infinite edges."""
    with np.errstate(invalid="ignore"):
        longer = edge**2 * sum(1 / (np.hypot(d, edge) + d) for d in (d1, d2))
    return np.where(np.isinf(edge), np.inf, longer)


@dataclass(frozen=True)
class _Surface:
    """What the wave, of wavenumber k, meets."""

    k: float
    polarization: Polarization
    permittivity: complex | Impedance | None

    def impedance(self, cosine: Values) -> ComplexValues:
        """Over that of free space, of a plane of it at this incidence: exact for Fresnel's laws."""
        if self.permittivity is None:
            return np.zeros_like(cosine, dtype=complex)
        if callable(self.permittivity):
            return self.permittivity(cosine)
        root = np.sqrt(self.permittivity - 1 + cosine**2)
        return 1 / root if self.polarization == "vertical" else root / self.permittivity

    def reflection(self, cosine: Values) -> ComplexValues:
        z = self.impedance(cosine)
        if self.polarization == "vertical":
            return np.asarray((z * cosine - 1) / (z * cosine + 1))
        return np.asarray((cosine - z) / (cosine + z))

    def transition(
        self, xi: Values, m: Values, cosine: Values, s1: Values, s2: Values, lit: bool
    ) -> ComplexValues:
        """PBM's braces {exp(-j pi/4) / (2 sqrt(pi) xi) [1 - F(X)] + P(xi)}, X = k L xi^2 / (2 m^2).

        Without the pole at xi = 0, which its two parts share.
        """
        z = self.impedance(cosine)
        one = np.ones_like(z)
        # On the surface u' = -j m q u, q the impedance for H along the axis, its inverse for E.
        law = (z / m, -1j * one) if self.polarization == "vertical" else (one, -1j * m * z)
        root = np.sqrt(self.k * s1 * s2 / (s1 + s2) / 2) / m
        edge = root / 2 * _EIGHTH * wofz(_EIGHTH**3 * root * np.abs(xi))
        return np.asarray((pekeris(xi, *law) + (edge if lit else -edge)) / _EIGHTH)


def _anticlockwise(
    source: Points, receiver: Points, half_axes: Points, turn: Values, surface: _Surface
) -> ComplexValues:
    """Of both waves the one that goes that way round, over `turn` of the body's parameter."""
    (bearing, aperture), (_, end_aperture) = (_horizon(p, half_axes) for p in (source, receiver))
    end_bearing = bearing + turn
    leaves, lands = bearing + aperture, end_bearing - end_aperture
    creeps = lands > leaves
    # Both ends see the mirror point: it is not beyond the horizon of either.
    low = np.maximum(lands, bearing - aperture)
    high = np.minimum(leaves, end_bearing + end_aperture)
    found = np.empty(len(source), complex)
    for way, first, last, on in ((_crept, leaves, lands, creeps), (_mirrored, low, high, ~creeps)):
        found[on] = way(source[on], receiver[on], half_axes[on], first[on], last[on], surface)
    found[~creeps] += 1
    return found


def _crept(
    source: Points,
    receiver: Points,
    half_axes: Points,
    leaves: Values,
    lands: Values,
    surface: _Surface,
) -> ComplexValues:
    """PBM's field in the shadow, with the string touching the body from `leaves` to `lands`."""
    k = surface.k
    s1, s2, s0 = (_length(a - b) for a, b in ((source, _on(leaves, half_axes)),
                                              (receiver, _on(lands, half_axes)),
                                              (source, receiver)))  # fmt: skip
    half = (lands - leaves) / 2
    pace = _pace(leaves[:, None] + half[:, None] * (_NODES + 1), half_axes[:, None, :])
    arc = half * (pace @ _WEIGHTS)
    # xi = Int m / radius ds with m = (k radius / 2)^(1/3), radius = pace^3 / (product of the axes).
    product = half_axes.prod(axis=1)
    xi = half * ((1 / pace) @ _WEIGHTS) * np.cbrt(k / 2 * product**2)
    m = np.sqrt(_size(leaves, half_axes, k) * _size(lands, half_axes, k))
    grazing = np.zeros_like(xi)
    strength = -m * np.sqrt(2 / k) * surface.transition(xi, m, grazing, s1, s2, lit=False)
    return np.asarray(strength * np.exp(-1j * k * (s1 + arc + s2 - s0)) * np.sqrt(s0 / (s1 * s2)))


def _mirrored(
    source: Points,
    receiver: Points,
    half_axes: Points,
    low: Values,
    high: Values,
    surface: _Surface,
) -> ComplexValues:
    """PBM's reflected field, off a mirror point between `low` and `high`."""
    k = surface.k
    point = _mirror_point(source, receiver, half_axes, low, high)
    at = _on(point, half_axes)
    s1, s2, s0 = _length(source - at), _length(receiver - at), _length(receiver - source)
    normal = _normal(point, half_axes)
    towards = (source - at) / s1[:, None] + (receiver - at) / s2[:, None]
    cosine = np.maximum((towards * normal).sum(axis=1) / 2, _GRAZING)
    m = _size(point, half_axes, k)
    radius, xi = 2 * m**3 / k, -2 * m * cosine
    spread = radius / (radius * cosine * (1 / s1 + 1 / s2) + 2)
    plane = surface.reflection(cosine) * np.sqrt(spread * cosine)
    # sqrt(-4 / xi) of PBM's coefficient times the square root of the cosine in the spreading.
    near = np.maximum(xi, LOWEST_XI)
    curved = -np.sqrt(2 * spread / m) * np.exp(-1j * near**3 / 12)
    curved = curved * surface.transition(near, m, cosine, s1, s2, lit=True)
    strength = np.where(xi < LOWEST_XI, plane, curved)
    return np.asarray(strength * np.exp(-1j * k * (s1 + s2 - s0)) * np.sqrt(s0 / (s1 * s2)))


def _mirror_point(
    source: Points, receiver: Points, half_axes: Points, low: Values, high: Values
) -> Values:
    """Parameter of the shortest way by the surface, by bisection of its slope."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        at, normal = _on(middle, half_axes), _normal(middle, half_axes)
        back, on = source - at, receiver - at
        towards = back / _length(back)[:, None] + on / _length(on)[:, None]
        shortens = towards[:, 1] * normal[:, 0] > towards[:, 0] * normal[:, 1]
        low, high = np.where(shortens, middle, low), np.where(shortens, high, middle)
    return (low + high) / 2


def _horizon(point: Points, half_axes: Points) -> tuple[Values, Values]:
    """Parameter below the point, and how far from there on either side its tangents touch."""
    scaled = point / half_axes
    return np.arctan2(scaled[:, 1], scaled[:, 0]), np.arccos(1 / _length(scaled))


def _on(parameter: Values, half_axes: Points) -> Points:
    return np.asarray(half_axes * np.stack([np.cos(parameter), np.sin(parameter)], axis=1))


def _normal(parameter: Values, half_axes: Points) -> Points:
    outwards = np.stack([half_axes[:, 1] * np.cos(parameter),
                         half_axes[:, 0] * np.sin(parameter)], axis=1)  # fmt: skip
    return np.asarray(outwards / _length(outwards)[:, None])


def _pace(
    parameter: Float[np.ndarray, "*n"], half_axes: Float[np.ndarray, "*#n 2"]
) -> Float[np.ndarray, "*n"]:
    """Metres of circumference a radian of the parameter."""
    return np.hypot(half_axes[..., 0] * np.sin(parameter), half_axes[..., 1] * np.cos(parameter))


def _size(parameter: Values, half_axes: Points, k: float) -> Values:
    """m = (k radius of curvature / 2)^(1/3)."""
    return np.asarray(np.cbrt(k / 2 / half_axes.prod(axis=1)) * _pace(parameter, half_axes))


def _length(vectors: Points) -> Values:
    return np.hypot(vectors[:, 0], vectors[:, 1])


def _check(cylinders: Cylinders, wavelength: float) -> None:
    half = cylinders.half_axes

    def refuse(bad: Bool[np.ndarray, " n"], wrong: str) -> None:
        for depth, width in 2 * half[bad][:1]:
            raise TwinError(f"body {depth:g} m deep and {width:g} m wide: {wrong}")

    good = (half > 0) & (half <= WIDEST / 2)
    refuse(np.any(~good, axis=1), f"expected sizes over 0 and up to {WIDEST:g} m")
    needed = wavelength / (2 * np.pi)
    refuse(
        np.less(half.min(axis=1) ** 2 / half.max(axis=1), needed),
        f"too sharply curved for a wavelength of {wavelength:.4g} m: expected a radius of curvature "
        f"of {needed:.3g} m or more, or a flat screen",
    )
    cos, sin = np.cos(cylinders.heading), np.sin(cylinders.heading)
    for name, (x, y) in (("source", cylinders.source.T), ("receiver", cylinders.receiver.T)):
        with np.errstate(invalid="ignore"):
            beyond = np.hypot((x * cos + y * sin) / half[:, 0], (y * cos - x * sin) / half[:, 1])
        inside = ~np.isfinite(beyond) | (beyond <= 1 + 1e-9)
        refuse(inside, f"its {name} is inside, on it or nowhere")
