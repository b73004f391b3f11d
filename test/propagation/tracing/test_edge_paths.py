"""Every path over a single edge, and over an edge and a mirror, is there, rays or none."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import FREQUENCY

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, SPECULAR, PathSet
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.mirror_paths import Planes
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
    tried = edge_paths(Planes.of(meshes), ReplayScene(meshes, FREQUENCY), aps, robots, 1)
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


def test_beside_an_edge_every_mirror_that_rays_find_is_tried() -> None:
    site, aps, robots = lobby_ends()
    meshes = surface_meshes(site)
    settings = site.propagation.model_copy(update={"max_depth": 2, "diffuse": False})
    traced = with_one_mirror(traced_paths(meshes, aps, robots, FREQUENCY, settings))
    scene = ReplayScene(meshes, FREQUENCY)
    tried = edge_paths(Planes.of(meshes), scene, aps, robots, 2)
    assert len(tried) > len(traced) > 50
    for link, points in zip(traced.link, traced.vertices, strict=True):
        apart = np.abs(tried.vertices[tried.link == link] - points).max(axis=(1, 2))
        assert apart.min() < 0.02
    # Fermat: of all ways over the same edge and mirror, each is the shortest.
    bent = with_one_mirror(tried)
    at = np.arange(len(bent)), 1 + (bent.interactions == DIFFRACTION).argmax(axis=1)
    mirror = np.arange(len(bent)), 3 - at[1]
    other_end = bent.vertices[mirror[0], np.where(at[1] == 1, 3, 0)]
    normal = bent.normals[mirror[0], mirror[1] - 1]
    off = ((other_end - bent.vertices[mirror]) * normal).sum(axis=1, keepdims=True)
    image = other_end - 2 * off * normal
    own_end = bent.vertices[at[0], np.where(at[1] == 1, 0, 3)]
    along = bent.normals[at[0], at[1] - 1]

    def length(shift: float) -> np.ndarray:
        point = bent.vertices[at] + shift * along
        return np.linalg.norm(point - image, axis=1) + np.linalg.norm(point - own_end, axis=1)

    np.testing.assert_allclose(length(0.0), bent.delay * 299_792_458, rtol=1e-9)
    assert (length(0.0) < length(0.01)).all() and (length(0.0) < length(-0.01)).all()


def with_one_mirror(paths: PathSet) -> PathSet:
    kinds = np.sort(paths.interactions[:, :2], axis=1)
    return paths.select(np.flatnonzero((kinds == [SPECULAR, DIFFRACTION]).all(axis=1)))
