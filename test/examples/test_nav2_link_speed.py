"""The Nav2 example drives slower before its link fades, and slowest when nobody knows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "nav2_link_speed"))

from nav2_link_speed.speed_policy import SpeedPolicy

POLICY = SpeedPolicy(needed_snr_db=10.0, margin_db=6.0, slowest=20.0, look_ahead=2.0)
HORIZON = np.array([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("snr_db", "percent"),
    [
        ([[30, 30, 30, 30]], 100.0),
        ([[30, 30, 13, 30]], 60.0),  # half the margin is left two seconds ahead
        ([[30, 30, 30, 0]], 100.0),  # further ahead than it looks
        ([[30, 5, 30, 30]], 20.0),
        ([[30, 5, 30, 30], [20, 20, 20, 20]], 100.0),  # another access point is there meanwhile
        ([[30, 5, 30, 30], [np.nan] * 4], 20.0),
        ([[np.nan] * 4], 20.0),
    ],
)
def test_speed_follows_the_worst_moment_of_the_best_link(
    snr_db: list[list[float]], percent: float
) -> None:
    assert POLICY.percent(HORIZON, np.array(snr_db, float)) == pytest.approx(percent)


class Robot:
    """The node, a twin that forecasts, and a Nav2 that hears the limits."""

    def __init__(self) -> None:
        import rclpy
        from nav2_link_speed.link_speed import LinkSpeed
        from nav2_msgs.msg import SpeedLimit
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.parameter import Parameter

        from visrftwin_ros.msg import ShadowForecasts

        self.node = LinkSpeed(parameter_overrides=[Parameter("robot", value="cart")])
        self._others = rclpy.create_node("others")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self._others)
        self.limits: list[SpeedLimit] = []
        self._others.create_subscription(SpeedLimit, "speed_limit", self.limits.append, 10)
        self._twin = self._others.create_publisher(ShadowForecasts, "shadow_forecast", 5)
        assert self.until(lambda: self._twin.get_subscription_count() == 1)

    def until(self, condition: Callable[[], object], seconds: float = 10.0) -> bool:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.02)
        return bool(condition())

    def limit_after(self, snr_db: dict[str, list[float]], stale: bool = False) -> float:
        """The next limit after a forecast of the robot's links, whose levels are 10 and 90 %."""
        from visrftwin_ros.msg import ShadowForecast, ShadowForecasts

        forecasts = [
            ShadowForecast(
                tx=tx,
                rx="cart",
                horizon=HORIZON.tolist(),
                quantiles=[0.1, 0.9],
                snr_quantiles_db=np.column_stack([values, np.array(values) + 20]).ravel().tolist(),
            )
            for tx, values in snr_db.items()
        ]
        other = ShadowForecast(tx="ap", rx="lorry", horizon=HORIZON.tolist(), quantiles=[0.5])
        self.limits.clear()
        self._twin.publish(ShadowForecasts(forecasts=[other, *forecasts], stale=stale))
        assert self.until(lambda: self.limits)
        assert self.limits[-1].percentage
        return float(self.limits[-1].speed_limit)

    def close(self) -> None:
        self._executor.shutdown()
        self._others.destroy_node()
        self.node.destroy_node()


@pytest.fixture
def robot(ros: None) -> Iterator[Robot]:
    robot = Robot()
    yield robot
    robot.close()


def test_nav2_is_told_in_its_own_message(robot: Robot) -> None:
    assert robot.limit_after({"ap": [30, 30, 30, 30]}) == 0.0  # no limit
    assert robot.limit_after({"ap": [30, 30, 13, 30]}) == pytest.approx(60.0)
    assert robot.limit_after({"ap": [30, 5, 30, 30], "far": [25, 25, 25, 25]}) == 0.0
    assert robot.limit_after({}) == pytest.approx(20.0)  # no link at all


def test_stale_forecasts_and_silence_are_no_reason_to_hurry(robot: Robot) -> None:
    assert robot.limit_after({"ap": [30, 30, 30, 30]}) == 0.0
    assert robot.limit_after({"ap": [30, 30, 30, 30]}, stale=True) == pytest.approx(20.0)
