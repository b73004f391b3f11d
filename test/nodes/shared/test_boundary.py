"""A node outlives its callbacks' faults and messages that cannot be decoded, and grows by neither."""

from __future__ import annotations

import gc

import pytest
from geometry_msgs.msg import Point
from node_bench import ERROR, OK, NodeBench
from rclpy.clock import Clock, ClockType
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

from visrftwin_ros.nodes.shared.boundary import GuardedExecutor, spin_until
from visrftwin_ros.nodes.shared.twin_node import TwinNode

CALLBACKS = 20_000
BROKEN = (
    b"",
    b"\x00",
    b"\x00\x01\x00\x00\xff\xff\x00\x00abc",
    b"\x00\x01\x00\x00\xff\xff\xff\x7fabc",
)
"""No std_msgs/String in CDR: nothing, no header, and lengths of 64 kB and 2 GB over three bytes."""


class Fragile(TwinNode):
    """Fails at every `point` and at every question; counts what it hears."""

    def configure(self) -> None:
        self.heard: list[str] = []
        self.subscription(Point, "point", self._on_point)
        self.subscription(String, "text", self._on_text)
        self.service(Trigger, "~/ask", self._on_question)

    def _on_point(self, message: Point) -> None:
        raise ZeroDivisionError("a fault of ours")

    def _on_text(self, message: String) -> None:
        self.heard.append(message.data)

    def _on_question(self, request: Trigger.Request, response: Trigger.Response) -> None:
        raise KeyError("another fault of ours")


@pytest.fixture
def fragile(bench: NodeBench) -> Fragile:
    node: Fragile = bench.active(Fragile, "fragile")
    bench.faults_expected = True
    return node


def test_spinning_keeps_nothing_of_a_callback_that_ran(ros: None) -> None:
    import rclpy

    node = rclpy.create_node("spinning")
    executor = GuardedExecutor()
    executor.add_node(node)
    finished, ran, kept = Future(), 0, {}

    def count() -> None:
        nonlocal ran
        ran += 1
        if ran in (1000, CALLBACKS):
            gc.collect()
            kept[ran] = len(gc.get_objects())
        if ran == CALLBACKS:
            finished.set_result(None)

    node.create_timer(1e-6, count, clock=Clock(clock_type=ClockType.STEADY_TIME))
    try:
        spin_until(executor, finished.done)
        assert len(finished._callbacks) == 0
        assert kept[CALLBACKS] - kept[1000] < 100
    finally:
        executor.shutdown()
        node.destroy_node()


def test_a_callback_that_fails_is_reported_and_the_node_goes_on(
    bench: NodeBench, fragile: Fragile
) -> None:
    points, texts = bench.publisher(Point, "point"), bench.publisher(String, "text")
    for _ in range(3):
        points.publish(Point())
    assert bench.says("fragile: faults", ERROR, "/point failed: ZeroDivisionError: a fault of ours")
    assert bench.until(lambda: bench.statuses["fragile: faults"][2].get("/point") == "3", 3.0)
    texts.publish(String(data="still there"))
    assert bench.until(lambda: fragile.heard == ["still there"])
    assert bench.says("fragile: faults", OK, "work again")


def test_bytes_that_are_no_message_are_not_heard_and_the_next_message_is(
    bench: NodeBench, fragile: Fragile
) -> None:
    texts = bench.publisher(String, "text")
    for data in BROKEN:
        texts.publish(data)
    texts.publish(String(data="still there"))
    assert bench.until(lambda: fragile.heard)
    assert fragile.heard == ["still there"]
    assert not fragile.faults


def test_a_question_that_fails_is_answered_with_the_reason(
    bench: NodeBench, fragile: Fragile
) -> None:
    answer = bench.answer(Trigger, "fragile/ask", Trigger.Request(), seconds=5.0)
    assert not answer.success
    assert "KeyError" in answer.message
    assert bench.says("fragile: faults", ERROR, "ask failed")
