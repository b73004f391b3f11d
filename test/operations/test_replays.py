"""A replay begins when the graph is there: nothing of a short recording is lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor

from visrftwin_ros.lab import shipped
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import Detections, LinkChannels
from visrftwin_ros.nodes.shared.graph_start import CONFIGURE
from visrftwin_ros.nodes.shared.twin_node import REPORT_QOS, RESULT_QOS, SENSOR_QOS
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.site.loading import load_site

SECONDS, RATE = 6, 10
SIZE = (160, 120)


@pytest.fixture
def filmed_site(tmp_path: Path) -> str:
    """A camera 5 m up that looks straight down its own wall, and its clip of six seconds."""
    array = {"rows": 1, "columns": 2}
    content = {
        "name": "filmed",
        "propagation": {
            **dict.fromkeys(("diffuse", "refraction", "diffraction"), False),
            **{"max_depth": 1, "samples": 3000},
        },
        "scene": [{"name": "floor", "kind": "ground", "size": [60, 60], "material": "concrete"}],
        "access_points": [{"name": "ap", "position": [-8, -6, 3], "array": array}],
        "robots": [{"name": "standing", "position": [2, 1], "array": array}],
        "cameras": [
            {
                "name": "cam",
                "image_width": SIZE[0],
                "image_height": SIZE[1],
                **{"fx": 150.0, "fy": 150.0, "cx": 79.5, "cy": 59.5},
                "rvec": [2.2, 0.0, 0.0],
                "t": [0.0, 3.0, 4.0],
                "frame_rate": RATE,
                "video": "clip.avi",
            }
        ],
    }
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(content))
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), RATE, SIZE
    )
    noise = np.random.default_rng(3)
    for _ in range(SECONDS * RATE):
        writer.write(noise.integers(90, 130, (SIZE[1], SIZE[0], 3), dtype=np.uint8))
    writer.release()
    return str(file)


class Listener:
    """What each topic brought, until a second after the replay's end, and all of it."""

    def __init__(self, topics: dict[str, tuple[type, Any]]) -> None:
        self.heard: dict[str, list[Any]] = {topic: [] for topic in topics}
        self._node = rclpy.create_node("hears_all")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        for topic, (kind, qos) in topics.items():
            self._node.create_subscription(kind, topic, self.heard[topic].append, qos)
        # The last one: who is heard here has been told of the subscriptions above as well.
        self._configured: set[str] = set()
        self._node.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, REPORT_QOS
        )
        self._says = self._node.create_publisher(DiagnosticArray, "/diagnostics", REPORT_QOS)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(CONFIGURE) and status.level == DiagnosticStatus.OK:
                self._configured.add(status.name.removesuffix(CONFIGURE))

    def run(self, specs: list[NodeSpec], seconds: float) -> None:
        """The graph, until its replay has ended."""
        *others, replay = specs
        # DDS may take seconds to find the publishers: the replay waits for us too.
        needed = set(replay.parameters["wait_for"])
        waits = [*needed, self._node.get_name()]
        ending = NodeSpec(
            replay.executable,
            replay.namespace,
            {**replay.parameters, "exit_at_end": True, "wait_for": waits},
        )
        graph = Graph([*others, ending])
        graph.start()
        deadline = time.monotonic() + seconds
        ended, waited, ready = 0.0, 0.0, False
        try:
            # A message that waits is handed over at once; what waits longer than that is silence.
            while not ended or time.monotonic() - ended < 1.0 or waited < 0.02:
                began = time.monotonic()
                assert began < deadline, "the replay does not end"
                self._executor.spin_once(timeout_sec=0.02)
                waited = time.monotonic() - began
                assert graph.poll() is None
                if not ready and needed <= self._configured:
                    ready = True
                    self._says.publish(
                        DiagnosticArray(
                            status=[DiagnosticStatus(name=f"{self._node.get_name()}{CONFIGURE}")]
                        )
                    )
                if not ended and graph.finished:
                    ended = time.monotonic()
            assert graph.restarted == []
        finally:
            graph.stop()
            self._executor.shutdown()
            self._node.destroy_node()


@pytest.mark.timeout(240)
def test_a_clip_of_six_seconds_yields_channels_from_its_beginning(
    ros: None, filmed_site: str
) -> None:
    site = load_site(filmed_site)
    video = str(Path(filmed_site).with_name("clip.avi"))
    listener = Listener(
        {"/cam/detections": (Detections, SENSOR_QOS), "/channels": (LinkChannels, RESULT_QOS)}
    )
    listener.run(node_table(site, filmed_site, video=video, viewer=False), 200.0)
    heard = listener.heard
    seen = [stamp_ns(m.header.stamp) for m in heard["/cam/detections"]]
    # A busy machine skips frames; what it must not skip is the clip's beginning or its end.
    assert max(seen) - min(seen) > (SECONDS - 2) * 1e9
    fresh = [m for m in heard["/channels"] if not m.channels[0].stale]
    assert len({stamp_ns(m.header.stamp) for m in fresh}) >= SECONDS


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_labs_bag_runs_with_nothing_but_its_site(ros: None) -> None:
    listener = Listener({"/channels": (LinkChannels, RESULT_QOS)})
    site = load_site(shipped.SITE)
    specs = node_table(site, shipped.SITE, bag=str(shipped.BAG), viewer=False, rate=0.5)
    listener.run(specs, 380.0)
    assert any(not link.stale for m in listener.heard["/channels"] for link in m.channels)
