"""Stamps stay within ROS time."""

from __future__ import annotations

from visrftwin_ros.messages.stamps import later, stamp_message, stamp_ns
from visrftwin_ros.nodes.messages.message_types import made


def test_a_stamp_later_than_all_ros_time_is_its_last() -> None:
    assert later(5, 7) == 12
    last = later(2**31 * 10**9 - 3, 10**18)
    assert last == 2**31 * 10**9 - 1
    assert stamp_ns(stamp_message(made, last)) == last
