"""A place without people as one value, and the values that changes make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.material_update import TracedPaths
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Box, Ground, Site
from visrftwin_ros.site.residual_map import ResidualMap, site_residuals
from visrftwin_ros.twin.moving_links import ScriptedRobot


@dataclass(frozen=True, eq=False)
class StaticTwin:
    """The static scene, and every path in it that can be known beforehand.

    site: with its surfaces where they stand now. materials: those that were set over the site's,
    by surface. meshes: the site's surfaces, in its order, of the materials that they have now.
    scene: what replaying needs of them. discovery: finds paths among them. traced: the paths of
    the links whose ends stand, as they were solved, and `standing`: as they are now. scripted:
    the robots on scripts. residuals: what soundings found it to be off. silent: the access points
    that are off.
    """

    site: Site
    materials: Mapping[str, MaterialValues]
    meshes: tuple[SurfaceMesh, ...]
    scene: ReplayScene
    discovery: Discovery
    traced: TracedPaths
    standing: PathSet
    scripted: tuple[ScriptedRobot, ...]
    residuals: ResidualMap
    silent: frozenset[str] = frozenset()

    def material_of(self, surface: str) -> MaterialValues:
        """What that surface is made of; TwinError where the site has no such surface."""
        return self.meshes[_number(self.site, surface)].material

    @property
    def unsearched(self) -> tuple[str, ...]:
        """Surfaces that scatter now and did not when the paths were traced."""
        smooth = self.traced.scene.electrics.smoothness == 1
        rough = self.scene.electrics.smoothness < 1
        names = [mesh.name for mesh in self.meshes]
        return tuple(names[i] for i in np.flatnonzero(smooth & rough))


def configured(
    site: Site,
    cache_dir: Path | None,
    device: Device,
    materials: Mapping[str, MaterialValues],
) -> StaticTwin:
    """The twin of a site with `materials`, by surface, over the site's own: solves, or loads,
    every path that can be known beforehand, seconds to minutes.

    Raises TwinError for a surface that the site lacks, and where a mesh, a material or the solver
    is not to be had.
    """
    for surface in materials:
        _number(site, surface)
    meshes = tuple(
        replace(mesh, material=materials.get(mesh.name, mesh.material))
        for mesh in surface_meshes(site)
    )
    discovery = Discovery(site, meshes, cache_dir, device)
    scene = ReplayScene(meshes, site.radio.frequency, device)
    return _solved(site, materials, meshes, discovery, scene, site_residuals(site))


def with_materials(twin: StaticTwin, materials: Mapping[str, MaterialValues]) -> StaticTwin:
    """Some surfaces, by name, are of other materials; no ray is shot.

    The paths are those that were traced: one that did not scatter then has no scattered paths
    until they are `searched`. Raises TwinError where the site has no such surface.
    """
    for surface in materials:
        _number(twin.site, surface)
    meshes = tuple(
        replace(mesh, material=materials.get(mesh.name, mesh.material)) for mesh in twin.meshes
    )
    scene = twin.scene.with_materials(meshes)
    return replace(
        twin,
        materials={**twin.materials, **materials},
        meshes=meshes,
        scene=scene,
        discovery=twin.discovery.over(twin.site, meshes),
        standing=twin.traced.within(scene),
        scripted=tuple(robot.within(scene) for robot in twin.scripted),
    )


def searched(twin: StaticTwin) -> StaticTwin:
    """With the scattered paths over surfaces that did not scatter when the paths were traced, if
    there are any such surfaces: everything is solved again.

    Raises TwinError where the solver fails.
    """
    if not twin.unsearched:
        return twin
    scene = twin.scene.with_materials(twin.meshes)
    known = twin.discovery, scene, twin.residuals
    solved = _solved(twin.site, twin.materials, twin.meshes, *known)
    return replace(solved, silent=twin.silent)


def with_surface_moved(
    twin: StaticTwin, surface: str, center: tuple[float, float, float]
) -> StaticTwin:
    """A piece of furniture stands elsewhere: everything is solved again, seconds to minutes.

    Raises TwinError where the site has no such surface, or one whose place its file gives, and
    where the solver fails.
    """
    number = _number(twin.site, surface)
    scene = list(twin.site.scene)
    moved = scene[number]
    if not isinstance(moved, Ground | Box):
        raise TwinError(f"surface {surface!r} is a mesh file: it stands where the file says")
    scene[number] = moved.model_copy(update={"center": center})
    site = twin.site.model_copy(update={"scene": scene})
    alone = site.model_copy(update={"scene": [scene[number]]})
    placed = replace(surface_meshes(alone)[0], material=twin.meshes[number].material)
    meshes = (*twin.meshes[:number], placed, *twin.meshes[number + 1 :])
    discovery = twin.discovery.over(site, meshes)
    there = ReplayScene(meshes, site.radio.frequency, discovery.device)
    solved = _solved(site, twin.materials, meshes, discovery, there, twin.residuals)
    return replace(solved, silent=twin.silent)


def with_residuals(twin: StaticTwin, residuals: ResidualMap) -> StaticTwin:
    """Other soundings say what it is off by."""
    return replace(twin, residuals=residuals)


def with_access_point(twin: StaticTwin, name: str, on: bool) -> StaticTwin:
    """An access point is on or off: its links have no channel while it is off; nothing is solved.

    Raises TwinError where the site has no such access point.
    """
    names = [ap.name for ap in twin.site.access_points]
    if name not in names:
        raise TwinError(
            f"site {twin.site.name!r} has no access point {name!r}; it has {', '.join(names)}"
        )
    return replace(twin, silent=twin.silent - {name} if on else twin.silent | {name})


def _solved(
    site: Site,
    materials: Mapping[str, MaterialValues],
    meshes: tuple[SurfaceMesh, ...],
    discovery: Discovery,
    scene: ReplayScene,
    residuals: ResidualMap,
) -> StaticTwin:
    standing = [(robot, robot.position) for robot in site.robots if robot.position is not None]
    where = np.array([(*position, robot.antenna_height) for robot, position in standing])
    names = tuple(robot.name for robot, _ in standing)
    paths = discovery.paths_to(Devices(names, where.reshape(-1, 3)))
    return StaticTwin(
        site=site,
        materials=materials,
        meshes=meshes,
        scene=scene,
        discovery=discovery,
        traced=TracedPaths(paths, scene),
        standing=paths,
        scripted=tuple(
            ScriptedRobot.discovered(robot, robot.path, discovery, scene)
            for robot in site.robots
            if robot.path is not None
        ),
        residuals=residuals,
    )


def _number(site: Site, surface: str) -> int:
    names = [one.name for one in site.scene]
    if surface not in names:
        raise TwinError(f"no surface {surface!r}; the site has {', '.join(names)}")
    return names.index(surface)
