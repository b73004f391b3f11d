"""Static paths: found by Sionna RT, their fields by our law."""

from __future__ import annotations

from collections.abc import Sequence

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.replay_scene import SurfaceFields
from visrftwin_ros.propagation.tracing import sionna_solver
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

_LAW = 2
"""Of the fields: goes up with every change of a formula, so that no cache mixes two laws."""


def solve(
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    frequency: float,
    settings: Propagation,
    device: Device = "auto",
) -> PathSet:
    """As `sionna_solver.solve`, with the fields of `by_our_law`: whatever is solved, for standing or
    moving ends, has the fields that replaying would give it."""
    found = sionna_solver.solve(meshes, transmitters, receivers, frequency, settings, device)
    return by_our_law(found, SurfaceFields(meshes, frequency)) if len(found) else found


def solver_version() -> str:
    """Part of a cache's fingerprint: another tracer may find other paths, another law other fields."""
    return f"{sionna_solver.solver_version()}, law {_LAW}"
