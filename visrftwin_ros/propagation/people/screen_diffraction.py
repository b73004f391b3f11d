"""The field behind an opaque rectangular screen, by three models.

A screen stands perpendicular to a ray, `d1` metres after the wave's source and `d2` before its
receiver. Its edges are `left` < `right` and `bottom` < `top`, metres from the ray; infinite edges
are allowed. Every function takes arrays that broadcast and gives E/E0, the field over the field
without the screen: complex where the model has a phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Complex, Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals

ComplexValues = Complex[np.ndarray, "*n"]
Values = Float[np.ndarray, "*#n"]

BlockageModel = Literal["thick", "fresnel", "metis", "knife_edge"]

_CLEAR = -0.78
"""P.526-15 eq. (31): an edge this far below the ray, in Fresnel parameters, costs nothing."""


@dataclass(frozen=True)
class Screens:
    """N screens: distances d1, d2 > 0 and edges left, right, bottom, top, in metres."""

    d1: Values
    d2: Values
    left: Values
    right: Values
    bottom: Values
    top: Values


def fresnel_field(screens: Screens, wavelength: float) -> ComplexValues:
    """E/E0 = 1 - (j/2) Int_{u1}^{u2} e^{-j pi u^2/2} du Int_{v1}^{v2} e^{-j pi v^2/2} dv.

    Kirchhoff diffraction by Babinet's principle (Born and Wolf, Principles of Optics, 8.3.2 and
    8.7): fringes and nulls come out.
    """
    scale = fresnel_scale(screens.d1, screens.d2, wavelength)
    left, right, bottom, top = (
        phasor_integrals(edge * scale)
        for edge in (screens.left, screens.right, screens.bottom, screens.top)
    )
    return np.asarray(1.0 - 0.5j * (right - left) * (top - bottom))


def metis_field(screens: Screens, wavelength: float) -> ComplexValues:
    """(N,) 1 - (Fh1 + Fh2)(Fw1 + Fw2), 3GPP TR 38.901 blockage model B; real valued."""
    across = _metis_pair(screens.left, screens.right, screens, wavelength)
    upright = _metis_pair(screens.bottom, screens.top, screens, wavelength)
    return (1.0 - across * upright).astype(complex)


def knife_edge_field(screens: Screens, wavelength: float) -> ComplexValues:
    """Power sum of the knife edges round the screen, P.526-15 section 4.2; real valued.

    That is the loss averaged over the interference of the edges; it never exceeds free space.
    """
    scale = fresnel_scale(screens.d1, screens.d2, wavelength)
    power = np.zeros(np.shape(scale))
    # Each edge's parameter is positive where the ray has to bend round that edge.
    for edge in (screens.right, -screens.left, screens.top, -screens.bottom):
        power = power + 10 ** (-knife_edge_loss_db(edge * scale) / 10)
    return np.sqrt(np.minimum(power, 1.0)).astype(complex)


def knife_edge_loss_db(v: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """J(v) of a single edge, dB, ITU-R P.526-15 eq. (31); zero for v <= -0.78."""
    loss = 6.9 + 20 * np.log10(np.sqrt((v - 0.1) ** 2 + 1) + v - 0.1)
    return np.where(v > _CLEAR, np.maximum(loss, 0.0), 0.0)


FIELD_OF_MODEL: Mapping[BlockageModel, Callable[[Screens, float], ComplexValues]] = {
    "fresnel": fresnel_field,
    "metis": metis_field,
    "knife_edge": knife_edge_field,
}


def vertical_screen(
    d1: float, d2: float, width: float, height: float, offset: float, antenna_height: float | None
) -> Screens:
    """One screen on its own, as the `blockage` command takes it; raises TwinError.

    offset: metres from the ray sideways to the screen's middle. height may be infinite.
    antenna_height: of the ray over the screen's lower edge, default half the height (centred).
    Nothing reflects below the screen, other than under a person in the twin.
    """
    sizes = {"d1": d1, "d2": d2, "width": width}
    wrong = [name for name, value in sizes.items() if not (value > 0 and math.isfinite(value))]
    if wrong:
        raise TwinError(f"{', '.join(wrong)}: expected metres, positive and finite")
    if not height > 0:
        raise TwinError(f"height is {height:g}: expected metres, positive, or inf")
    if not math.isfinite(offset):
        raise TwinError(f"offset is {offset:g}: expected metres")
    if antenna_height is None or math.isinf(height):
        bottom, top = -height / 2, height / 2
    elif math.isfinite(antenna_height):
        bottom, top = -antenna_height, height - antenna_height
    else:
        raise TwinError(f"antenna height is {antenna_height:g}: expected metres")
    edges = (d1, d2, offset - width / 2, offset + width / 2, bottom, top)
    return Screens(*(np.array([edge]) for edge in edges))


def fresnel_scale(d1: Values, d2: Values, wavelength: float) -> Values:
    """sqrt(2 (d1 + d2) / (lambda d1 d2)), 1/m: metres off the ray to Fresnel parameters."""
    return np.sqrt(2 * (d1 + d2) / (wavelength * d1 * d2))


def first_zone_radius(d1: Values, d2: Values, wavelength: float) -> Values:
    """sqrt(lambda d1 d2 / (d1 + d2)), metres: radius of the first Fresnel zone."""
    return np.sqrt(wavelength * d1 * d2 / (d1 + d2))


def loss_db(field: ComplexValues) -> Float[np.ndarray, "*n"]:
    """-20 log10 |E/E0|, positive = loss; infinite where no field is left."""
    with np.errstate(divide="ignore"):
        return -20 * np.log10(np.abs(field))


def _metis_pair(
    first: Values,
    second: Values,
    screens: Screens,
    wavelength: float,
) -> Values:
    """F1 + F2 of two opposite edges; the nearer one is negative where the ray passes beside."""
    beside = (first > 0) | (second < 0)
    first_is_nearer = np.abs(first) <= np.abs(second)
    sign_first = np.where(beside & first_is_nearer, -1.0, 1.0)
    sign_second = np.where(beside & ~first_is_nearer, -1.0, 1.0)
    return sign_first * _metis_edge(first, screens, wavelength) + sign_second * _metis_edge(
        second, screens, wavelength
    )


def _metis_edge(offset: Values, screens: Screens, wavelength: float) -> Values:
    detour = _excess(offset, screens.d1) + _excess(offset, screens.d2)
    return np.arctan(np.pi / 2 * np.sqrt(np.pi / wavelength * detour)) / np.pi


def _excess(offset: Values, distance: Values) -> Values:
    """sqrt(distance^2 + offset^2) - distance without cancellation, also for infinite offsets."""
    with np.errstate(invalid="ignore"):
        small = offset**2 / (np.hypot(distance, offset) + distance)
    return np.where(np.isinf(offset), np.inf, small)
