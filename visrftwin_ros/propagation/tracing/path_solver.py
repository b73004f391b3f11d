"""Static paths: found by Sionna RT and over every mirror, their fields by our law."""

from __future__ import annotations

from collections.abc import Sequence

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.diffuse_merging import merged_diffuse
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing import sionna_solver
from visrftwin_ros.propagation.tracing.edge_paths import with_every_edge
from visrftwin_ros.propagation.tracing.faint_paths import without_faint
from visrftwin_ros.propagation.tracing.mirror_paths import Planes, with_every_mirror
from visrftwin_ros.propagation.tracing.sionna_solver import in_turns, traced_paths
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

_LAW = 4
"""Of the fields: goes up with every change of a formula, so that no cache mixes two laws."""


def solve(
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    frequency: float,
    settings: Propagation,
    device: Device = "auto",
) -> PathSet:
    """Every path from every transmitter to every receiver through the scene without people.

    Links come transmitter first: (tx0, rx0), (tx0, rx1), ... . Sionna RT's, with all there are
    over at most two mirrors (`with_every_mirror`) or one edge and a mirror (`with_every_edge`) in
    place of those it found, each with the field that replaying would give it (`by_our_law`),
    diffuse samples merged (`merged_diffuse`) and the faintest left out (`without_faint`): all of it
    for some of the links at a time, so that memory goes with what is kept. Raises TwinError where the tracer fails.
    """
    if not (transmitters.names and receivers.names):
        return traced_paths(meshes, transmitters, receivers, frequency, settings, device)
    fields, planes = ReplayScene(meshes, frequency, device), Planes.of(meshes)

    def between(some: Devices, others: Devices) -> PathSet:
        scene = (meshes, some, others, frequency, settings)
        paths = traced_paths(*scene, device)
        if settings.max_depth:
            paths = with_every_mirror(paths, planes, *scene)
        if settings.diffraction and settings.max_depth:
            paths = with_every_edge(paths, planes, fields, some, others)
        return without_faint(merged_diffuse(by_our_law(paths, fields), settings.diffuse_cell))

    return in_turns(transmitters, receivers, settings, between)


def solver_version() -> str:
    """Part of a cache's fingerprint: another tracer may find other paths, another law other fields."""
    return f"{sionna_solver.solver_version()}, law {_LAW}"
