"""How a slab reflects and transmits: Fresnel's coefficients at its two faces, summed over all ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.constants import epsilon_0

from visrftwin_ros.scene.surfaces import SurfaceMesh

ComplexValues = Complex[np.ndarray, "*#n"]
Values = Float[np.ndarray, "*#n"]


@dataclass(frozen=True)
class SurfaceElectrics:
    """Per surface of the scene: complex relative permittivity eps_r - j sigma/(w eps0),
    slab thickness [m] and the share sqrt(1 - S^2) of amplitude that reflects specularly."""

    permittivity: Complex[np.ndarray, " surfaces"]
    thickness: Float[np.ndarray, " surfaces"]
    smoothness: Float[np.ndarray, " surfaces"]


def surface_electrics(meshes: Sequence[SurfaceMesh], frequency: float) -> SurfaceElectrics:
    """The materials of the scene's surfaces at `frequency` [Hz]."""
    values = [mesh.material for mesh in meshes]
    loss = np.array([v.conductivity for v in values]) / (2 * np.pi * frequency * epsilon_0)
    return SurfaceElectrics(
        permittivity=np.array([v.relative_permittivity for v in values]) - 1j * loss,
        thickness=np.array([v.thickness for v in values]),
        smoothness=np.sqrt(1 - np.array([v.scattering_coefficient for v in values]) ** 2),
    )


def slab_coefficients(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    wavelength: float,
) -> tuple[
    ComplexValues,
    ComplexValues,
    ComplexValues,
    ComplexValues,
]:
    """Reflection TE, TM and transmission TE, TM of a slab in air, ITU-R P.2040-4 eqs. (37), (43).

    cosine: of the angle of incidence. All arguments broadcast.
    """
    slab = cosine, permittivity, thickness, wavelength
    return *slab_reflection(*slab), *slab_transmission(*slab)


def slab_reflection(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues]:
    """The first two of `slab_coefficients`."""
    te, tm, once = _one_face(cosine, permittivity, thickness, wavelength)
    twice = once**2
    return te * (1 - twice) / (1 - te**2 * twice), tm * (1 - twice) / (1 - tm**2 * twice)


def slab_transmission(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues]:
    """The last two of `slab_coefficients`."""
    te, tm, once = _one_face(cosine, permittivity, thickness, wavelength)
    twice = once**2
    return (1 - te**2) * once / (1 - te**2 * twice), (1 - tm**2) * once / (1 - tm**2 * twice)


def _one_face(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues, ComplexValues]:
    """Reflection TE and TM at the slab's face, and what one way through the slab does."""
    root = np.sqrt(permittivity - (1 - cosine**2))
    te = (cosine - root) / (cosine + root)
    scaled = permittivity * cosine
    tm = (scaled - root) / (scaled + root)
    through = np.exp(-2j * np.pi * thickness / wavelength * root)
    return np.asarray(te, complex), np.asarray(tm, complex), through
