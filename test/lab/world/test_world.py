"""What the lab hides from the predictor, and that a seed says all of it."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.sight import hidden_share
from visrftwin_ros.lab.world.world import load_world, world_names
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
    one, other = (load_world("lobby", seed).walls["floor"] for seed in (5, 6))
    assert one.stack != other.stack


def test_walls_are_centimetres_off_and_what_hangs_on_them_goes_along():
    for name, wall, hung in (
        ("lobby", "west_wall", "lift_doors"),
        ("street", "house_west", "house_door"),
    ):
        world = load_world(name, 2)
        known, true = ({s.name: s for s in site.scene} for site in (world.site, world.true_site))
        assert 0 < abs(true[wall].yaw - known[wall].yaw) <= np.deg2rad(1.0)
        assert true[hung].yaw - known[hung].yaw == pytest.approx(true[wall].yaw - known[wall].yaw)
        off = np.subtract(true[hung].center, known[hung].center)
        assert 0.005 < np.linalg.norm(off) < 0.05 + 0.2


def test_access_points_are_centimetres_and_degrees_off_and_hang_in_no_wall():
    apart, turned = [], []
    for name in world_names():
        for seed in range(3):
            world = load_world(name, seed)
            describe(world.true_site)  # raises where a device stands inside a box
            for true, known in zip(
                world.true_site.access_points, world.site.access_points, strict=True
            ):
                apart.append(np.linalg.norm(np.subtract(true.position, known.position)))
                turned += [true.yaw - known.yaw, true.pitch - known.pitch]
    assert np.sqrt(np.mean(np.square(apart))) == pytest.approx(0.05, rel=0.3)
    assert np.std(turned) == pytest.approx(np.deg2rad(2.0), rel=0.35)


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
    floor = next(s for s in world.true_site.scene if s.name == "floor")
    assert floor.center == known["floor"].center


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


@pytest.mark.parametrize("name", ["lobby", "lecture_room", "street"])
def test_up_to_four_access_points_hang_free_and_see_the_floor(name: str) -> None:
    own = len(load_site(name).access_points)
    for seed in (3000, 3003):
        world = load_world(name, seed, 4)
        assert len(world.site.access_points) == len(world.true_site.access_points) == 4
        assert world.site.access_points[:own] == load_site(name).access_points
        floor = np.random.default_rng(seed).uniform(world.ground[:2], world.ground[2:], (200, 2))
        assert hidden_share(world, floor, 1.2).max() < 0.75
    assert len(load_world(name, 3000, 2).site.access_points) == 2
    with pytest.raises(TwinError, match="1 to 4"):
        load_world(name, 3000, 5)
