"""Every topic's quality of service is a parameter, of the node that has it alone."""

from __future__ import annotations

import pytest
from node_bench import NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from std_msgs.msg import String

from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS, TwinNode

BEST_EFFORT = {"qos_overrides./hall/said.publisher.reliability": "best_effort"}


class Speaker(TwinNode):
    def configure(self) -> None:
        self.publisher(String, "said", RESULT_QOS)
        self.subscription(String, "asked", lambda _: None, RESULT_QOS)


def test_an_override_counts_for_its_topic_and_its_node(bench: NodeBench) -> None:
    late = {"qos_overrides./hall/asked.subscription.durability": "transient_local"}
    node = bench.active(Speaker, "speaker", "/hall", **BEST_EFFORT, **late)
    other = bench.active(Speaker, "speaker", "/yard")
    (said,) = node.get_publishers_info_by_topic("/hall/said")
    (asked,) = node.get_subscriptions_info_by_topic("/hall/asked")
    assert said.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert asked.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert asked.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    (said,) = other.get_publishers_info_by_topic("/yard/said")
    assert said.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert RESULT_QOS.reliability == ReliabilityPolicy.RELIABLE


def test_it_counts_again_when_the_node_is_configured_again(bench: NodeBench) -> None:
    node = bench.active(Speaker, "speaker", "/hall", **BEST_EFFORT)
    for trigger in (node.trigger_deactivate, node.trigger_cleanup, node.trigger_configure):
        assert trigger() == TransitionCallbackReturn.SUCCESS
    (said,) = node.get_publishers_info_by_topic("/hall/said")
    assert said.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


@pytest.mark.parametrize("wrong", ["martian", 5])
def test_a_policy_that_is_none_is_told(bench: NodeBench, wrong: object) -> None:
    node = bench.node(
        Speaker, "speaker", "/hall", **{"qos_overrides./hall/said.publisher.reliability": wrong}
    )
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("hall/speaker: configure", 2, "quality of service of 'said'")
