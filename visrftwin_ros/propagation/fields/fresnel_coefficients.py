"""How a slab reflects and transmits: Fresnel's coefficients at its two faces, summed over all ways.

Where its thickness is known to a share s only, d (1 - s) to d (1 + s), all alike likely, the slab
reflects and transmits what such slabs do on average: the faces interfere less, and where the spread
passes half a wavelength in the slab not at all. Power is averaged, since a phase that is not known
does not add up; the phase is that of the mean field for a reflection (for s -> 0 that of the slab,
for a wide spread that of its front face) and that of the middle thickness for a transmission.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.constants import epsilon_0

from visrftwin_ros.compiled import compiled
from visrftwin_ros.scene.surfaces import SurfaceMesh

ComplexValues = Complex[np.ndarray, "*#n"]
Values = Float[np.ndarray, "*#n"]

_EXACT = 1e-5
"""Radians of phase between the faces' waves below which a spread of thickness counts as none."""
_OPAQUE = 100.0
"""Nepers of spread beyond which nothing passes, and the hyperbolic sine would overflow."""
_SMALLEST = 1e-300
"""Keeps what is exactly zero from being divided by."""
_NOTHING = 1e-17
"""Share of power that comes back from the far face below which the near one is all there is."""
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
    return _of_slabs(cosine, permittivity, thickness, spread, wavelength, False)


def slab_transmission(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    spread: Values,
    wavelength: float,
) -> tuple[ComplexValues, ComplexValues]:
    """The last two of `slab_coefficients`."""
    return _of_slabs(cosine, permittivity, thickness, spread, wavelength, True)


def _of_slabs(
    cosine: Values,
    permittivity: ComplexValues,
    thickness: Values,
    spread: Values,
    wavelength: float,
    through: bool,
) -> tuple[ComplexValues, ComplexValues]:
    shape = np.broadcast(cosine, permittivity, thickness, spread).shape
    of_cosine, of_thickness, of_spread = (
        np.broadcast_to(np.asarray(column, float), shape).flatten()
        for column in (cosine, thickness, spread)
    )
    of_permittivity = np.broadcast_to(np.asarray(permittivity, complex), shape).flatten()
    found = _each(of_cosine, of_permittivity, of_thickness, of_spread, wavelength, through)
    te, tm = found.reshape(2, *shape)
    return te, tm


@compiled
def _each(
    cosine: Float[np.ndarray, " n"],
    permittivity: Complex[np.ndarray, " n"],
    thickness: Float[np.ndarray, " n"],
    spread: Float[np.ndarray, " n"],
    wavelength: float,
    through: bool,
) -> Complex[np.ndarray, "2 n"]:
    found = np.empty((2, len(cosine)), np.complex128)
    for row in range(len(cosine)):
        slab = permittivity[row], thickness[row], spread[row]
        found[0, row], found[1, row] = slab_at(cosine[row], slab, wavelength, through)
    return found


@compiled
def slab_at(
    cosine: float, slab: tuple[complex, float, float], wavelength: float, through: bool
) -> tuple[complex, complex]:
    """TE and TM of one slab, of permittivity, thickness and spread, in a compiled loop: what goes
    `through` it, else what it reflects."""
    permittivity, thickness, spread = slab
    cosine = max(cosine, _GRAZING)
    root = np.sqrt(permittivity - (1.0 - cosine * cosine))
    te = (cosine - root) / (cosine + root)
    scaled = permittivity * cosine
    tm = (scaled - root) / (scaled + root)
    along = 4.0 * math.pi * thickness / wavelength * root
    # What one way through the middle thickness does.
    left, turn = math.exp(0.5 * along.imag), 0.5 * along.real
    if not through and left * left < _NOTHING:
        return te, tm
    once = complex(left * math.cos(turn), -left * math.sin(turn))
    # Radians of phase to either side of that there and back, over the spread.
    wide = along.real * spread
    phase = (wide, math.cos(wide), math.sin(wide))
    if not through:
        return _mean_reflection(te, once, phase), _mean_reflection(tm, once, phase)
    lost = min(max(-along.imag * spread, _EXACT), _OPAQUE)
    mean_decay = left * left * math.sinh(lost) / lost
    return (
        _mean_transmission(te, once, mean_decay, phase),
        _mean_transmission(tm, once, mean_decay, phase),
    )


@compiled
def _squared(value: complex) -> float:
    return float(value.real * value.real + value.imag * value.imag)


@compiled
def _mean_reflection(face: complex, once: complex, phase: tuple[float, float, float]) -> complex:
    """The amplitude of the mean power, with the phase of the mean field.

    A thickness d adds R = r (1 - (1 - r^2) sum_m r^(2m-2) q^m), q = `once` squared, of which the mean
    over the phase of q has sum_m A^m sin(m w)/(m w) for the sum of A^m, A = r^2 q. |R|^2, a Fourier
    series in that phase, has the same sum; |q|, which the spread hardly moves, is that of the middle.
    """
    square, size, decay = face * face, _squared(face), _squared(once) ** 2
    per_face = (1 - square) / (square + _SMALLEST) * _over_spread(square * once * once, phase)
    field = face * (1 - per_face)
    if phase[0] < _EXACT:
        return field
    damped = decay * square
    power = 1 + decay - 2 * (damped + per_face * (1 - damped)).real
    power = size * power / (1 - size * size * decay + _SMALLEST)
    mean = _squared(field)
    return field * math.sqrt(min(max(power, mean), 1.0) / (mean + _SMALLEST))


@compiled
def _mean_transmission(
    face: complex, once: complex, mean_decay: float, phase: tuple[float, float, float]
) -> complex:
    """The amplitude of the mean power, with the phase at the middle thickness.

    mean_decay: the average of |once|^2 over the spread.
    """
    square = face * face
    back = square * once * once
    middle = (1 - square) * once / (1 - back + _SMALLEST)
    if phase[0] < _EXACT:
        return middle
    power = 1 + 2 * _over_spread(back, phase).real
    power = power * _squared(1 - square) * mean_decay
    power = power / (1 - (_squared(face) * _squared(once)) ** 2 + _SMALLEST)
    return middle * math.sqrt(min(max(power, 0.0), 1.0) / (_squared(middle) + _SMALLEST))


@compiled
def _over_spread(ratio: complex, phase: tuple[float, float, float]) -> complex:
    """sum_m ratio^m sin(m wide) / (m wide) over m >= 1, |ratio| < 1: with the two logarithms of
    1 - ratio exp(-+j wide), both to the right of the imaginary axis, it is closed.

    phase: wide, its cosine and its sine.
    """
    wide, cosine, sine = phase
    if wide < _EXACT:
        return ratio / (1 - ratio + _SMALLEST)
    x, y = ratio.real, ratio.imag
    even, odd = 1.0 - x * cosine, y * sine
    ahead, behind = even - odd, even + odd
    up, down = x * sine - y * cosine, -x * sine - y * cosine
    turn = math.atan2(up * behind - down * ahead, ahead * behind + up * down)
    growth = (behind * behind + down * down) / (ahead * ahead + up * up + _SMALLEST)
    return complex(turn, 0.5 * math.log(growth + _SMALLEST)) / (2.0 * wide)
