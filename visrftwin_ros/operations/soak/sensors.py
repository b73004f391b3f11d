"""A recording as live sensors: over and over, stamped now, and with the faults that it is told on its
standard input, a line of JSON each: the faults by sensor, as {"cctv": "blind"}.

    python -m visrftwin_ros.operations.soak.sensors BAG
"""

from __future__ import annotations

import json
import select
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.bags.topics import TF as TF_TOPIC
from visrftwin_ros.bags.topics import TF_STATIC, is_sensor
from visrftwin_ros.operations.soak.faults import SHIFT, TF

TICK = 0.005
"""s between two looks."""
FLOODED = 40
"""Copies of a message that floods, one a tick."""
STAMP = struct.Struct("<iI")
"""In CDR, little endian: seconds, nanoseconds."""


@dataclass(frozen=True)
class Recorded:
    """One message. at: ns from the beginning of the recording. sensor: whose it is."""

    at: int
    sensor: str
    topic: str
    kind: str
    data: bytes


def recorded(bag: BagFile) -> list[Recorded]:
    """What sensors and TF sent, in order; nothing of what was found by them."""
    chosen = [c for c in bag.connections if sensor_of(c.topic, c.msgtype)]
    return [
        Recorded(at - bag.start_ns, sensor_of(c.topic, c.msgtype), c.topic, c.msgtype, bytes(data))
        for c, at, data in bag.messages(chosen)
    ]


def sensor_of(topic: str, kind: str) -> str:
    """The sensor that sends a topic, '' where none does."""
    if topic in (TF_TOPIC, TF_STATIC):
        return TF
    return topic.strip("/").split("/")[0] if is_sensor(kind) else ""


def stamped(data: bytes, stamp_ns: int) -> bytes:
    """A message that begins with a header, under another stamp."""
    seconds, rest = divmod(stamp_ns, 10**9)
    at = 4  # behind what CDR begins with
    return data[:at] + STAMP.pack(seconds, rest) + data[at + STAMP.size :]


class Sensors:
    """Publishes a recording for ever."""

    def __init__(self, bag: Path) -> None:
        import rclpy
        from rclpy.signals import SignalHandlerOptions

        with open_bag(bag) as opened:
            self._messages = recorded(opened)
            self._length = opened.end_ns - opened.start_ns
        self._messages = [m for m in self._messages if m.at < self._length]
        self._faults: dict[str, str] = {}
        self._last: dict[str, Recorded] = {}  # by topic
        self._flood: list[tuple[int, Recorded, int]] = []  # copies to come, message, stamp
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # a signal ends it where it is
        self._node = rclpy.create_node("sensors")
        of_topics = {message.topic: message for message in self._messages}
        self._publishers = {topic: self._publisher(m) for topic, m in of_topics.items()}

    def _publisher(self, message: Recorded) -> Any:
        from visrftwin_ros.nodes.campaign_replay import LATCHED_QOS, RECORDED_QOS
        from visrftwin_ros.nodes.messages.message_types import message_class
        from visrftwin_ros.nodes.shared.twin_node import SENSOR_QOS

        qos = SENSOR_QOS if is_sensor(message.kind) else RECORDED_QOS
        qos = LATCHED_QOS if message.topic == TF_STATIC else qos
        return self._node.create_publisher(message_class(message.kind, ""), message.topic, qos)

    def run(self) -> None:
        for message in self._for_ever():
            self._send(message, time.time_ns())

    def _for_ever(self) -> Iterator[Recorded]:
        """Each message when it is due; in between orders are heard."""
        began = time.monotonic_ns()
        while True:
            for message in self._messages:
                while time.monotonic_ns() - began < message.at:
                    self._hear()
                    self._send_copies()
                    time.sleep(TICK)
                yield message
            began += self._length

    def _hear(self) -> None:
        """Orders that came; who gives them and has gone ends this process."""
        while select.select([sys.stdin], [], [], 0.0)[0]:
            line = sys.stdin.readline()
            if not line:
                raise SystemExit
            self._faults = json.loads(line)

    def _send(self, message: Recorded, now_ns: int) -> None:
        if message.topic == TF_STATIC:
            self._publishers[message.topic].publish(message.data)
            return
        fault = self._faults.get(message.sensor, "")
        if fault == "freeze":
            return
        if fault == "repeat":  # what came before the fault, so that nothing is news during it
            message = self._last.get(message.topic, message)
        self._last[message.topic] = message
        if fault.startswith("shift"):
            now_ns += round((SHIFT if fault == "shift ahead" else -SHIFT) * 1e9)
        data = blinded(message) if fault == "blind" else message.data
        self._publishers[message.topic].publish(stamped_as(message.kind, data, now_ns))
        if fault == "flood":
            self._flood.append((FLOODED, message, now_ns))

    def _send_copies(self) -> None:
        for _, message, stamp in self._flood:
            data = stamped_as(message.kind, message.data, stamp)
            self._publishers[message.topic].publish(data)
        self._flood = [(left - 1, m, stamp) for left, m, stamp in self._flood if left > 1]


def stamped_as(kind: str, data: bytes, stamp_ns: int) -> bytes:
    """As `stamped`, of any kind that sensors send; of TF with all of its transforms."""
    if kind != "tf2_msgs/msg/TFMessage":
        return stamped(data, stamp_ns)
    from rclpy.serialization import deserialize_message, serialize_message
    from tf2_msgs.msg import TFMessage

    from visrftwin_ros.messages.stamps import stamp_message
    from visrftwin_ros.nodes.messages.message_types import made

    message = deserialize_message(data, TFMessage)
    for transform in message.transforms:
        transform.header.stamp = stamp_message(made, stamp_ns)
    return bytes(serialize_message(message))


def blinded(message: Recorded) -> bytes:
    """The same from a lens or a window that is covered: a black picture, a cloud of zeros."""
    if message.kind == "sensor_msgs/msg/CameraInfo":
        return message.data
    import cv2
    import numpy as np
    from rclpy.serialization import deserialize_message, serialize_message

    from visrftwin_ros.nodes.messages.message_types import message_class

    dark: Any = deserialize_message(message.data, message_class(message.kind, ""))
    if message.kind == "sensor_msgs/msg/CompressedImage":
        picture = cv2.imdecode(np.frombuffer(dark.data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None  # it was recorded whole
        dark.data = cv2.imencode(".jpg", np.zeros_like(picture))[1].tobytes()
    else:
        dark.data = bytes(len(dark.data))
    return bytes(serialize_message(dark))


if __name__ == "__main__":
    Sensors(Path(sys.argv[1])).run()
