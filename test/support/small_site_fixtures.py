"""Fixtures of a site that solves in a second: its surfaces, devices, paths."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import FREQUENCY, small_site

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site


@pytest.fixture(scope="session")
def site() -> Site:
    prepare(threads=2)
    return small_site()


@pytest.fixture(scope="session")
def meshes(site: Site) -> tuple[SurfaceMesh, ...]:
    return surface_meshes(site)


@pytest.fixture(scope="session")
def aps(site: Site) -> Devices:
    return Devices(
        tuple(ap.name for ap in site.access_points),
        np.array([ap.position for ap in site.access_points], float),
    )


@pytest.fixture(scope="session")
def traced(site: Site, meshes: tuple[SurfaceMesh, ...], aps: Devices) -> PathSet:
    """Every path of the small site's standing links, as Sionna RT has it."""
    robots = Devices(
        tuple(r.name for r in site.robots),
        np.array([(*r.position, r.antenna_height) for r in site.robots if r.position]),
    )
    return traced_paths(meshes, aps, robots, FREQUENCY, site.propagation)


@pytest.fixture(scope="session")
def solved(traced: PathSet, replay_scene: ReplayScene) -> PathSet:
    """The same by our law."""
    return by_our_law(traced, replay_scene)


@pytest.fixture(scope="session")
def replay_scene(site: Site, meshes: tuple[SurfaceMesh, ...]) -> ReplayScene:
    return ReplayScene(meshes, FREQUENCY)
