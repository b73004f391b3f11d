"""Listens to a running graph for `visrftwin demo`, and starts its camera when all is ready."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo

from visrftwin_ros.demo.record import GraphRecord, HandOverHeard, WarningHeard, link_name
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import (
    BeamDecisions,
    ChannelPaths,
    FadeWarning,
    HandOver,
    LinkChannels,
    TrackedPeople,
)
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.shared.twin_node import EACH_QOS, RESULT_QOS, SENSOR_QOS
from visrftwin_ros.site.model import Camera
from visrftwin_ros.viewing.rerun_view import SHOWN_SCORE


class GraphRecorder:
    """Fills a GraphRecord from a thread of its own, until `close`; images are those of `camera`.

    rclpy is initialised by whoever owns the process.
    """

    def __init__(self, camera: Camera) -> None:
        self.record = GraphRecord()
        self._node = rclpy.create_node("demo_recorder")
        listen = self._node.create_subscription
        listen(CameraInfo, f"{camera.name}/camera_info", self._on_camera_info, SENSOR_QOS)
        listen(DetectionsMessage, f"{camera.name}/detections", self._on_detections, SENSOR_QOS)
        listen(TrackedPeople, "people", self._on_people, RESULT_QOS)
        listen(LinkChannels, "channels", self._on_channels, RESULT_QOS)
        listen(ChannelPaths, "channel_paths", self._on_paths, RESULT_QOS)
        listen(BeamDecisions, "beams", self._on_beams, RESULT_QOS)
        listen(FadeWarning, "fade_warnings", self._on_warning, EACH_QOS)
        listen(HandOver, "hand_overs", self._on_hand_over, EACH_QOS)
        listen(DiagnosticArray, "/diagnostics", self._on_diagnostics, RESULT_QOS)
        self._active: set[str] = set()
        self._asked: dict[str, Any] = {}
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def all_active(self, names: list[str]) -> bool:
        """Whether every one of these nodes is active; asks again those that were not yet."""
        for name in names:
            if name not in self._active:
                self._ask_state(name)
        return self._active.issuperset(names)

    def _ask_state(self, name: str) -> None:
        client = self._asked.get(name)
        if client is None:
            client = self._asked[name] = self._node.create_client(GetState, f"{name}/get_state")
        if client.service_is_ready():
            client.call_async(GetState.Request()).add_done_callback(partial(self._on_state, name))

    def _on_state(self, name: str, future: Any) -> None:
        if future.result().current_state.id == State.PRIMARY_STATE_ACTIVE:
            self._active.add(name)

    def start(self, name: str) -> bool:
        """Configures and activates a node that waits; False while it cannot be reached yet."""
        client = self._node.create_client(ChangeState, f"{name}/change_state")
        if not client.wait_for_service(timeout_sec=0.2):
            return False
        configure = Transition(id=Transition.TRANSITION_CONFIGURE)
        activate = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVATE))
        future = client.call_async(ChangeState.Request(transition=configure))
        future.add_done_callback(lambda _: client.call_async(activate))
        return True

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(timeout=5.0)
        self._node.destroy_node()

    def _on_camera_info(self, message: CameraInfo) -> None:
        self.record.image_stamps.append(stamp_ns(message.header.stamp))

    def _on_detections(self, message: DetectionsMessage) -> None:
        self.record.detector = message.detector
        self.record.add_latency("detector", message.latency)
        boxes = [
            [d.x, d.y, d.width, d.height] for d in message.detections if d.score >= SHOWN_SCORE
        ]
        self.record.boxes[stamp_ns(message.header.stamp)] = np.array(boxes).reshape(-1, 4)

    def _on_people(self, message: TrackedPeople) -> None:
        if message.stale:
            return
        self.record.add_latency("tracker", message.latency)
        self.record.people_ids.update(person.id for person in message.people)
        self.record.most_people = max(self.record.most_people, len(message.people))

    def _on_channels(self, message: LinkChannels) -> None:
        record, stamp = self.record, stamp_ns(message.header.stamp)
        stale = sum(link.stale for link in message.channels)
        record.stale_updates += stale
        if stale:
            return
        record.add_latency("channels (end to end)", message.latency)
        record.add_latency("channel computation", message.compute_time)
        record.link_updates += message.links
        record.affected_updates += message.affected_links
        for link in message.channels:
            name = link_name(link.tx, link.rx)
            if np.isfinite(link.shadow_loss_db):
                record.shadow.setdefault(name, []).append((stamp, link.shadow_loss_db))

    def _on_paths(self, message: ChannelPaths) -> None:
        if message.stale:
            return
        stamp = stamp_ns(message.header.stamp)
        for link in message.links:
            if link.paths:
                end = link.paths[0].vertices[-1]
                self.record.robots.setdefault(link.rx, []).append((stamp, (end.x, end.y, end.z)))

    def _on_beams(self, message: BeamDecisions) -> None:
        if message.stale:
            return
        self.record.add_latency("beams", message.latency)
        for beam in message.decisions:
            stamp, name = stamp_ns(message.header.stamp), link_name(beam.tx, beam.rx)
            self.record.throughput.setdefault(name, []).append((stamp, beam.throughput))
            self.record.snr_db.setdefault(name, []).append((stamp, beam.snr_db))

    def _on_warning(self, message: FadeWarning) -> None:
        self.record.fade_warnings.append(
            WarningHeard(
                link=link_name(message.tx, message.rx),
                heard_ns=stamp_ns(message.header.stamp) + round(message.latency * 1e9),
                begins_ns=stamp_ns(message.begins),
                ends_ns=stamp_ns(message.ends),
                probability=message.probability,
            )
        )

    def _on_hand_over(self, message: HandOver) -> None:
        at = stamp_ns(message.at)
        self.record.hand_overs.append(HandOverHeard(message.robot, message.to_ap, at))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.level in (DiagnosticStatus.WARN, DiagnosticStatus.ERROR):
                self.record.warnings[status.name] = status.message
