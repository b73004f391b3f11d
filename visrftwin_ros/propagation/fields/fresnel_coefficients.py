"""How a slab reflects and transmits: Fresnel's coefficients at its two faces, summed over all ways.

Where its thickness is known to a share s only, d (1 - s) to d (1 + s), all alike likely, the slab
reflects and transmits what such slabs do on average: the faces interfere less, and where the spread
passes half a wavelength in the slab not at all. Power is averaged, since a phase that is not known
does not add up; the phase is that of the mean field for a reflection (for s -> 0 that of the slab,
for a wide spread that of its front face) and that of the middle thickness for a transmission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.constants import epsilon_0

from visrftwin_ros.propagation.paths.path_set import squared_magnitude
from visrftwin_ros.scene.surfaces import SurfaceMesh

ComplexValues = Complex[np.ndarray, "*#n"]
Values = Float[np.ndarray, "*#n"]

_EXACT = 1e-5
"""Radians of phase between the faces' waves below which a spread of thickness counts as none."""
_SMALLEST = 1e-300
"""Keeps what is exactly zero from being divided by."""
_GRAZING = 1e-6
"""Least cosine of incidence: at zero a lossless slab is zero over zero."""


@dataclass(frozen=True)
class SurfaceElectrics:
    """Per surface of the scene: complex relative permittivity eps_r - j sigma/(w eps0), slab
    thickness [m], the share of it to either side within which it may lie (0 = exact) and the
    share sqrt(1 - S^2) of amplitude that reflects specularly."""

    permittivity: Complex[np.ndarray, " surfaces"]
    thickness: Float[np.ndarray, " surfaces"]
    spread: Float[np.ndarray, " surfaces"]
    smoothness: Float[np.ndarray, " surfaces"]

    def slabs(
        self, surface: Int[np.ndarray, " n"]
    ) -> tuple[Complex[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Permittivity, thickness and spread of each."""
        return self.permittivity[surface], self.thickness[surface], self.spread[surface]

    @property
    def exactly_thick(self) -> SurfaceElectrics:
        """Slabs of just that thickness."""
        return replace(self, spread=np.zeros_like(self.spread))


def surface_electrics(meshes: Sequence[SurfaceMesh], frequency: float) -> SurfaceElectrics:
    """The materials of the scene's surfaces at `frequency` [Hz]."""
    values = [mesh.material for mesh in meshes]
    loss = np.array([v.conductivity for v in values]) / (2 * np.pi * frequency * epsilon_0)
    return SurfaceElectrics(
        permittivity=np.array([v.relative_permittivity for v in values]) - 1j * loss,
        thickness=np.array([v.thickness for v in values]),
        spread=np.array([v.thickness_spread for v in values]),
        smoothness=np.sqrt(1 - np.array([v.scattering_coefficient for v in values]) ** 2),
    )


def slab_coefficients(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    spread: Values,
    wavelength: float,
) -> tuple[
    ComplexValues,
    ComplexValues,
    ComplexValues,
    ComplexValues,
]:
    """Reflection TE, TM and transmission TE, TM of a slab in air, ITU-R P.2040-4 eqs. (37), (43),
    averaged over thicknesses within the share `spread` of `thickness`.

    cosine: of the angle of incidence. All arguments broadcast.
    """
    slab = cosine, permittivity, thickness, spread, wavelength
    return *slab_reflection(*slab), *slab_transmission(*slab)


def slab_reflection(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    spread: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues]:
    """The first two of `slab_coefficients`."""
    te, tm, ways = _one_face(cosine, permittivity, thickness, spread, wavelength)
    return _mean_reflection(te, ways), _mean_reflection(tm, ways)


def slab_transmission(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    spread: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues]:
    """The last two of `slab_coefficients`."""
    te, tm, ways = _one_face(cosine, permittivity, thickness, spread, wavelength)
    return _mean_transmission(te, ways), _mean_transmission(tm, ways)


@dataclass(frozen=True)
class _Ways:
    """once: what one way through the middle thickness does. decay: |once|^2. wide: radians of phase
    to either side of once^2 over the spread; exact: it counts as none. mean_decay: |once|^2 averaged
    over the spread."""

    once: ComplexValues
    decay: Values
    wide: Values
    exact: Bool[np.ndarray, "*#n"]
    mean_decay: Values


def _one_face(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    spread: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues, _Ways]:
    """Reflection TE and TM at the slab's face, and the ways through the slab."""
    cosine = np.maximum(cosine, _GRAZING)
    root = np.sqrt(permittivity - (1 - cosine**2))
    te = (cosine - root) / (cosine + root)
    scaled = permittivity * cosine
    tm = (scaled - root) / (scaled + root)
    along = 4 * np.pi * thickness / wavelength * root
    once = np.exp(-0.5j * along)
    decay = squared_magnitude(once)
    wide = along.real * spread
    exact = wide < _EXACT
    lost, off = -along.imag, np.maximum(-along.imag * spread, 1e-6)
    mean_decay = (np.exp(off - lost) - np.exp(-off - lost)) / (2 * off)
    return (
        np.asarray(te, complex),
        np.asarray(tm, complex),
        _Ways(once, decay, np.maximum(wide, _EXACT), exact, np.where(exact, decay, mean_decay)),
    )


def _mean_reflection(face: ComplexValues, ways: _Ways) -> ComplexValues:
    """The amplitude of the mean power, with the phase of the mean field.

    A thickness d adds R = r (1 - (1 - r^2) sum_m r^(2m-2) q^m), q = once^2, of which the mean over
    the phase of q has sum_m A^m sin(m w)/(m w) for the sum of A^m, A = r^2 q. |R|^2, a Fourier series
    in that phase, has the same sum; |q|, which the spread hardly moves, is that of the middle.
    """
    square = face * face
    between = _over_spread(square * ways.once**2, ways)
    per_face = (1 - square) / (square + _SMALLEST) * between
    field = face * (1 - per_face)
    decay = ways.decay
    power = 1 + decay**2 - 2 * decay**2 * square.real
    power = power - 2 * (per_face * (1 - decay**2 * square)).real
    size = squared_magnitude(face)
    power = size * power / (1 - size**2 * decay**2 + _SMALLEST)
    length = np.abs(field)
    amplitude = np.where(ways.exact, length, np.sqrt(np.clip(power, length**2, 1.0)))
    return np.asarray(amplitude * np.where(length > 0, field / (length + _SMALLEST), 1.0))


def _mean_transmission(face: ComplexValues, ways: _Ways) -> ComplexValues:
    """The amplitude of the mean power, with the phase at the middle thickness."""
    square, twice = face * face, ways.once**2
    middle = (1 - square) * ways.once / (1 - square * twice + _SMALLEST)
    between = _over_spread(square * twice, ways)
    size = squared_magnitude(face)
    power = squared_magnitude(1 - square) * ways.mean_decay * (1 + 2 * between.real)
    power = power / (1 - size**2 * ways.decay**2 + _SMALLEST)
    length = np.abs(middle)
    amplitude = np.where(ways.exact, length, np.sqrt(np.clip(power, 0.0, 1.0)))
    return np.asarray(amplitude * np.where(length > 0, middle / (length + _SMALLEST), 0.0))


def _over_spread(ratio: ComplexValues, ways: _Ways) -> ComplexValues:
    """sum_m ratio^m sin(m w) / (m w) over m >= 1, in closed form; |ratio| < 1."""
    turn = np.exp(1j * ways.wide)
    found = np.log((1 - ratio / turn) / (1 - ratio * turn)) / (2j * ways.wide)
    return np.asarray(np.where(ways.exact, ratio / (1 - ratio + _SMALLEST), found))
