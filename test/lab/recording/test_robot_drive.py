"""The robot keeps to the free floor, to its speed and to its soundings."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.recording.robot_drive import TICK, plan_drive
from visrftwin_ros.lab.world.floor_plan import floor_plan
from visrftwin_ros.lab.world.sight import hidden, hidden_share
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.site.model import Box


@pytest.fixture(scope="module")
def lobby() -> World:
    return load_world("lobby", 3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_drives_at_its_speed_and_keeps_off_the_furniture(lobby: World, seed: int) -> None:
    drive = plan_drive(lobby, 40.0, seed)
    steps = np.linalg.norm(np.diff(drive.position, axis=0), axis=1) / TICK
    assert 0.2 <= drive.speed <= 0.3
    np.testing.assert_allclose(steps, drive.speed, rtol=0.05)
    assert floor_plan(lobby).clear(drive.position).min() > 0.3
    assert np.abs(drive.yaw_rate).max() < 2.0


def test_it_sounds_every_ten_to_fifteen_centimetres(lobby: World) -> None:
    drive = plan_drive(lobby, 60.0, 1)
    apart = np.diff(drive.soundings) * TICK * drive.speed
    assert drive.soundings[0] == 0
    assert apart.min() > 0.10 - drive.speed * TICK
    assert apart.max() < 0.15 + drive.speed * TICK


def test_odometry_drifts_and_the_fix_does_not(lobby: World) -> None:
    off, fixed = [], []
    for seed in range(5):
        drive = plan_drive(lobby, 60.0, seed)
        off.append(np.linalg.norm(drive.odometry_position - drive.position, axis=1))
        fixed.append(np.linalg.norm(drive.fix_position - drive.position, axis=1))
    assert all(error[0] == 0 for error in off)
    assert 0.02 < np.mean([error[-1] for error in off]) < 3.0
    assert 0.008 < np.sqrt(np.mean(np.square(fixed))) < 0.02


def test_equal_seeds_give_equal_drives_and_poses_between_rows_are_between_them(
    lobby: World,
) -> None:
    one, other = plan_drive(lobby, 5.0, 7), plan_drive(lobby, 5.0, 7)
    np.testing.assert_array_equal(one.position, other.position)
    np.testing.assert_array_equal(one.odometry_yaw, other.odometry_yaw)
    where, yaw = one.pose(1.525)
    np.testing.assert_allclose(where, (one.position[30] + one.position[31]) / 2)
    assert yaw == pytest.approx((one.yaw[30] + one.yaw[31]) / 2)
    np.testing.assert_allclose(one.path(np.array([1.525]))[0], where)


def test_a_site_without_a_free_robot_or_a_drive_without_time_is_refused(lobby: World) -> None:
    parked = lobby.site.model_copy(
        update={"robots": [r for r in lobby.site.robots if r.position is not None]}
    )
    still = World(**{**lobby.__dict__, "site": parked})
    with pytest.raises(TwinError, match="none can drive"):
        plan_drive(still, 5.0, 0)
    with pytest.raises(TwinError, match="more than 0"):
        plan_drive(lobby, 0.0, 0)


@pytest.mark.parametrize(("name", "seconds"), [("lobby", 8.0), ("street", 8.0), ("lobby", 200.0)])
def test_three_soundings_in_ten_have_no_line_of_sight_and_not_half(
    name: str, seconds: float
) -> None:
    world = load_world(name, 3)
    drive = plan_drive(world, seconds, 3)
    share = hidden_share(world, drive.position[drive.soundings], 1.2).mean()
    assert 0.3 <= share <= 0.45


def test_a_box_hides_what_is_behind_it_and_nothing_beside() -> None:
    box = Box(name="b", kind="box", material="wood", center=(2, 0, 1), size=(0.5, 2, 2), yaw=0.5)
    start = np.tile([0.0, 0.0, 1.0], (5, 1))
    end = np.array([[4.0, 0, 1], [1.0, 0, 1], [4, 0, 5.0], [-4, 0, 1], [2.0, 0, 1.0]])
    np.testing.assert_array_equal(hidden([box], start, end), [True, False, False, False, True])
