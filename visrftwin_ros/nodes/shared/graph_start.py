"""How a replay waits for the rest of the graph, so that nothing of the recording is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray

from visrftwin_ros.nodes.shared.twin_node import (
    OK,
    REPORT_QOS,
    WARN,
    NodeParameter,
    TwinNode,
)

WAIT_FOR_PARAMETER = NodeParameter(
    "wait_for", [""], "Nodes that must be configured before it starts"
)
SAID_AFTER = 10.0
"""Seconds of waiting from which /diagnostics warns of it."""
CONFIGURE = ": configure"


class GraphStart:
    """missing: the nodes of `wait_for` that have not yet said that they are configured.

    `begin` is called once, when the last of them has.
    """

    def __init__(self, node: TwinNode, begin: Callable[[], None]) -> None:
        self.missing = {name.strip("/") for name in node.value(WAIT_FOR_PARAMETER.name) if name}
        self._begin = begin
        self._node = node
        self._since = time.monotonic()
        self._reasons: dict[str, str] = {}
        if self.missing:
            node.subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, REPORT_QOS)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        if not self.missing or not self._node.active:
            return
        for status in message.status:
            name = status.name.removesuffix(CONFIGURE)
            if name == status.name or name not in self.missing:
                continue
            self._reasons[name] = f" ({status.message})"
            if status.level == OK:
                self.missing.discard(name)
        if not self.missing:
            self._begin()

    def said(self) -> tuple[bytes, str]:
        """For the diagnostics, while some are missing: who, and why where they said so."""
        names = ", ".join(f"{name}{self._reasons.get(name, '')}" for name in sorted(self.missing))
        level = WARN if time.monotonic() - self._since > SAID_AFTER else OK
        return level, f"waits for {names}"
