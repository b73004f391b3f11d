"""A few surfaces came, went or moved: the paths are those of a full solve of the changed place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from furnished_room import drawn_move, furnished_room, rebuilt
from made_up import FREQUENCY, WAVELENGTH

from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_transmission
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    REFRACTION,
    PathSet,
    differing_links,
    empty,
)
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.local_search import searched_locally
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import BOX_FACES, SurfaceMesh, box_corners, surface_meshes
from visrftwin_ros.site.model import Box, Propagation, Site

SEEDS = (0, 1, 2)
"""A table, a cabinet and a door."""
ROOM = furnished_room()
APS = Devices(
    tuple(ap.name for ap in ROOM.access_points),
    np.array([ap.position for ap in ROOM.access_points], float),
)
ROBOTS = Devices(
    tuple(robot.name for robot in ROOM.robots),
    np.array([(*robot.position, robot.antenna_height) for robot in ROOM.robots if robot.position]),
)
PLYWOOD = replace(material_values("plywood", FREQUENCY), thickness_spread=0.0)


def solved(site: Site) -> tuple[PathSet, ReplayScene]:
    meshes = surface_meshes(site)
    paths = solve(meshes, APS, ROBOTS, FREQUENCY, site.propagation)
    return paths, ReplayScene(meshes, FREQUENCY)


def gains_db(paths: PathSet) -> np.ndarray:
    return np.asarray(10 * np.log10(np.bincount(paths.link, paths.power, len(paths.links))))


def test_gains_agree_with_a_full_solve_of_the_changed_room() -> None:
    known, old = solved(ROOM)
    apart, moved = [], []
    for seed in SEEDS:
        site = rebuilt(ROOM, drawn_move(ROOM, seed))
        full, new = solved(site)
        local = searched_locally(known, old, new, APS, ROBOTS, site.propagation)
        untouched = ~differing_links(known, local)
        apart.append(gains_db(local) - gains_db(full))
        moved.append(gains_db(known) - gains_db(full))
        np.testing.assert_array_equal(gains_db(local)[untouched], gains_db(known)[untouched])
        # And back again.
        back = searched_locally(local, new, old, APS, ROBOTS, site.propagation)
        assert np.abs(gains_db(back) - gains_db(known)).max() < 0.25
    assert np.abs(moved).max() > 3, "the moves should matter"
    assert np.percentile(np.abs(apart), 99) < 0.1


def box_scene(*boxes: Box) -> ReplayScene:
    meshes = [SurfaceMesh(box.name, box_corners(box), BOX_FACES, PLYWOOD) for box in boxes]
    return ReplayScene(meshes, FREQUENCY)


FAR = Box(name="far", kind="box", center=(0, 500, 0), size=(1, 1, 1), material="plywood")
SCREEN = Box(name="screen", kind="box", center=(3, 0, 0), size=(0.2, 2, 2), material="plywood")
ENDS = Devices(("tx",), np.zeros((1, 3))), Devices(("rx",), np.array([[10.0, 0.0, 0.0]]))
SETTINGS = Propagation(max_depth=2, diffraction=False)


def line(paths: PathSet) -> PathSet:
    """The path without a mirror."""
    straight = np.isin(paths.interactions, (0, REFRACTION)).all(axis=1)
    return paths.select(straight)


def test_a_screen_in_the_line_of_sight_is_passed_and_let_alone_when_it_is_gone() -> None:
    """Free space and two faces of a slab, head on."""
    empty_place, screened = box_scene(FAR), box_scene(FAR, SCREEN)
    nothing = empty((("tx", "rx"),), 2)
    begun = searched_locally(nothing, box_scene(SCREEN), empty_place, *ENDS, SETTINGS)
    free = line(begun)
    assert len(free) == 1 and free.n_vertices[0] == 2
    spreading = WAVELENGTH / (4 * np.pi * 10)
    air = np.exp(-empty_place.decay * 10)
    assert abs(free.transfer[0, 0, 0]) == pytest.approx(spreading * air, rel=1e-9)
    there = line(searched_locally(begun, empty_place, screened, *ENDS, SETTINGS))
    assert len(there) == 1
    np.testing.assert_allclose(there.vertices[0, 1:3, 0], [2.9, 3.1], atol=1e-12)
    slabs = screened.electrics.slabs(np.array([1]))
    te, _ = slab_transmission(np.ones(1), *slabs, WAVELENGTH)
    expected = spreading * air * abs(te[0]) ** 2
    assert abs(there.transfer[0, 0, 0]) == pytest.approx(expected, rel=1e-9)
    again = line(searched_locally(there, screened, empty_place, *ENDS, SETTINGS))
    np.testing.assert_allclose(again.transfer, free.transfer, rtol=1e-12)
    assert again.n_vertices.tolist() == [2] and (again.objects == -1).all()
    # With one interaction it cannot be passed, in and out.
    shallow = Propagation(max_depth=1, diffraction=False)
    short = replace(
        free, **{n: getattr(free, n)[:, :1] for n in ("interactions", "objects", "normals")}
    )
    short = replace(short, vertices=free.vertices[:, [0, -2, -1]])
    assert len(line(searched_locally(short, empty_place, screened, *ENDS, shallow))) == 0


def test_a_path_that_may_be_seen_from_elsewhere_stays_where_it_will_be_replayed() -> None:
    empty_place, screened = box_scene(FAR), box_scene(FAR, SCREEN)
    nothing = empty((("tx", "rx"),), 2)
    free = searched_locally(nothing, box_scene(SCREEN), empty_place, *ENDS, SETTINGS)
    kept = line(searched_locally(free, empty_place, screened, *ENDS, SETTINGS, replayed=True))
    assert sorted(kept.n_vertices.tolist()) == [2, 4]
