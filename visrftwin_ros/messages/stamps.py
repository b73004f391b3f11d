"""ROS time and headers."""

from __future__ import annotations

from typing import Any

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.factory import Make

NANOSECONDS = 10**9
_SECONDS = 2**31
"""Of ROS time, from 0 on."""


def stamp_ns(stamp: Any) -> int:
    """Of a builtin_interfaces/Time."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def stamp_message(make: Make, stamp: int) -> Any:
    """A builtin_interfaces/Time of nanoseconds; TwinError on what ROS cannot hold."""
    seconds, rest = divmod(int(stamp), NANOSECONDS)
    if not 0 <= seconds < _SECONDS:
        raise TwinError(f"stamp {stamp} ns is no ROS time: expected 0 to 2^31 s")
    return make("builtin_interfaces/Time", sec=seconds, nanosec=rest)


def later(stamp: int, by: int) -> int:
    """A stamp `by` ns after this one; at most the last of ROS time, to which a broken clock may come."""
    return min(stamp + by, _SECONDS * NANOSECONDS - 1)


def check_stamp(stamp: int, whose: str) -> None:
    """TwinError where a stamp [ns] is from before all ROS time: it could not be published again."""
    if stamp < 0:
        raise TwinError(f"{whose}: stamp {stamp * 1e-9:g} s is no ROS time: set the sensor's clock")


def header(make: Make, stamp: int, frame_id: str) -> Any:
    """A std_msgs/Header; TwinError as `stamp_message`."""
    return make("std_msgs/Header", stamp=stamp_message(make, stamp), frame_id=frame_id)
