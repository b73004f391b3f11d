"""`channels` is small enough for everybody to hear."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import serialize_message

from visrftwin_ros.messages.channels import METRICS, channels_message, link_channel
from visrftwin_ros.nodes.messages.channel_messages import NO_PATH
from visrftwin_ros.nodes.messages.message_types import made

MOST_BYTES = 60_000
"""Of 400 links."""


@pytest.mark.parametrize("reason", ["", NO_PATH, "no pose of delivery_robot_00"])
def test_400_links_of_long_names_take_60_kb(reason: str) -> None:
    metrics = dict.fromkeys(METRICS, np.nan if reason else 1.0)
    channels = [
        link_channel(
            made,
            (f"access_point_north_{ap:02}", f"delivery_robot_{robot:02}"),
            60e9,
            2.16e9,
            metrics,
            not reason,
            200,
            stale=True,
            age=0.7,
            reason=reason,
        )
        for ap in range(10)
        for robot in range(40)
    ]
    message = channels_message(made, 10**18, "world", channels)
    assert len(serialize_message(message)) <= MOST_BYTES
