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
from visrftwin_ros.scene.changes import SceneChange, changed_site, numbers_in
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import ResidualMap, site_residuals
from visrftwin_ros.twin.known_paths import paths_within
from visrftwin_ros.twin.moving_links import ScriptedRobot


@dataclass(frozen=True, eq=False)
class StaticTwin:
    """The static scene, and every path in it that can be known beforehand.

    surveyed: the site as its file has it. change: in what the place differs from it. site: with its
    surfaces where they stand now. materials: those that were set over the site's, by surface, of what is
    there and what may come back. meshes: the surfaces of `site`, in its order, of the materials that they
    have now.
    scene: what replaying needs of them. discovery: finds paths among them. traced: the paths of
    the links whose ends stand, as they were solved, and `standing`: as they are now. scripted:
    the robots on scripts. residuals: what soundings found it to be off. silent: the access points
    that are off.
    """

    surveyed: Site
    change: SceneChange
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
        traced = self.traced.scene
        smooth = traced.electrics.smoothness == 1
        then = {mesh.name for mesh, one in zip(traced.meshes, smooth, strict=True) if one}
        rough = self.scene.electrics.smoothness < 1
        return tuple(
            mesh.name
            for mesh, one in zip(self.meshes, rough, strict=True)
            if one and mesh.name in then
        )


@dataclass(frozen=True, eq=False)
class _Unsolved:
    """What a StaticTwin is before its paths are traced."""

    surveyed: Site
    change: SceneChange
    site: Site
    materials: Mapping[str, MaterialValues]
    meshes: tuple[SurfaceMesh, ...]
    scene: ReplayScene
    discovery: Discovery


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
    state = _Unsolved(site, SceneChange(), site, materials, meshes, scene, discovery)
    return _solved(state, site_residuals(site))


def with_materials(twin: StaticTwin, materials: Mapping[str, MaterialValues]) -> StaticTwin:
    """Some surfaces, by name, are of other materials; no ray is shot.

    The paths are those that were traced: one that did not scatter then has no scattered paths
    until they are `searched`. Of a surface that is gone they count once it is back. Raises TwinError where
    the site has no such surface.
    """
    gone = {surface.name for surface in twin.surveyed.scene}
    for surface in set(materials) - gone:
        _number(twin.site, surface)
    meshes = tuple(
        replace(mesh, material=materials.get(mesh.name, mesh.material)) for mesh in twin.meshes
    )
    changed = replace(twin, materials={**twin.materials, **materials}, meshes=meshes)
    return _within(changed, twin.scene.with_materials(meshes))


def searched(twin: StaticTwin) -> StaticTwin:
    """With the scattered paths over surfaces that did not scatter when the paths were traced, if
    there are any such surfaces: everything is solved again.

    Raises TwinError where the solver fails.
    """
    if not twin.unsearched:
        return twin
    state = replace(twin, scene=twin.scene.with_materials(twin.meshes))
    return replace(_solved(state, twin.residuals), silent=twin.silent)


def with_scene_change(twin: StaticTwin, change: SceneChange) -> StaticTwin:
    """The place differs by `change`, all of it, from its site; whatever it differed by before.

    Only paths that meet what changed, are blocked by it, or pass where it stood, are searched again
    (`searched_locally`): no ray is shot. Raises TwinError as `changed_site` does.
    """
    site, plain = changed_site(twin.surveyed, change)
    meshes = tuple(
        replace(mesh, material=twin.materials.get(mesh.name, mesh.material)) for mesh in plain
    )
    changed = replace(twin, change=change, site=site, meshes=meshes)
    for known in (twin.scene, twin.traced.scene):
        if _same_places(known.meshes, meshes):
            scene = known.with_materials(meshes)
            return changed if known is twin.scene else _within(changed, scene)
    there = ReplayScene(meshes, site.radio.frequency, twin.discovery.device)
    return _within(changed, there)


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


def _solved(state: StaticTwin | _Unsolved, residuals: ResidualMap) -> StaticTwin:
    """Every path of it traced."""
    site, discovery, scene = state.site, state.discovery, state.scene
    paths = discovery.paths_to(_standing(site))
    return StaticTwin(
        surveyed=state.surveyed,
        change=state.change,
        site=site,
        materials=state.materials,
        meshes=state.meshes,
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


def _within(twin: StaticTwin, scene: ReplayScene) -> StaticTwin:
    """Its traced paths in that scene, of its site and meshes."""
    discovery = twin.discovery.over(twin.site, twin.meshes)
    return replace(
        twin,
        scene=scene,
        discovery=discovery,
        standing=paths_within(twin.traced, scene, discovery, _standing(twin.site)),
        scripted=tuple(robot.within(scene, discovery) for robot in twin.scripted),
    )


def _standing(site: Site) -> Devices:
    """The antennas of the robots that stand."""
    standing = [(robot, robot.position) for robot in site.robots if robot.position is not None]
    where = np.array([(*position, robot.antenna_height) for robot, position in standing])
    return Devices(tuple(robot.name for robot, _ in standing), where.reshape(-1, 3))


def _same_places(some: tuple[SurfaceMesh, ...], others: tuple[SurfaceMesh, ...]) -> bool:
    """Whether they are the same surfaces in the same order and places, of whatever materials."""
    return numbers_in(some, others)[0] == list(range(len(others)))


def _number(site: Site, surface: str) -> int:
    names = [one.name for one in site.scene]
    if surface not in names:
        raise TwinError(f"no surface {surface!r}; the site has {', '.join(names)}")
    return names.index(surface)
