"""What a calibration says of each surface, as who takes it over needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.calibration.calibration import Calibration
from visrftwin_ros.calibration.material_parameters import QUANTITIES, MaterialParameters
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.scene.surfaces import SurfaceMesh

_STEP = 1e-4
"""Of a number, by which slopes are taken."""


@dataclass(frozen=True, eq=False)
class SurfaceEstimate:
    """One surface. covariance: (4, 4) of QUANTITIES in their own units; 0 of what is not free.
    soundings: that met it; 0: as assumed before."""

    surface: str
    material: MaterialValues
    covariance: Float[np.ndarray, "4 4"]
    soundings: int


def estimates_of(
    parameters: MaterialParameters,
    numbers: Float[np.ndarray, " k"],
    covariance: Float[np.ndarray, "k k"],
    meshes: Sequence[SurfaceMesh],
    told: Sequence[int],
) -> tuple[SurfaceEstimate, ...]:
    """Of every surface. numbers: of `parameters`; covariance: of them, in squares of the prior's standard
    deviations; meshes: as they were before; told: soundings that met each."""
    slopes = np.diag(parameters.values(numbers + _STEP) - parameters.values(numbers)) / _STEP
    scaled = slopes @ np.diag(parameters.sd)
    plain = scaled @ covariance @ scaled
    after = parameters.meshes_at(numbers, meshes)
    result = []
    for number, (old, new) in enumerate(zip(meshes, after, strict=True)):
        mine = np.flatnonzero(parameters.material == parameters.of_surface[number])
        of_surface = np.zeros((len(QUANTITIES),) * 2)
        rows = parameters.quantity[mine]
        of_surface[np.ix_(rows, rows)] = plain[np.ix_(mine, mine)]
        known = told[number] if len(mine) else 0
        material = new.material if known else old.material
        result.append(SurfaceEstimate(old.name, material, of_surface, known))
    return tuple(result)


def surface_estimates(found: Calibration) -> tuple[SurfaceEstimate, ...]:
    """Of every surface of the site, in its order; where nothing was adopted, as it was before."""
    sounded, count = found.known.sounded, found.known.n_materials
    numbers, covariance, told = sounded.parameters.mean, np.eye(count), [0] * len(sounded.meshes)
    if found.adopted:
        numbers = found.known.material_numbers(found.estimate.numbers)
        covariance, told = found.estimate.covariance[:count, :count], list(found.told)
    return estimates_of(sounded.parameters, numbers, covariance, sounded.meshes, told)
