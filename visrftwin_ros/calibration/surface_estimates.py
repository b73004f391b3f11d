"""What a calibration says of each surface, as who takes it over needs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.calibration.calibration import Calibration
from visrftwin_ros.calibration.material_parameters import QUANTITIES
from visrftwin_ros.materials.table import MaterialValues

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


def surface_estimates(found: Calibration) -> tuple[SurfaceEstimate, ...]:
    """Of every surface of the site, in its order; where nothing was adopted, as it was before."""
    parameters, adopted = found.known.sounded.parameters, found.adopted
    own = found.known.material_numbers(found.estimate.numbers)
    numbers = own if adopted else parameters.mean
    count = len(parameters)
    scale = np.diag(parameters.sd)
    covariance = np.diag(parameters.sd**2)
    if adopted:
        covariance = scale @ found.estimate.covariance[:count, :count] @ scale
    slopes = np.diag(parameters.values(numbers + _STEP) - parameters.values(numbers)) / _STEP
    covariance = slopes @ covariance @ slopes
    result = []
    meshes = found.known.sounded.meshes
    for number, (mesh, material) in enumerate(zip(meshes, found.materials, strict=True)):
        mine = np.flatnonzero(parameters.material == parameters.of_surface[number])
        of_surface = np.zeros((len(QUANTITIES),) * 2)
        rows = parameters.quantity[mine]
        of_surface[np.ix_(rows, rows)] = covariance[np.ix_(mine, mine)]
        told = found.told[number] if adopted and len(mine) else 0
        result.append(SurfaceEstimate(mesh.name, material, of_surface, told))
    return tuple(result)
