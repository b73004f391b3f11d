"""Every path over a single edge is there, rays or none."""

from __future__ import annotations

import numpy as np
from made_up import FREQUENCY

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site


def test_every_edge_that_rays_find_is_among_those_tried() -> None:
    site = load_site("lobby")
    meshes = surface_meshes(site)
    aps = Devices(
        tuple(ap.name for ap in site.access_points),
        np.array([ap.position for ap in site.access_points], float),
    )
    rng = np.random.default_rng(3)
    places = np.column_stack([rng.uniform((2, 2), (10, 7), (6, 2)), rng.uniform(0.5, 1.5, 6)])
    robots = Devices(tuple(f"r{i}" for i in range(6)), places)
    settings = site.propagation.model_copy(update={"max_depth": 1, "diffuse": False})
    traced = solve(meshes, aps, robots, FREQUENCY, settings)
    traced = traced.select(np.flatnonzero(traced.interactions[:, 0] == DIFFRACTION))
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
