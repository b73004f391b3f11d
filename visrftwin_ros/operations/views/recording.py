"""What `ros2 bag record` needs to record a whole twin: topics, and the quality of service to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visrftwin_ros.operations.views.graph_topics import GraphTopic, Quality

_POLICIES: dict[Quality, tuple[str, str, int]] = {
    "sensor": ("best_effort", "volatile", 10),
    "result": ("reliable", "volatile", 50),
    "latched": ("reliable", "transient_local", 1),
    "tf": ("reliable", "volatile", 1000),
    "tf_static": ("reliable", "transient_local", 1000),
    "clock": ("best_effort", "volatile", 10),
}
"""Reliability, durability and depth. A writer to disk may fall behind for a moment, so its queues are
longer than those of the nodes."""


def recorded(topics: Sequence[GraphTopic]) -> list[GraphTopic]:
    """Without what is only there to be looked at, and can be made again."""
    return [topic for topic in topics if not topic.shown]


def record_overrides(topics: Sequence[GraphTopic]) -> dict[str, Any]:
    """By topic, for `--qos-profile-overrides-path` of rosbag2."""
    found = {}
    for topic in topics:
        reliability, durability, depth = _POLICIES[topic.quality]
        found[topic.name] = {
            "history": "keep_last",
            "depth": depth,
            "reliability": reliability,
            "durability": durability,
        }
    return found
