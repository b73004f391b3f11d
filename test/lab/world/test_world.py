"""What the lab hides from the predictor, and that a seed says all of it."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.world import load_world, world_names
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Box, Ground


@pytest.mark.parametrize("name", ["lobby", "lecture_room", "street"])
def test_the_sites_and_what_they_really_are_pass_the_site_check(name):
    world = load_world(name, 3)
    for site in (world.site, world.true_site):
        assert "sounder_robot: is where TF says" in describe(site)
    assert world.site == load_site(name)
    assert 2 <= len(world.site.access_points) <= 3
    assert all(ap.position[2] == 2.5 for ap in world.site.access_points)
    assert world.site.radio.frequency == 60.5e9
    assert world.site.radio.bandwidth == 2e9
    assert set(world_names()) >= {name}


def test_the_rooms_are_as_large_as_those_of_the_paper():
    assert _floor("lobby") == (20, 15)
    assert _floor("lecture_room") == (20, 10)


def test_one_seed_is_one_world_and_another_seed_another():
    assert load_world("lobby", 5) == load_world("lobby", 5)
    one, other = (load_world("lobby", seed).true_site.materials for seed in (5, 6))
    floors = [m["marble.floor"].relative_permittivity for m in (one, other)]
    assert floors[0] != floors[1]


def test_hidden_values_scatter_about_the_table_and_metal_stays_metal():
    nominal = material_values("plasterboard", 60.5e9).relative_permittivity
    drawn = [
        load_world("lobby", seed).true_site.materials["plasterboard.south_wall"]
        for seed in range(40)
    ]
    logs = np.log([entry.relative_permittivity / nominal for entry in drawn])
    assert abs(logs.mean()) < 0.06  # three standard errors of 0.1 over 40 draws are 0.047
    assert 0.06 < logs.std() < 0.15
    metal = load_world("lobby", 1).true_site.materials["metal.small"]
    assert metal.relative_permittivity == 1.0
    assert metal.conductivity == pytest.approx(1e7)


def test_the_predictor_lacks_the_clutter_and_the_furniture_is_centimetres_off():
    world = load_world("lecture_room", 2)
    known = {surface.name: surface for surface in world.site.scene}
    extra = [s.name for s in world.true_site.scene if s.name not in known]
    assert "chair_s00_seat_leg0" in extra
    offsets = [
        np.linalg.norm(np.subtract(s.center, known[s.name].center))
        for s in world.true_site.scene
        if isinstance(s, Box) and s.name in known and s.name.startswith(("chair", "table"))
    ]
    assert 0.005 < np.median(offsets) < 0.06
    walls = [s for s in world.true_site.scene if s.name in ("south_wall", "floor")]
    assert all(s.center == known[s.name].center for s in walls)


def test_parts_of_one_piece_of_furniture_move_together():
    world = load_world("lobby", 4)
    seat, arm = (_box(world.true_site, f"sofa_a_{part}") for part in ("seat", "arm_left"))
    known = [_box(world.site, f"sofa_a_{part}") for part in ("seat", "arm_left")]
    apart = np.linalg.norm(np.subtract(seat.center, arm.center))
    assert apart == pytest.approx(np.linalg.norm(np.subtract(known[0].center, known[1].center)))
    assert seat.yaw != known[0].yaw


def test_every_surface_has_a_look():
    for name in world_names():
        world = load_world(name, 0)
        assert set(world.surfaces) == {surface.name for surface in world.true_site.scene}


def test_a_world_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(TwinError, match="lecture_room, lobby, street"):
        load_world("cellar", 0)
    with pytest.raises(TwinError, match="seed"):
        load_world("lobby", -1)


def _floor(name: str) -> tuple[float, float]:
    ground = next(s for s in load_site(name).scene if isinstance(s, Ground) and s.name == "floor")
    return ground.size


def _box(site, name: str) -> Box:
    return next(s for s in site.scene if isinstance(s, Box) and s.name == name)
