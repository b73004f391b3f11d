"""A topic that two nodes publish is told of, with their names; a moment of two is not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from node_bench import OK, WARN, NodeBench
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from visrftwin_ros.nodes.shared import sources
from visrftwin_ros.nodes.shared.sources import SURELY_GONE, Sources
from visrftwin_ros.nodes.shared.twin_node import TwinNode


class Hearing(TwinNode):
    def configure(self) -> None:
        self._sources = Sources(self, after=1.5)
        self.subscription(String, "text", lambda message: None)
        self.subscription(TFMessage, "/tf", lambda message: None)


def test_a_second_publisher_is_named_and_forgotten_when_it_goes(bench: NodeBench) -> None:
    bench.active(Hearing, "hearing")
    bench.publisher(String, "text")
    bench.publisher(TFMessage, "/tf")
    bench.publisher(TFMessage, "/tf")
    other = bench.node(Hearing, "other", namespace="/elsewhere")
    second = other.create_publisher(String, "/text", 1)
    assert bench.says("hearing: publishers text", WARN, "2 publishers (/elsewhere/other, /probe)")
    other.destroy_publisher(second)
    assert bench.says("hearing: publishers text", OK, "no publisher too many")
    assert "hearing: publishers /tf" not in bench.statuses


def test_as_many_as_are_expected_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Node:
        publishers = 2

        def get_publishers_info_by_topic(self, topic: str) -> list[object]:
            return [SimpleNamespace(node_name="predictor", node_namespace="/")] * self.publishers

        def report(self, subject: str, level: bytes, message: str, **values: object) -> None:
            told.append(message)

    node = Node()
    watched = Sources(node, after=0.0)
    watched.expect("channels", "/channels", 2)
    watched.watch()
    assert told == []
    node.publishers = 3
    watched.watch()
    assert told[0].startswith("3 publishers") and "expected 2" in told[0]


def test_the_dead_are_not_counted_while_dds_still_knows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The successor of a killed node publishes beside it until its lease, of 20 s, is over."""
    now, told = [100.0], []

    class Node:
        def get_publishers_info_by_topic(self, topic: str) -> list[object]:
            dead = now[0] < 120.5
            return [Endpoint()] * (2 if dead else 1)

        def report(self, subject: str, level: bytes, message: str, **values: object) -> None:
            told.append(message)

    class Endpoint:
        node_name, node_namespace = "predictor", "/"

    monkeypatch.setattr(sources.time, "monotonic", lambda: now[0])
    watched = Sources(Node())
    watched.expect("channels", "/channels")
    for _ in range(60):
        watched.watch()
        now[0] += 1.0
    assert told == []
    assert SURELY_GONE > 20.0
