"""The one slab that comes nearest to a layered wall: what a predictor that knows slabs can be told."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.constants import epsilon_0

from visrftwin_ros.lab.world.material_prior import Stack, Wall
from visrftwin_ros.lab.world.transfer_matrix import stack_coefficients
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_coefficients
from visrftwin_ros.site.model import MaterialEntry

_COSINES = np.cos(np.deg2rad([0.0, 30.0, 50.0, 65.0]))
_DRAWS = 64
_SPREAD = 0.1
_LOWEST, _HIGHEST = np.log([1e-2, 1e-4]), np.log([12.0, 1e7])
"""Of permittivity less one, and of conductivity [S/m], between which the slab is sought."""
_GRID, _ROUNDS = 21, 4
_FLOOR = 1e-4
"""Power under which a loss counts no more."""


def nearest_slab(wall: Wall, crossings: int, frequency: float) -> MaterialEntry:
    """Permittivity and conductivity of the slab of the wall's solid thickness that reflects and
    transmits most like it between the studs, in decibels over angles and both polarisations, averaged
    over thicknesses of 10 % to either side as the predictor averages.

    crossings: how many of these slabs a way through the wall meets (a box has two faces).
    """
    wavelength = wavelength_of(frequency)
    thickness = _solid(wall.stack) / crossings
    target = _levels(*_mean_powers(wall.stack, wavelength))
    middle, half = (_HIGHEST + _LOWEST) / 2, (_HIGHEST - _LOWEST) / 2
    for _ in range(_ROUNDS):
        axes = (np.linspace(m - h, m + h, _GRID) for m, h in zip(middle, half, strict=True))
        logs = np.clip(np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2), _LOWEST, _HIGHEST)
        loss = np.exp(logs[:, 1]) / (2 * np.pi * frequency * epsilon_0)
        values = slab_coefficients(
            _COSINES[:, None],
            1 + np.exp(logs[:, 0]) - 1j * loss,
            np.full(len(logs), thickness),
            np.full(len(logs), _SPREAD),
            wavelength,
        )
        power = [np.abs(value) ** 2 for value in values]
        through = np.concatenate(power[2:]) ** crossings
        miss = (_levels(np.concatenate(power[:2]), through) - target[:, None]) ** 2
        middle, half = logs[miss.sum(axis=0).argmin()], half / 5
    permittivity, conductivity = 1 + float(np.exp(middle[0])), float(np.exp(middle[1]))
    cosine = np.cos(np.deg2rad(45.0))
    smooth = float(np.exp(-2 * (2 * np.pi / wavelength * wall.roughness * cosine) ** 2))
    return MaterialEntry(
        relative_permittivity=permittivity,
        conductivity=conductivity,
        thickness=thickness,
        thickness_spread=_SPREAD,
        scattering_coefficient=float(np.sqrt(1 - smooth**2)),
    )


def _solid(stack: Stack) -> float:
    """Metres of what is no air."""
    deep = zip(stack.permittivity, stack.thickness, strict=True)
    return max(sum(d for value, d in deep if abs(value - 1) > 0.01), 1e-4)


def _mean_powers(
    stack: Stack, wavelength: float
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " t"]]:
    """Reflected and transmitted power, TE at all angles then TM, of stacks whose solid layers are up to
    10 % thinner or thicker."""
    rng = np.random.default_rng(0)
    count, layers = len(_COSINES) * _DRAWS, len(stack.thickness)
    factor = rng.uniform(1 - _SPREAD, 1 + _SPREAD, (_DRAWS, layers))
    permittivity: Complex[np.ndarray, "n k"] = np.tile(stack.permittivity, (count, 1))
    thickness = np.tile(factor * stack.thickness, (len(_COSINES), 1))
    found = stack_coefficients(
        np.repeat(_COSINES, _DRAWS), permittivity.astype(complex), thickness, wavelength
    )
    reflected, transmitted = (
        np.concatenate([(np.abs(v) ** 2).reshape(-1, _DRAWS).mean(axis=1) for v in both])
        for both in (
            (found.reflected_te, found.reflected_tm),
            (found.transmitted_te, found.transmitted_tm),
        )
    )
    return reflected, transmitted


def _levels(
    reflected: Float[np.ndarray, "*r"], transmitted: Float[np.ndarray, "*r"]
) -> Float[np.ndarray, "*k"]:
    return np.asarray(10 * np.log10(np.concatenate([reflected, transmitted]) + _FLOOR))
