"""Who publishes what a node hears: a second publisher of a topic doubles its people or its channels."""

from __future__ import annotations

import time
from typing import Any, Protocol

from diagnostic_msgs.msg import DiagnosticStatus

OF_MANY = ("tf", "tf_static", "diagnostics")
"""Topics that everybody publishes, by the last part of their names."""
SURELY_GONE = 25.0
"""Seconds; DDS keeps a process that was killed for 20, and its successor is no second publisher."""


class Publishing(Protocol):
    """What is needed of a node."""

    def get_publishers_info_by_topic(self, topic: str) -> list[Any]: ...

    def report(self, subject: str, level: bytes, message: str, **values: object) -> None: ...


class Sources:
    """The publishers of one node's subscriptions."""

    def __init__(self, node: Publishing, after: float = SURELY_GONE) -> None:
        self._node = node
        self._after = after
        self._topics: dict[str, tuple[str, int]] = {}  # as the node names it -> in full, how many
        self._since: dict[str, float] = {}  # time.monotonic, of topics with several
        self._told: set[str] = set()

    def expect(self, topic: str, full_name: str, publishers: int = 1) -> None:
        if full_name.rpartition("/")[2] not in OF_MANY:
            self._topics[topic] = full_name, publishers

    def watch(self) -> None:
        """Called every second: tells of topics that have had several publishers for long enough."""
        now = time.monotonic()
        for topic, (full_name, expected) in self._topics.items():
            found = self._node.get_publishers_info_by_topic(full_name)
            if len(found) <= expected:
                self._since.pop(topic, None)
                if topic in self._told:
                    self._told.remove(topic)
                    self._report(topic, DiagnosticStatus.OK, "no publisher too many")
            elif now - self._since.setdefault(topic, now) >= self._after:
                self._told.add(topic)
                names = ", ".join(
                    sorted(f"{one.node_namespace.rstrip('/')}/{one.node_name}" for one in found)
                )
                text = (
                    f"{len(found)} publishers ({names}), expected {expected}: is another twin in this domain?"
                    " Give each a namespace or a ROS_DOMAIN_ID"
                )
                self._report(topic, DiagnosticStatus.WARN, text)

    def _report(self, topic: str, level: bytes, text: str) -> None:
        self._node.report(f"publishers {topic}", level, text)
