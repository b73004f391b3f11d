"""Robots' plans: where they lead to, and that their links are foreseen there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from made_up import people

from visrftwin_ros.beams.fade_warnings import FadeWarnings
from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.forecast import HORIZONS
from visrftwin_ros.twin.mounts import RobotPose
from visrftwin_ros.twin.way_ahead import RobotPlan

CORNER = RobotPlan(np.array([[0.0, 0], [2, 0], [2, 5]]), None)


def ahead(plan: RobotPlan, *place: float, speed: float = 1.0, now: float = 0.0):
    return plan.ahead(now, np.array(place), speed, 0.3)


def test_a_robot_goes_on_as_fast_as_it_is_and_round_the_corner() -> None:
    places, yaw = ahead(CORNER, 1.0, 0.0)
    np.testing.assert_allclose(places[HORIZONS.index(0.5)], [1.5, 0])
    np.testing.assert_allclose(places[HORIZONS.index(3.0)], [2, 2])
    assert yaw[1] == 0 and yaw[-1] == pytest.approx(np.pi / 2)


def test_a_robot_beside_its_plan_stays_beside_it_and_one_at_its_end_stands() -> None:
    places, _ = ahead(CORNER, 1.0, -0.4)
    np.testing.assert_allclose(places[0], [1.0, -0.4])
    np.testing.assert_allclose(places[2], [1.5, -0.4])
    places, yaw = ahead(CORNER, 2.0, 4.5)
    np.testing.assert_allclose(places[-1], [2, 5])
    assert (ahead(CORNER, 2.0, 5.0)[0] == [2.0, 5.0]).all()
    assert (ahead(CORNER, 2.0, 5.0)[1] == 0.3).all() and yaw[1] == pytest.approx(np.pi / 2)


def test_a_plan_with_times_is_kept_to() -> None:
    plan = RobotPlan(CORNER.places, np.array([10.0, 11.0, 12.0]))
    places, _ = ahead(plan, 0.0, 0.0, now=9.0)
    np.testing.assert_allclose(places[HORIZONS.index(1.0)], [0, 0])
    np.testing.assert_allclose(places[HORIZONS.index(2.0)], [2, 0])
    np.testing.assert_allclose(places[HORIZONS.index(2.5)], [2, 2.5])


def test_what_no_robot_can_drive_is_refused() -> None:
    with pytest.raises(TwinError, match=r"jumps: 7\.0 m/s"):
        RobotPlan(np.array([[0.0, 0], [7, 0]]), np.array([0.0, 1.0]))
    with pytest.raises(TwinError, match="no number"):
        RobotPlan(np.array([[0.0, 0], [np.nan, 0]]), None)
    with pytest.raises(TwinError, match="one place"):
        RobotPlan(np.zeros((1, 2)), None)
    with pytest.raises(TwinError, match=r"plan is 3.0 m from the robot"):
        ahead(CORNER, 1.0, -3.0)


@pytest.fixture(scope="module")
def engine() -> Iterator[TwinEngine]:
    site = Site.model_validate(
        {
            "name": "hall",
            "propagation": {"samples": 5000, "max_depth": 1, "diffuse": False},
            "scene": [
                {"name": "floor", "kind": "ground", "size": (60, 60), "material": "concrete"}
            ],
            "access_points": [{"name": "ap", "position": (-8, 0, 1.2)}],
            "robots": [
                {"name": "rover"},
                {"name": "shuttle", "path": {"waypoints": [(8, -12), (8, 12)], "speed": 1.5}},
            ],
        }
    )
    made = TwinEngine(site, threads=2)
    yield made
    made.close()


def at(y: float) -> dict[str, RobotPose]:
    return {"rover": RobotPose(np.array([8.0, y, 0.0]), np.pi / 2)}


@pytest.fixture
def driving(engine: TwinEngine) -> int:
    """The time [ns] when the rover, at 1.5 m/s, is 3.75 m before somebody who stands in its way to the
    access point, and so is the shuttle; both are known."""
    arriving = round((12 - 3.75) / 1.5 * 1e9)
    deadline = time.monotonic() + 60
    while any(engine.update(arriving, nobody(), at(-3.9)).fault):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    engine.update(arriving - 10**8, nobody(), at(-3.9))
    engine.update(arriving, people((0.0, 0.0)), at(-3.75))
    return arriving


def row(engine: TwinEngine, robot: str) -> int:
    return engine.links.index(("ap", robot))


@pytest.mark.parametrize("robot", ["rover", "shuttle"])
def test_a_fade_that_a_robot_drives_into_is_foreseen_over_two_seconds_before(
    engine: TwinEngine, driving: int, robot: str
) -> None:
    plan = RobotPlan(np.array([[8.0, -10], [8, 10]]), None)
    standing = people((0.0, 0.0))
    found = engine.forecast(standing, np.zeros((1, 4, 4)), {"rover": plan})
    mine = row(engine, robot)
    loss = found.mean_db[mine]
    assert loss[0] < 1 and loss[HORIZONS.index(2.5)] > 10 and not found.refused
    blind = found.snr_db(engine.links, engine.site)[mine].mean(axis=0)
    assert blind[HORIZONS.index(2.5)] < blind[0] - 6
    loss_now = engine.update(driving, standing, at(-3.75)).metrics.shadow_loss_db
    _, warned = FadeWarnings().ahead(0.0, found.horizons[1:], found.loss_db[:, :, 1:], loss_now)
    (warning,) = (w for w in warned if w.link == mine)
    assert warning.begins >= 2


def test_without_its_plan_or_far_from_it_a_robot_is_foreseen_where_it_is(
    engine: TwinEngine, driving: int
) -> None:
    standing, mine = people((0.0, 0.0)), row(engine, "rover")
    assert (engine.forecast(standing, np.zeros((1, 4, 4))).mean_db[mine] < 1).all()
    elsewhere = {"rover": RobotPlan(np.array([[0.0, -10], [0, 10]]), None)}
    found = engine.forecast(standing, np.zeros((1, 4, 4)), elsewhere)
    assert (found.mean_db[mine] < 1).all() and "8.0 m from the robot" in found.refused["rover"]
