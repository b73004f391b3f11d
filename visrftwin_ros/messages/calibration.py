"""What calibration knows, as MaterialEstimates and PathLossResiduals, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.geometry import vector, vectors_from_messages
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap

_ORDER = ("relative_permittivity", "conductivity", "scattering_coefficient", "thickness")
"""Of MaterialEstimate.msg."""
_PARTS = ("alone_db", "shared_db", "reach")


def material_estimate(
    make: Make,
    surface: str,
    material: MaterialValues,
    covariance: Mapping[tuple[str, str], float],
    soundings: int,
) -> Any:
    """covariance: of pairs of quantities by name, 0 where there is none."""
    matrix = np.array([[covariance.get((a, b), 0.0) for b in _ORDER] for a in _ORDER])
    return make(
        "visrftwin_ros/MaterialEstimate",
        surface=surface,
        **{name: float(getattr(material, name)) for name in _ORDER},
        covariance=matrix.reshape(-1),
        soundings=soundings,
    )


def material_estimates(
    make: Make, stamp: int, frame_id: str, frequency: float, materials: Sequence[Any]
) -> Any:
    """Of MaterialEstimate messages."""
    return make(
        "visrftwin_ros/MaterialEstimates",
        header=header(make, stamp, frame_id),
        frequency=float(frequency),
        materials=list(materials),
    )


def values_from_estimates(message: Any) -> dict[str, dict[str, float]]:
    """By surface that a sounding told of, the fields of a `MaterialEntry`."""
    return {
        one.surface: {name: float(getattr(one, name)) for name in _ORDER}
        for one in message.materials
        if one.soundings > 0
    }


def residuals_message(make: Make, stamp: int, frame_id: str, residuals: ResidualMap) -> Any:
    """A PathLossResiduals."""
    return make(
        "visrftwin_ros/PathLossResiduals",
        header=header(make, stamp, frame_id),
        access_points=list(residuals.tx),
        positions=[vector(make, "Point", place) for place in residuals.position],
        residuals_db=residuals.residual_db.astype(np.float32),
        trust=residuals.trust.astype(np.float32),
        **{name: float(getattr(residuals, name)) for name in _PARTS},
    )


def residuals_from_message(message: Any) -> ResidualMap:
    """Of one within the limits that `messages.limits` checks."""
    if not message.access_points:
        return NO_RESIDUALS

    def column(name: str) -> Float[np.ndarray, " n"]:
        return np.array(getattr(message, name), np.float64)

    return ResidualMap(
        tuple(message.access_points),
        vectors_from_messages(message.positions),
        column("residuals_db"),
        column("trust"),
        *(float(getattr(message, name)) for name in _PARTS),
    )
