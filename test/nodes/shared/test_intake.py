"""Messages out of their limits are refused or cut where they enter, named and counted."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import Point
from node_bench import OK, WARN, NodeBench
from rclpy.parameter import Parameter

from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import (
    ChannelPaths,
    LinkChannels,
    LinkPaths,
    RadioPath,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.twin_node import TwinNode


class Listener(TwinNode):
    """Keeps the people and the paths that reach it."""

    def configure(self) -> None:
        self.people: list[TrackedPeople] = []
        self.paths: list[ChannelPaths] = []
        self.subscription(TrackedPeople, "people", self.people.append)
        self.subscription(ChannelPaths, "channel_paths", self.paths.append)


def people(count: int, stamp_ns: int | None = None) -> TrackedPeople:
    crowd = [TrackedPerson(id=str(k), height=1.75, width=0.5, depth=0.3) for k in range(count)]
    for k, person in enumerate(crowd):
        person.position.x, person.position.y = (float(v) for v in divmod(k, 100))
        person.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    message = TrackedPeople(people=crowd)
    message.header = header(made, stamp_ns or time.time_ns(), "world")
    return message


@pytest.fixture
def listener(bench: NodeBench) -> Listener:
    node: Listener = bench.active(Listener, "listener", **{"limits.ahead": 0.5})
    return node


def test_what_was_on_its_way_when_a_replay_began_again_is_dropped_without_a_word(
    bench: NodeBench, listener: Listener
) -> None:
    sent = bench.publisher(TrackedPeople, "people")
    listener._went_back(6.0)
    sent.publish(people(2, time.time_ns() + 6 * 10**9))
    sent.publish(people(1))
    assert bench.until(lambda: len(listener.people) == 1)
    assert len(listener.people[0].people) == 1
    assert bench.says("listener: time", WARN, "went back by 6.00 s")
    assert "listener: input people" not in bench.statuses


def test_each_wrong_stamp_is_refused_by_name_and_counted(
    bench: NodeBench, listener: Listener
) -> None:
    sent = bench.publisher(TrackedPeople, "people")
    wrong = {"no ROS time": (-1, 5), "stamp 0": (0, 0), "in the future": (2**31 - 1, 0)}
    for count, (why, (second, nanosecond)) in enumerate(wrong.items(), start=1):
        message = people(1)
        message.header.stamp.sec, message.header.stamp.nanosec = second, nanosecond
        sent.publish(message)
        assert bench.says("listener: input people", WARN, why)
        assert bench.until(lambda n=count: int(said_of(bench)["refused"]) == n)
    assert listener.people == []
    sent.publish(people(1))
    assert bench.until(lambda: len(listener.people) == 1)
    assert bench.says("listener: input people", OK, "within their limits")


def said_of(bench: NodeBench) -> dict[str, str]:
    return bench.statuses["listener: input people"][2]


def test_a_limit_is_a_parameter(bench: NodeBench) -> None:
    node = bench.active(Listener, "listener", **{"limits.people": 3})
    bench.publisher(TrackedPeople, "people").publish(people(4))
    assert bench.until(lambda: len(node.people) == 1)
    assert [p.id for p in node.people[0].people] == ["0", "1", "2"]
    assert bench.says("listener: input people", WARN, "4 people come: only the first 3 are taken")
    assert said_of(bench)["cut"] == "1"


def test_a_path_of_too_many_vertices_reaches_nobody(bench: NodeBench, listener: Listener) -> None:
    link = LinkPaths(tx="ap", rx="robot", paths=[RadioPath(delay=1e-8, vertices=[Point()] * 65)])
    message = ChannelPaths(links=[link])
    message.header = header(made, time.time_ns(), "world")
    bench.publisher(ChannelPaths, "channel_paths").publish(message)
    assert bench.says("listener: input channel_paths", WARN, "65 vertices")
    assert listener.paths == []


def test_ten_thousand_people_hold_the_predictor_up_for_less_than_a_second(
    bench: NodeBench, small_site: Path
) -> None:
    cache = str(small_site.parent / "cache")
    bench.active(ChannelPredictor, "predictor", site=str(small_site), cache=cache)
    channels = bench.heard(LinkChannels, "channels")
    sent = bench.publisher(TrackedPeople, "people")
    sent.publish(people(200))
    assert bench.until(lambda: any(not m.channels[0].stale for m in channels))
    channels.clear()
    crowd = people(10_000)
    start = time.thread_time()  # of this thread alone: the machine has other work
    sent.publish(crowd)
    assert bench.until(lambda: any(m.header.stamp == crowd.header.stamp for m in channels))
    assert time.thread_time() - start < 1.0  # made into bytes, decoded and computed
    assert bench.says("predictor: input people", WARN, "10000 people come: only the first 200")


def test_a_parameter_is_live_or_refused_while_the_node_is_configured(
    bench: NodeBench, small_site: Path
) -> None:
    node = bench.active(BeamSelector, "selector", site=str(small_site))
    assert node.set_parameters([Parameter("stale_after", value=0.7)])[0].successful
    for name, value in (("hysteresis_db", 2.0), ("limits.people", 7)):
        (answer,) = node.set_parameters([Parameter(name, value=value)])
        assert not answer.successful
        assert f"{name}: read when the node is configured" in answer.reason
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.set_parameters([Parameter("hysteresis_db", value=2.0)])[0].successful
