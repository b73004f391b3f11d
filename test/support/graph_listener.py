"""A subscriber of the running graph, as a process of its own: one JSON line a message.

    python graph_listener.py OUT.jsonl CAMERA

Runs until SIGINT or SIGTERM. Floats that are not finite are written as Python's json does (NaN).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from typing import Any, TextIO

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import (
    BeamDecisions,
    ChannelPaths,
    Detections,
    LinkChannel,
    LinkChannels,
    LinkPaths,
    TrackedPeople,
)
from visrftwin_ros.nodes.shared.twin_node import SENSOR_QOS

ALL = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)  # a busy machine loses none
LINK_NUMBERS = (
    "frequency", "bandwidth", "path_loss_db", "rms_delay_spread", "azimuth_spread", "k_factor_db",
    "shadow_loss_db", "line_of_sight", "retraced", "stale", "age", "reason", "path_count",
)  # fmt: skip
BEAM_NUMBERS = ("tx_beam", "rx_beam", "snr_db", "mcs", "phy_rate", "throughput")


class Listener:
    def __init__(self, file: TextIO, camera: str) -> None:
        self._file = file
        node = self.node = rclpy.create_node("graph_listener")
        node.create_subscription(CameraInfo, f"{camera}/camera_info", self.on_camera, SENSOR_QOS)
        node.create_subscription(Detections, f"{camera}/detections", self.on_boxes, SENSOR_QOS)
        node.create_subscription(TrackedPeople, "people", self.on_people, ALL)
        node.create_subscription(LinkChannels, "channels", self.on_channels, ALL)
        node.create_subscription(ChannelPaths, "channel_paths", self.on_paths, ALL)
        node.create_subscription(BeamDecisions, "beams", self.on_beams, ALL)
        node.create_subscription(DiagnosticArray, "/diagnostics", self.on_diagnostics, ALL)

    def write(self, topic: str, message: Any, **content: object) -> None:
        line = {
            "topic": topic,
            "stamp": stamp_ns(message.header.stamp),
            "received": time.time_ns(),
            **content,
        }
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def on_camera(self, message: CameraInfo) -> None:
        self.write("camera", message)

    def on_boxes(self, message: Detections) -> None:
        boxes = [[d.x, d.y, d.width, d.height] for d in message.detections]
        self.write("detections", message, boxes=boxes, latency=message.latency)

    def on_people(self, message: TrackedPeople) -> None:
        people = [
            {"id": p.id, "x": p.position.x, "y": p.position.y, "height": p.height}
            for p in message.people
        ]
        self.write(
            "people",
            message,
            people=people,
            stale=message.stale,
            age=message.age,
            latency=message.latency,
        )

    def on_channels(self, message: LinkChannels) -> None:
        self.write(
            "channels",
            message,
            frame=message.header.frame_id,
            links=[link_content(link) for link in message.channels],
            affected_links=message.affected_links,
            latency=message.latency,
            compute_time=message.compute_time,
        )

    def on_paths(self, message: ChannelPaths) -> None:
        self.write("channel_paths", message, links=[paths_content(link) for link in message.links])

    def on_beams(self, message: BeamDecisions) -> None:
        decisions = [
            {"tx": d.tx, "rx": d.rx, **{name: getattr(d, name) for name in BEAM_NUMBERS}}
            for d in message.decisions
        ]
        self.write(
            "beams", message, decisions=decisions, stale=message.stale, latency=message.latency
        )

    def on_diagnostics(self, message: DiagnosticArray) -> None:
        levels = {s.name: [int.from_bytes(s.level, "little"), s.message] for s in message.status}
        self.write("diagnostics", message, levels=levels)


def link_content(link: LinkChannel) -> dict[str, object]:
    return {"tx": link.tx, "rx": link.rx, **{name: getattr(link, name) for name in LINK_NUMBERS}}


def paths_content(link: LinkPaths) -> dict[str, object]:
    numbers = np.array([[p.delay, p.gain_db, p.phase, p.shadow_loss_db] for p in link.paths])
    numbers = numbers.reshape(-1, 4)
    return {
        "tx": link.tx,
        "rx": link.rx,
        "paths": len(link.paths),
        "paths_with_nan": int(np.isnan(numbers).any(axis=1).sum()),
        "paths_digest": hashlib.sha1(repr(link.paths).encode()).hexdigest(),
    }


def main() -> None:
    path, camera = sys.argv[1:]
    rclpy.init()
    with open(path, "w") as file:
        listener = Listener(file, camera)
        with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
            rclpy.spin(listener.node)


if __name__ == "__main__":
    main()
