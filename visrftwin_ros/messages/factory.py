"""Whose message classes a codec fills: rclpy's on the live graph, rosbags' in a bag."""

from __future__ import annotations

from typing import Any, Protocol


class Make(Protocol):
    """Makes a message of the type `package/Name`, given all of its fields.

    Fields of many numbers come as arrays of the field's own type, those of many messages or names
    as lists.
    """

    def __call__(self, kind: str, /, **fields: Any) -> Any: ...
