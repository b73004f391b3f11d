"""Nodes and a probe in this process, on one executor: fast, but with real topics between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import TimeoutException
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile

from visrftwin_ros.nodes.shared.boundary import GuardedExecutor, entity_name
from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS, SENSOR_QOS, TwinNode

OK, WARN, ERROR, STALE = range(4)


class NodeBench:
    """statuses: what /diagnostics last said of each subject: (level, message, values).

    Callbacks that fail fail the test, unless `faults_expected`.
    """

    def __init__(self) -> None:
        self.statuses: dict[str, tuple[int, str, dict[str, str]]] = {}
        self.faults_expected = False
        self._executor = GuardedExecutor()
        self._probe = rclpy.create_node("probe")
        self._executor.add_node(self._probe)
        self.nodes: list[TwinNode] = []
        self._probe.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, 50)

    def close(self) -> None:
        faults = {node.get_name(): dict(node.faults) for node in self.nodes if node.faults}
        for node in self.nodes:
            node.deactivate()
            node.cleanup()
            node.destroy_node()
        self._executor.shutdown()
        self._probe.destroy_node()
        assert self.faults_expected or not faults, f"callbacks failed: {faults}"

    def node(self, kind: type[TwinNode], name: str, namespace: str = "", **values: object) -> Any:
        """An unconfigured node with these parameters; what tests stamp need not be now."""
        values = {"limits.ahead": 3600.0, "limits.behind": 3600.0, **values}
        overrides = [Parameter(key, value=value) for key, value in values.items()]
        node = kind(name, namespace=namespace, parameter_overrides=overrides)
        self.nodes.append(node)
        self._executor.add_node(node)
        return node

    def active(self, kind: type[TwinNode], name: str, namespace: str = "", **values: object) -> Any:
        node = self.node(kind, name, namespace, **values)
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        return node

    def heard(
        self, kind: type, topic: str, qos: QoSProfile = RESULT_QOS, raw: bool = False
    ) -> list[Any]:
        """A list that grows by every message on the topic; raw: by its bytes."""
        messages: list[Any] = []
        self._probe.create_subscription(kind, topic, messages.append, qos, raw=raw)
        return messages

    def publisher(
        self, kind: type, topic: str, qos: QoSProfile = RESULT_QOS, seconds: float = 10.0
    ) -> Any:
        """A publisher that somebody listens to already."""
        publisher = self._probe.create_publisher(kind, topic, qos)
        assert self.until(lambda: publisher.get_subscription_count() > 0, seconds), (
            f"{topic}: nobody listens"
        )
        return publisher

    def client(self, kind: type, name: str) -> Any:
        """A client whose service is there."""
        client = self._probe.create_client(kind, name)
        assert self.until(client.service_is_ready), f"there is no service {name}"
        return client

    def ask(self, kind: type, name: str, request: Any) -> Any:
        """A future with the service's response."""
        client = self.client(kind, name)
        future = client.call_async(request)
        future.add_done_callback(lambda _: self._probe.destroy_client(client))
        return future

    def answer(self, kind: type, name: str, request: Any, seconds: float = 60.0) -> Any:
        """The service's response."""
        future = self.ask(kind, name, request)
        assert self.until(future.done, seconds), f"{name} does not answer"
        return future.result()

    def until(self, condition: Callable[[], object], seconds: float = 10.0) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            self._executor.spin_once(timeout_sec=0.02)
        return bool(condition())

    def spin(self, seconds: float) -> None:
        self.until(lambda: False, seconds)

    def longest_callback(self) -> tuple[float, str]:
        """Runs what is ready; this thread's seconds that the longest callback took, and whose it is."""
        longest = 0.0, ""
        with suppress(TimeoutException):
            while True:
                found = self._executor.wait_for_ready_callbacks(timeout_sec=0.0)
                callback, entity, node = found
                start = time.thread_time()
                callback()
                whose = f"{node and node.get_name()} {entity_name(entity)}"
                longest = max(longest, (time.thread_time() - start, whose))
        return longest

    def settle(self, quiet: float) -> None:
        """Until no node has had anything to do for `quiet` seconds."""
        with suppress(TimeoutException):
            while True:
                callback, *_ = self._executor.wait_for_ready_callbacks(timeout_sec=quiet)
                callback()
                callback.result()  # raises what it raised

    def says(self, subject: str, level: int, text: str = "", seconds: float = 10.0) -> bool:
        """Whether /diagnostics comes to say this of a subject."""

        def said() -> bool:
            found, message, _ = self.statuses.get(subject, (-1, "", {}))
            return found == level and text in message

        return self.until(said, seconds)

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            level = int.from_bytes(status.level, "little")
            self.statuses[status.name] = (level, status.message, values)


__all__ = ["ERROR", "OK", "SENSOR_QOS", "STALE", "WARN", "NodeBench"]
