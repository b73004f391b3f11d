"""How a person's surface reflects: skin, bare or under a layer of cloth."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from jaxtyping import Complex, Float, Shaped
from scipy.constants import epsilon_0, speed_of_light

from visrftwin_ros.materials.table import material_values

ComplexValues = Complex[np.ndarray, " n"]

LOG = logging.getLogger(__name__)


SKIN = "skin"
_LEAST_COSINE = 1e-5
"""An impedance is even in the cosine: here it is that of grazing incidence to ten digits."""


@dataclass(frozen=True)
class Cloth:
    """relative_permittivity: real part. loss_tangent. thickness: metres, lying on the skin."""

    relative_permittivity: float
    loss_tangent: float
    thickness: float


CLOTHING: Mapping[str, Cloth] = {
    "cotton": Cloth(1.7, 0.03, 0.5e-3),
    "denim": Cloth(1.9, 0.05, 0.9e-3),
    "synthetic": Cloth(1.5, 0.02, 0.4e-3),
    "wool": Cloth(1.25, 0.03, 2.5e-3),
    "leather": Cloth(2.4, 0.06, 1.3e-3),
}
"""Our estimates; no measured table stands behind them. Real clothes hang loose: a gap of a
millimetre moves the reflection by as much as another cloth does."""


def body_materials() -> tuple[str, ...]:
    """The names that `body_coefficients` knows."""
    return (SKIN, *CLOTHING)


def body_coefficients(
    material: Shaped[np.ndarray, " n"], cosine: Float[np.ndarray, " n"], wavelength: float
) -> tuple[ComplexValues, ComplexValues]:
    """Reflection coefficients TE, TM of bodies of these materials, by name.

    cosine: of the angle of incidence. Half a space of skin, with one layer before it where
    the material is a cloth (Born and Wolf, Principles of Optics, 1.6 eq. (57), with P.2040-4's
    signs). An empty or unknown name counts as skin.
    """
    te, tm = np.empty(len(material), complex), np.empty(len(material), complex)
    inner = skin_permittivity(wavelength)
    for name in np.unique(material):
        on = material == name
        cloth = CLOTHING.get(str(name))
        outer = 1.0 + 0j
        if cloth is not None:
            outer = cloth.relative_permittivity * (1 - 1j * cloth.loss_tangent)
        elif name not in (SKIN, ""):
            _warn_of_unknown(str(name))
        thickness = 0.0 if cloth is None else cloth.thickness
        te[on], tm[on] = _layered(cosine[on], outer, thickness, inner, wavelength)
    return te, tm


def body_impedance(
    material: str, cosine: Float[np.ndarray, " n"], wavelength: float
) -> ComplexValues:
    """Surface impedance over that of free space, for an electric field along the surface.

    That for which (z cos - 1) / (z cos + 1) is the reflection coefficient TE; at grazing incidence
    its limit. cosine: as in `body_coefficients`.
    """
    oblique = np.maximum(cosine, _LEAST_COSINE)
    te, _ = body_coefficients(np.full(len(cosine), material), oblique, wavelength)
    return np.asarray((1 + te) / (1 - te) / oblique)


@lru_cache(maxsize=64)
def _warn_of_unknown(name: str) -> None:
    """Once, not at every tick; names come from outside, and not all of them are kept."""
    known = ", ".join(body_materials())
    LOG.warning("body material %r is not known and taken as skin; known: %s", name, known)


@cache
def skin_permittivity(wavelength: float) -> complex:
    """Relative, exp(+jwt), of the material `skin`."""
    frequency = speed_of_light / wavelength
    skin = material_values(SKIN, frequency)
    loss = skin.conductivity / (2 * np.pi * frequency * epsilon_0)
    return complex(skin.relative_permittivity, -loss)


def _layered(
    cosine: Float[np.ndarray, " n"],
    outer: complex,
    thickness: float,
    inner: complex,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues]:
    """TE and TM of one layer of `outer` before a half-space of `inner`."""
    sine_square = 1 - cosine**2
    k_air, k_outer, k_inner = (
        np.sqrt(permittivity - sine_square + 0j) for permittivity in (1.0, outer, inner)
    )
    turn = np.exp(-4j * np.pi * thickness / wavelength * k_outer)

    def through(first: ComplexValues, second: ComplexValues) -> ComplexValues:
        return np.asarray((first + second * turn) / (1 + first * second * turn))

    te = through((k_air - k_outer) / (k_air + k_outer), (k_outer - k_inner) / (k_outer + k_inner))
    tm = through(
        (outer * k_air - k_outer) / (outer * k_air + k_outer),
        (inner * k_outer - outer * k_inner) / (inner * k_outer + outer * k_inner),
    )
    return te, tm
