"""The TF of a whole bag, for what looks at it off line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from visrftwin_ros.bags.bag_file import BagFile
from visrftwin_ros.bags.topics import TF, TF_STATIC
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.site.frames import TransformBuffer

_FOREVER_NS = 2**62


def bag_transforms(bag: BagFile) -> TransformBuffer:
    """Every transform of a bag, by stamp."""
    buffer = TransformBuffer(history_ns=_FOREVER_NS)
    moving: list[tuple[int, bool, Any]] = []
    for connection, _, raw in bag.messages(
        [c for c in bag.connections if c.topic in (TF, TF_STATIC)]
    ):
        for transform in bag.decode(connection, raw).transforms:
            moving.append(
                (stamp_ns(transform.header.stamp), connection.topic == TF_STATIC, transform)
            )
    for _, static, transform in sorted(moving, key=lambda entry: entry[0]):
        buffer.add(SimpleNamespace(transforms=[transform]), static)
    return buffer
