"""The node `link_speed`: a twin's `shadow_forecast` in, Nav2's `speed_limit` out."""

from __future__ import annotations

import time

import numpy as np
import rclpy
from nav2_msgs.msg import SpeedLimit
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile

from nav2_link_speed.speed_policy import SpeedPolicy
from visrftwin_ros.msg import ShadowForecasts

NO_LIMIT = 0.0
"""What nav2_msgs/SpeedLimit means by zero: a robot cannot be stopped with it."""
SILENT_AFTER = 1.0
"""s without a fresh forecast after which nobody knows what the link will be."""


class LinkSpeed(Node):
    """Every fresh forecast is answered with a limit; silence and stale ones with the lowest."""

    def __init__(self, **options: object) -> None:
        super().__init__("link_speed", **options)
        self._robot = str(self.declare_parameter("robot", "").value)
        default = SpeedPolicy()
        names = ("needed_snr_db", "margin_db", "slowest", "look_ahead")
        self._policy = SpeedPolicy(
            **{name: self.declare_parameter(name, getattr(default, name)).value for name in names}
        )
        if not self._robot:
            raise ValueError("parameter 'robot' is empty: give the robot's name in the twin's site")
        self._heard_at = time.monotonic()
        self._limits = self.create_publisher(SpeedLimit, "speed_limit", QoSProfile(depth=10))
        self.create_subscription(ShadowForecasts, "shadow_forecast", self._on_forecast, 5)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(SILENT_AFTER / 2, self._watch, clock=steady)

    def _on_forecast(self, message: ShadowForecasts) -> None:
        if message.stale:
            return
        self._heard_at = time.monotonic()
        links = [f for f in message.forecasts if f.rx == self._robot]
        told = [f for f in links if f.snr_quantiles_db]
        if not told:  # none of its links has a path
            self._publish(self._policy.slowest)
            return
        lowest = [
            np.array(f.snr_quantiles_db).reshape(len(f.horizon), len(f.quantiles))[:, 0]
            for f in told
        ]
        self._publish(self._policy.percent(np.array(told[0].horizon), np.array(lowest)))

    def _watch(self) -> None:
        if time.monotonic() - self._heard_at > SILENT_AFTER:
            self._publish(self._policy.slowest)

    def _publish(self, percent: float) -> None:
        limit = SpeedLimit(percentage=True, speed_limit=NO_LIMIT if percent >= 100 else percent)
        limit.header.stamp = self.get_clock().now().to_msg()
        self._limits.publish(limit)


def main() -> None:
    rclpy.init()
    node = LinkSpeed()
    try:
        rclpy.spin(node)
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
