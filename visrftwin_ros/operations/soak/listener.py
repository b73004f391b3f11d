"""Hears what a graph gives out and what its nodes tell of themselves."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import BeamDecisions, LinkChannels
from visrftwin_ros.nodes.shared.twin_node import PROCESS, RESULT_QOS
from visrftwin_ros.operations.soak.judging import Heard, Record
from visrftwin_ros.operations.soak.set_clock import ClockSteps

KINDS = {"channels": LinkChannels, "beams": BeamDecisions}
LONGEST_WAY = 1.0
"""s that a message may take from its publisher to us; what is over it counts as age."""


def way_and_age(stamp: int, latency: float, steps: ClockSteps, now: int) -> tuple[float, float]:
    """s that a message was on its way to us, and s from its stamp until it was published.

    stamp: ns, by the graph's clock. latency: s from there to its publishing, as the publisher says; one
    that does not know it gains nothing. now: ns, by a clock that nobody sets.
    """
    published = steps.true_ns(stamp + round(latency * 1e9), now)
    way = min(max((now - published) * 1e-9, 0.0), LONGEST_WAY)
    return way, (now - steps.true_ns(stamp, now)) * 1e-9 - way


class Listener:
    """Fills a Record from a thread of its own, until `close`. steps: of the graph's clock.

    rclpy is initialised by whoever owns the process.
    """

    def __init__(self, steps: ClockSteps) -> None:
        self.record = Record()
        self.blocks: dict[str, int] = {}  # that Python has allocated, by node
        self._levels: dict[str, int] = {}
        self._steps = steps
        self._node = rclpy.create_node("soak")
        listen = self._node.create_subscription
        for name, kind in KINDS.items():
            listen(kind, name, partial(self._on_output, name), RESULT_QOS)
        listen(DiagnosticArray, "/diagnostics", self._on_diagnostics, RESULT_QOS)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(timeout=5.0)
        self._node.destroy_node()

    def last_fresh(self, output: str) -> float:
        """s, monotonic; 0 while there was none."""
        heard = self.record.outputs[output]
        return next((h.at for h in reversed(heard) if h.fresh), 0.0)

    def _on_output(self, name: str, message: Any) -> None:
        if name == "channels":
            fresh = any(not link.stale for link in message.channels)
        else:
            fresh = not message.stale and bool(message.decisions)
        stamp = stamp_ns(message.header.stamp)
        way, age = way_and_age(stamp, message.latency, self._steps, time.time_ns())
        self.record.outputs[name].append(Heard(time.monotonic() - way, fresh, age))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        now = time.monotonic()
        for status in message.status:
            level = int.from_bytes(status.level, "little")
            if status.name.endswith(f": {PROCESS}"):
                values = {value.key: value.value for value in status.values}
                self.blocks[f"/{status.hardware_id}"] = int(values["python_blocks"])
            if self._levels.get(status.name, 0) != level:
                self._levels[status.name] = level
                self.record.told.append((now, status.name, level))
