"""What is solved has the fields of our law, for standing ends as for moving ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import FREQUENCY, small_site

from visrftwin_ros.propagation.fields.gas_absorption import gas_attenuation_db
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, DIFFUSE, PathSet
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing import path_solver, sionna_solver
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site


def robots_of(site: Site) -> Devices:
    places = [(*r.position, r.antenna_height) for r in site.robots if r.position]
    return Devices(tuple(r.name for r in site.robots), np.array(places))


def test_a_robot_that_stands_has_the_channel_of_one_that_comes_to_stand_there(
    site: Site, meshes: tuple[SurfaceMesh, ...], aps: Devices, replay_scene: ReplayScene
) -> None:
    robots = robots_of(site)
    standing = path_solver.solve(meshes, aps, robots, FREQUENCY, site.propagation)
    known = Replay.of(standing, replay_scene)
    there = np.tile(robots.positions, (len(aps.names), 1))
    # From where it was known away, and back.
    away = Replay.of(known.at(there + [0.05, 0.02, 0.0]), replay_scene)
    back = away.at(there)
    random = (standing.interactions == DIFFUSE).any(axis=1)
    seen = 0
    for row in np.flatnonzero(~random):
        same = (back.interactions == standing.interactions[row]).all(axis=1)
        same &= (back.link == standing.link[row]) & (back.objects == standing.objects[row]).all(
            axis=1
        )
        apart = np.abs(back.vertices - standing.vertices[row]).max(axis=(1, 2))
        twin = np.flatnonzero(same & (apart < 2e-3))
        if len(twin):
            seen += 1
            gain = 10 * np.log10(back.power[twin[0]] / standing.power[row])
            bent = (standing.interactions[row] == DIFFRACTION).any()
            # The tracer's vertices lie up to a millimetre beside the law of reflection.
            assert abs(gain) < (0.1 if bent else 0.01)
    assert seen > 0.8 * (~random).sum()


def test_a_path_over_an_edge_that_is_none_of_the_surfaces_own_keeps_the_solvers_field(
    traced: PathSet, solved: PathSet, replay_scene: ReplayScene
) -> None:
    """As where three faces meet: there is no wedge to speak of."""
    bent = np.flatnonzero((traced.interactions == DIFFRACTION).any(axis=1))
    assert (solved.transfer[bent] != traced.transfer[bent]).any()
    askew = traced.normals.copy()
    askew[traced.interactions == DIFFRACTION] = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    lost = by_our_law(replace(traced, normals=askew), replay_scene)
    np.testing.assert_array_equal(lost.transfer[bent], traced.transfer[bent])
    assert not Replay.of(replace(traced, normals=askew), replay_scene).chains.evaluated.all()


def test_a_cache_of_another_law_is_not_read(
    site: Site, meshes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered() -> int:
        discovery = Discovery(site, meshes, tmp_path, "auto")
        discovery.paths_to(robots_of(site))
        return discovery.solver_calls

    assert [answered(), answered()] == [1, 0]
    monkeypatch.setattr(path_solver, "_LAW", 1)
    assert answered() == 1


@pytest.mark.parametrize("frequency", [0.4e9, 3.4e9, 28e9, 140e9, 300e9])
def test_from_400_mhz_to_300_ghz_every_path_has_a_field(frequency: float) -> None:
    prepare(threads=2)
    site = small_site(radio={"frequency": frequency})
    meshes = surface_meshes(site)
    ap = Devices(("ap_a",), np.array([site.access_points[0].position], float))
    paths = path_solver.solve(meshes, ap, robots_of(site), frequency, site.propagation)
    assert np.isfinite(paths.transfer).all() and len(paths) > 50
    direct = np.flatnonzero(paths.line_of_sight)
    assert len(direct) == 3
    length = paths.delay[direct] * 299_792_458
    free = 20 * np.log10(299_792_458 / frequency / (4 * np.pi * length))
    air = sum(gas_attenuation_db(frequency)) * length / 1e3
    np.testing.assert_allclose(10 * np.log10(paths.power[direct]), free - air, atol=1e-4)
    # Nothing that is reflected or refracted gains.
    plain = ~np.isin(paths.interactions, (DIFFUSE, DIFFRACTION)).any(axis=1)
    longest = 299_792_458 / frequency / (4 * np.pi * paths.delay[plain] * 299_792_458)
    sent = np.abs(paths.transfer[plain]) ** 2
    assert (sent.sum(axis=1).max(axis=1) <= longest**2 * (1 + 1e-6)).all()


def test_in_several_turns_every_link_has_the_paths_that_it_has_in_one(
    meshes: tuple[SurfaceMesh, ...], aps: Devices, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = np.random.default_rng(5).uniform((0, 0, 0.5), (8, 6, 1.5), (4, 3))
    robots = Devices(tuple(f"r{i}" for i in range(4)), places)
    settings = site.propagation.model_copy(update={"diffuse": False, "samples": 20_000})
    scene = meshes, aps, robots, FREQUENCY, settings
    whole = path_solver.solve(*scene)
    monkeypatch.setattr(sionna_solver, "_MOST_RECEIVERS", 2)
    monkeypatch.setattr(sionna_solver, "_MOST_LANES", 1)
    turns = path_solver.solve(*scene)
    assert turns.links == whole.links and len(whole) > 40
    np.testing.assert_array_equal(turns.link, whole.link)
    np.testing.assert_array_equal(turns.interactions, whole.interactions)
    np.testing.assert_array_equal(turns.objects, whole.objects)
    np.testing.assert_allclose(turns.vertices, whole.vertices, atol=1e-3)
    np.testing.assert_allclose(turns.transfer, whole.transfer, rtol=1e-2, atol=1e-9)
