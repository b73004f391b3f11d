"""Where messages enter a node: what is out of its limits is refused, named and counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from diagnostic_msgs.msg import DiagnosticStatus

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.limits import Limits, check_message
from visrftwin_ros.messages.stamps import stamp_ns

SHOWN = 5.0
"""Seconds that /diagnostics tells of a refused message."""


class Reporting(Protocol):
    """What is needed of a node."""

    def now_ns(self) -> int: ...

    def is_left_over(self, stamp_ns: int) -> bool: ...

    def report(self, subject: str, level: bytes, message: str, **values: object) -> None: ...


class Intake:
    """The messages of one node's subscriptions, on their way to its callbacks."""

    def __init__(self, node: Reporting, limits: Limits) -> None:
        self._node = node
        self._limits = limits
        self._refused: Counter[str] = Counter()  # by topic
        self._cut: Counter[str] = Counter()
        self._until: dict[str, float] = {}  # time.monotonic, by topic that is not well

    def checked(
        self, kind: type, topic: str, callback: Callable[[Any], None]
    ) -> Callable[[Any], None]:
        """`callback` for the messages that can be used."""
        name = f"{kind.__module__.partition('.')[0]}/{kind.__name__}"

        def enter(message: Any) -> None:
            try:
                told = check_message(name, message, self._limits, self._node.now_ns())
            except TwinError as error:
                if self._is_left_over(message):
                    return  # of before a loop of a replay: nobody's clock is wrong
                self._refused[topic] += 1
                self._tell(topic, f"refused: {error}")
                return
            if told:
                self._cut[topic] += 1
                self._tell(topic, told)
            callback(message)

        return enter

    def _is_left_over(self, message: Any) -> bool:
        header = getattr(message, "header", None)
        return header is not None and self._node.is_left_over(stamp_ns(header.stamp))

    def watch(self) -> None:
        """Called every second: what was said long enough is over."""
        now = time.monotonic()
        for topic in [topic for topic, until in self._until.items() if now > until]:
            del self._until[topic]
            self._report(topic, DiagnosticStatus.OK, "messages are within their limits again")

    def _tell(self, topic: str, text: str) -> None:
        self._until[topic] = time.monotonic() + SHOWN
        self._report(topic, DiagnosticStatus.WARN, text)

    def _report(self, topic: str, level: bytes, text: str) -> None:
        counts = {"refused": self._refused[topic], "cut": self._cut[topic]}
        self._node.report(f"input {topic}", level, text, **counts)
