"""People's ways: free of furniture and of each other, smooth, and the same again."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.people.walks import TICK, plan_walks, stride_length
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.site.model import Box


@pytest.fixture(scope="module")
def lobby() -> World:
    return load_world("lobby", 1)


@pytest.fixture(scope="module")
def walks(lobby):
    return plan_walks(lobby, 6, 30.0, 2)


@pytest.mark.parametrize("name", ["lobby", "lecture_room", "street"])
def test_nobody_walks_through_furniture(name):
    world = load_world(name, 7)
    walks = plan_walks(world, 5, 30.0, 7)
    places = walks.position[::10].reshape(-1, 2)
    for box in world.true_site.scene:
        if isinstance(box, Box) and box.center[2] + box.size[2] / 2 > 0.15:
            if box.center[2] - box.size[2] / 2 > 2.0:
                continue
            dx, dy = (places - np.array(box.center[:2])).T
            along = dx * np.cos(box.yaw) + dy * np.sin(box.yaw)
            across = -dx * np.sin(box.yaw) + dy * np.cos(box.yaw)
            inside = (np.abs(along) < box.size[0] / 2 + 0.15) & (
                np.abs(across) < box.size[1] / 2 + 0.15
            )
            assert not inside.any(), box.name
    x0, y0, x1, y1 = world.ground
    assert (places > [x0, y0]).all()
    assert (places < [x1, y1]).all()


def test_people_keep_out_of_each_other(walks):
    apart = np.linalg.norm(walks.position[:, :, None] - walks.position[:, None], axis=-1)
    apart[:, range(6), range(6)] = np.inf
    assert apart.min() > 0.4


def test_people_walk_at_walking_speed_stop_and_start_gently(walks):
    velocity = np.diff(walks.position, axis=0) / TICK
    speed = np.linalg.norm(velocity, axis=2)
    assert speed.max() < 1.9  # who walks outside in a pair's turn is faster for a step
    assert 0.6 < np.median(speed[speed > 0.3]) < 1.6
    assert (speed < 0.05).mean() > 0.02
    assert np.linalg.norm(np.diff(velocity, axis=0), axis=2).max() / TICK < 9.0


def test_the_velocity_is_that_of_the_positions(walks):
    for t in (3.1, 11.73, 20.004):
        bodies = walks.at(t)
        ahead, behind = (walks.at(t + s).position for s in (0.05, -0.05))
        assert bodies.velocity == pytest.approx((ahead - behind) / 0.1, abs=0.15)
        fast = np.linalg.norm(bodies.velocity, axis=1) > 0.5
        course = np.arctan2(bodies.velocity[fast, 1], bodies.velocity[fast, 0])
        turn = np.abs(np.angle(np.exp(1j * (bodies.heading[fast] - course))))
        assert (turn < 0.6).all()


def test_the_gait_goes_with_the_ground_covered(walks):
    start, end = 5.0, 15.0
    rows = slice(round(start / TICK), round(end / TICK) + 1)
    covered = np.linalg.norm(np.diff(walks.position[rows], axis=0), axis=2).sum(axis=0)
    strides = (walks.stride(end) - walks.stride(start)) / (2 * np.pi)
    moved = covered > 3
    assert moved.any()
    assert ((covered / np.maximum(strides, 1e-9))[moved] > stride_length(0.79)).all()
    assert ((covered / np.maximum(strides, 1e-9))[moved] < stride_length(1.51)).all()


def test_a_free_step_is_as_long_as_measured():
    # 0.0064 m/(steps/min) at 110 steps/min: 0.70 m, 1.29 m/s
    assert stride_length(np.array(0.0064 * 110 * 110 / 60)) == pytest.approx(2 * 0.704, abs=0.001)


def test_equal_seeds_give_equal_walks_to_the_bit(lobby, walks):
    again = plan_walks(lobby, 6, 30.0, 2)
    assert np.array_equal(walks.position, again.position)
    assert np.array_equal(walks.phase, again.phase)
    assert walks.material == again.material
    assert not np.array_equal(walks.position, plan_walks(lobby, 6, 30.0, 3).position)


def test_people_cross_the_links(lobby, walks):
    robot = np.array([5.6, 9.2])
    crossed = set()
    for ap in lobby.site.access_points:
        a = np.array(ap.position[:2])
        left = np.array([a[1] - robot[1], robot[0] - a[0]])
        side = (walks.position - a) @ left
        share = (walks.position - a) @ (robot - a) / ((robot - a) @ (robot - a))
        change = (np.sign(side[1:]) != np.sign(side[:-1])) & (share[1:] > 0) & (share[1:] < 1)
        crossed |= set(np.flatnonzero(change.any(axis=0)).tolist())
    assert len(crossed) >= 2


def test_some_come_up_to_a_standing_robot_and_stay(lobby):
    robots = np.array([r.position for r in lobby.site.robots if r.position is not None])
    visited = 0.0
    for seed in (1, 2, 3):
        walks = plan_walks(lobby, 6, 30.0, seed)
        away = np.linalg.norm(walks.position[:, :, None] - robots, axis=3).min(axis=2)
        standing = np.linalg.norm(np.gradient(walks.position, TICK, axis=0), axis=2) < 0.05
        assert away.min() > 0.5  # nobody walks into one: half a body and half a robot
        visited += float((standing & (away < 1.3)).sum() * TICK)
    assert visited > 10.0  # person seconds


def test_a_driving_robot_is_kept_clear(lobby):
    def robot(times):
        return np.column_stack([3 + 0.3 * times, np.full_like(times, 7.5)])

    walks = plan_walks(lobby, 3, 20.0, 4, robot)
    times = TICK * np.arange(len(walks.position))
    assert np.linalg.norm(walks.position - robot(times)[:, None], axis=2).min() > 0.5


def test_impossible_wishes_are_refused(lobby):
    with pytest.raises(TwinError, match="-1 people"):
        plan_walks(lobby, -1, 10.0, 0)
    with pytest.raises(TwinError, match="0 s"):
        plan_walks(lobby, 1, 0.0, 0)
    assert len(plan_walks(lobby, 0, 1.0, 0).at(0.5)) == 0
