"""What bench/many_twins.py starts in its hosts besides twins.

python bench/host_roles.py people BAG NAMESPACE ...
    a recording's true people, over and over, stamped now, in place of cameras; its robot stands where it began
python bench/host_roles.py listen TOPIC
    a line for each message of channels: s by this machine's clock, age of its stamp, 1 where it is stale
"""

from __future__ import annotations

import sys
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.bags.topics import TF, TF_STATIC
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import LinkChannels
from visrftwin_ros.nodes.campaign_replay import LATCHED_QOS, RECORDED_QOS
from visrftwin_ros.nodes.messages.message_types import message_class
from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS
from visrftwin_ros.operations.soak.sensors import stamped_as

PEOPLE = "/truth/people"
PERIOD = 0.4, 0.1
"""s between two messages of people, and of TF: all hosts share the processors of one machine, and so robots stand as
well, whose paths the twin would search again all the time."""


def play(bag: str, namespaces: list[str]) -> None:
    with open_bag(bag) as opened:
        chosen = [c for c in opened.connections if c.topic in (PEOPLE, TF, TF_STATIC)]
        messages = [
            (at, c.topic, c.msgtype, bytes(data)) for c, at, data in opened.messages(chosen)
        ]
    rclpy.init()
    node = rclpy.create_node("recorded_people")
    names = {PEOPLE: "people", TF: "tf", TF_STATIC: "tf_static"}
    publishers = {
        topic: [
            node.create_publisher(
                message_class(kind, ""),
                f"{root}/{names[topic]}",
                LATCHED_QOS if topic == TF_STATIC else RECORDED_QOS,
            )
            for root in namespaces
        ]
        for topic, kind in {topic: kind for _, topic, kind, _ in messages}.items()
    }
    first, last = messages[0][0], messages[-1][0]
    standing = next(data for _, topic, _, data in messages if topic == TF)
    for _, topic, _, data in messages:
        if topic == TF_STATIC:
            for publisher in publishers[topic]:
                publisher.publish(data)
    while True:
        began, told = time.monotonic(), dict.fromkeys((PEOPLE, TF), float("-inf"))
        for at, topic, kind, data in messages:
            due = began + (at - first) * 1e-9
            if topic == TF_STATIC or due < told[topic] + PERIOD[topic == TF] - 1e-3:
                continue
            time.sleep(max(0.0, due - time.monotonic()))
            shown = standing if topic == TF else data
            for publisher in publishers[topic]:
                publisher.publish(stamped_as(kind, shown, time.time_ns()))
            told[topic] = due
        time.sleep(max(0.0, began + (last - first) * 1e-9 - time.monotonic()))


def listen(topic: str) -> None:
    rclpy.init()
    node = rclpy.create_node("listener")

    def told(message: LinkChannels) -> None:
        now = time.time_ns()
        stale = any(link.stale for link in message.channels) or not message.channels
        age = (now - stamp_ns(message.header.stamp)) * 1e-9
        print(f"{time.monotonic():.3f} {age:.3f} {int(stale)}", flush=True)

    node.create_subscription(LinkChannels, topic, told, RESULT_QOS)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.spin()


if __name__ == "__main__":
    role, *words = sys.argv[1:]
    if role == "people":
        play(words[0], words[1:])
    else:
        listen(*words)
