"""Every path over a single edge is there, rays or none."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import FREQUENCY

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, PathSet
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site


def lobby_ends() -> tuple[Site, Devices, Devices]:
    site = load_site("lobby")
    aps = Devices(
        tuple(ap.name for ap in site.access_points),
        np.array([ap.position for ap in site.access_points], float),
    )
    rng = np.random.default_rng(3)
    places = np.column_stack([rng.uniform((2, 2), (10, 7), (6, 2)), rng.uniform(0.5, 1.5, 6)])
    return site, aps, Devices(tuple(f"r{i}" for i in range(6)), places)


def over_one_edge(paths: PathSet, least: float = 0.0) -> PathSet:
    """Those with at least this share of their link's power."""
    once = (paths.n_vertices == 3) & (paths.interactions[:, 0] == DIFFRACTION)
    total = np.bincount(paths.link, paths.power, len(paths.links))
    return paths.select(np.flatnonzero(once & (paths.power >= least * total[paths.link])))


def test_every_edge_that_rays_find_is_among_those_tried() -> None:
    site, aps, robots = lobby_ends()
    meshes = surface_meshes(site)
    settings = site.propagation.model_copy(update={"max_depth": 1, "diffuse": False})
    traced = over_one_edge(traced_paths(meshes, aps, robots, FREQUENCY, settings))
    tried = edge_paths(ReplayScene(meshes, FREQUENCY), aps, robots, 1)
    assert len(tried) >= len(traced) > 0
    for link, point, delay in zip(traced.link, traced.vertices[:, 1], traced.delay, strict=True):
        own = tried.link == link
        apart = np.linalg.norm(tried.vertices[own, 1] - point, axis=1)
        assert apart.min() < 0.02
        assert abs(tried.delay[own][apart.argmin()] - delay) < 1e-11
    # Keller's cone: a ray leaves an edge at the angle at which it comes.
    legs = np.diff(tried.vertices, axis=1)
    legs /= np.linalg.norm(legs, axis=2, keepdims=True)
    cosines = (legs * tried.normals).sum(axis=2)
    np.testing.assert_allclose(cosines[:, 0], cosines[:, 1], atol=1e-6)


@pytest.mark.long
def test_the_edges_do_not_depend_on_the_number_of_rays() -> None:
    site, aps, robots = lobby_ends()
    meshes = surface_meshes(site)
    few, more = (
        over_one_edge(solve(meshes, aps, robots, FREQUENCY, settings), least=1e-4)
        for settings in (
            site.propagation.model_copy(
                update={"max_depth": 2, "diffuse": False, "samples": samples}
            )
            for samples in (20_000, 200_000)
        )
    )
    assert len(few) > 20
    np.testing.assert_array_equal(few.link, more.link)
    np.testing.assert_allclose(few.vertices, more.vertices, atol=1e-6)
    np.testing.assert_allclose(few.transfer, more.transfer, rtol=1e-6, atol=1e-12)
