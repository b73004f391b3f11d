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
_OPAQUE = 100.0
"""Nepers of spread beyond which nothing passes, and the hyperbolic sine would overflow."""
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
    """once, twice: what one way through the middle thickness does, and there and back. decay:
    |once|^2, and mean_decay its average over the spread. wide: radians of phase to either side of
    `twice` over the spread; exact: next to none; cosine, sine: of it."""

    once: ComplexValues
    twice: ComplexValues
    decay: Values
    mean_decay: Values
    wide: Values
    exact: Bool[np.ndarray, "*#n"]
    cosine: Values
    sine: Values


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
    lost = np.minimum(np.maximum(-along.imag * spread, _EXACT), _OPAQUE)
    mean_decay = decay * np.sinh(lost) / lost
    wide = along.real * spread
    turn = np.cos(wide), np.sin(wide)
    ways = _Ways(once, once * once, decay, mean_decay, wide, wide < _EXACT, *turn)
    return np.asarray(te, complex), np.asarray(tm, complex), ways


def _mean_reflection(face: ComplexValues, ways: _Ways) -> ComplexValues:
    """The amplitude of the mean power, with the phase of the mean field.

    A thickness d adds R = r (1 - (1 - r^2) sum_m r^(2m-2) q^m), q = `twice`, of which the mean over
    the phase of q has sum_m A^m sin(m w)/(m w) for the sum of A^m, A = r^2 q. |R|^2, a Fourier series
    in that phase, has the same sum; |q|, which the spread hardly moves, is that of the middle.
    """
    square, size, decay = face * face, squared_magnitude(face), ways.decay**2
    per_face = (1 - square) / (square + _SMALLEST) * _over_spread(square * ways.twice, ways)
    field = face * (1 - per_face)
    damped = decay * square
    power = 1 + decay - 2 * (damped + per_face * (1 - damped)).real
    power = size * power / (1 - size * size * decay + _SMALLEST)
    mean = squared_magnitude(field)
    larger = np.sqrt(np.minimum(np.maximum(power, mean), 1.0) / (mean + _SMALLEST))
    return np.asarray(field * np.where(ways.exact, 1.0, larger))


def _mean_transmission(face: ComplexValues, ways: _Ways) -> ComplexValues:
    """The amplitude of the mean power, with the phase at the middle thickness."""
    square, size = face * face, squared_magnitude(face)
    back = square * ways.twice
    middle = (1 - square) * ways.once / (1 - back + _SMALLEST)
    power = 1 + 2 * _over_spread(back, ways).real
    power = power * squared_magnitude(1 - square) * ways.mean_decay
    power = power / (1 - (size * ways.decay) ** 2 + _SMALLEST)
    at_middle = squared_magnitude(middle)
    larger = np.sqrt(np.minimum(np.maximum(power, 0.0), 1.0) / (at_middle + _SMALLEST))
    return np.asarray(middle * np.where(ways.exact, 1.0, larger))


def _over_spread(ratio: ComplexValues, ways: _Ways) -> ComplexValues:
    """sum_m ratio^m sin(m wide) / (m wide) over m >= 1, |ratio| < 1: with the two logarithms of
    1 - ratio exp(-+j wide), both to the right of the imaginary axis, it is closed."""
    x, y = ratio.real, ratio.imag
    even, odd = (1 - x * ways.cosine, y * ways.cosine), (y * ways.sine, x * ways.sine)
    ahead, behind = even[0] - odd[0], even[0] + odd[0]
    up, down = odd[1] - even[1], -odd[1] - even[1]
    turn = np.arctan2(up, ahead) - np.arctan2(down, behind)
    growth = (behind * behind + down * down) / (ahead * ahead + up * up + _SMALLEST)
    width = 2 * np.maximum(ways.wide, _EXACT)
    found = (turn + 0.5j * np.log(growth + _SMALLEST)) / width
    if ways.exact.any():
        found = np.where(ways.exact, ratio / (1 - ratio + _SMALLEST), found)
    return np.asarray(found)
