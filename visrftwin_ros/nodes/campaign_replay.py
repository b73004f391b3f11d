"""Plays a recorded bag: its messages as they were recorded, and /clock."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock as ClockMessage
from std_srvs.srv import Trigger

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.bags.playback import Message, Playback, PlaybackClock, chosen_connections
from visrftwin_ros.bags.topics import TF, TF_STATIC, is_latched, is_sensor
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.nodes.messages.message_types import made, message_class
from visrftwin_ros.nodes.shared.graph_start import WAIT_FOR_PARAMETER, GraphStart
from visrftwin_ros.nodes.shared.twin_node import (
    ERROR,
    OK,
    SENSOR_QOS,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)

PERIOD = 0.01
"""s of wall time between two looks for messages that are due."""
CLOCK_PERIOD_NS = 20_000_000
"""Of wall time between two /clock messages where no message is due."""
SETTLE_NS = 200_000_000
"""Wall time that /clock stands after a jump: it and the messages have no order among each other, and
one from after a jump must not meet a node that does not know of it."""
CLOCK_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED_QOS = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RECORDED_QOS = QoSProfile(depth=100)


class CampaignReplay(TwinNode):
    """Publishes the recorded bytes as they are: a type is only looked up, never decoded.

    /clock is never behind a message that was published. Services as of `ros2 bag play`: ~/pause,
    ~/resume, ~/toggle_paused; setting the parameter `seek` jumps, setting `rate` changes the speed.
    """

    parameters: ClassVar[Sequence[NodeParameter]] = (
        NodeParameter("bag", "", "rosbag2 folder, or an .mcap or .db3 file"),
        NodeParameter("rate", 1.0, "Playback speed; 1 = as recorded", (0.05, 20.0), live=True),
        NodeParameter("loop", False, "Start again at the end; /clock jumps back", live=True),
        NodeParameter("start", 0.0, "Seconds of the bag to leave out", (0.0, 1e7)),
        NodeParameter(
            "seek", 0.0, "Set it to jump there, seconds from the beginning", (0.0, 1e7), live=True
        ),
        NodeParameter("paused", False, "Start paused"),
        NodeParameter("topics", [""], "Topics to play, with shell wildcards; [''] = all"),
        NodeParameter("truth", False, "Play the topics under truth/ as well"),
        WAIT_FOR_PARAMETER,
        NodeParameter("exit_at_end", False, "End the process when the bag has ended", live=True),
    )

    def configure(self) -> None:
        if not self.value("bag"):
            raise TwinError("parameter 'bag' is empty: give a rosbag2 folder or an .mcap file")
        self._open = ExitStack()
        self.add_on_set_parameters_callback(self._on_parameters)
        self._bag = self._open.enter_context(open_bag(self.value("bag")))
        patterns = [pattern for pattern in self.value("topics") if pattern]
        chosen = chosen_connections(self._bag, patterns, self.value("truth"))
        self._start_ns = self._bag.start_ns + round(self.value("start") * 1e9)
        if self._start_ns > self._bag.end_ns:
            seconds = (self._bag.end_ns - self._bag.start_ns) * 1e-9
            raise TwinError(f"parameter 'start' is behind the end of the bag, {seconds:.1f} s")
        self._bag_publishers: dict[str, Any] = {}
        refused = {}
        for connection in chosen:
            try:
                kind = message_class(connection.msgtype, self._bag.type_hash(connection))
            except TwinError as error:
                refused[connection.topic] = str(error)
                continue
            qos = _qos(connection.topic, connection.msgtype)
            topic = _below_us(connection.topic)
            self._bag_publishers[connection.topic] = self.publisher(kind, topic, qos)
        if not self._bag_publishers:
            raise TwinError(f"{self._bag.path}: no topic can be played: {_listed(refused)}")
        if refused:
            self.report("topics", WARN, f"left out: {_listed(refused)}")
        else:
            self.report("topics", OK, f"{len(self._bag_publishers)} topics are played")
        played = [c for c in chosen if c.topic in self._bag_publishers]
        self._playback = Playback(self._bag, played)
        self._clock_topic = self.publisher(ClockMessage, "/clock", CLOCK_QOS)
        self._start = GraphStart(self, self._on_graph)
        # Not on ROS time: that is what this node makes.
        self._wall = Clock(clock_type=ClockType.STEADY_TIME)
        for name, paused in (("pause", True), ("resume", False), ("toggle_paused", None)):
            self.service(Trigger, f"~/{name}", self._answer(paused))

    def cleanup(self) -> None:
        if hasattr(self, "_open"):
            self.remove_on_set_parameters_callback(self._on_parameters)
            self._open.close()
            del self._open

    def activate(self) -> None:
        self._clock_due_ns = self._messages = 0
        paused = self.value("paused") or bool(self._start.missing)
        now = self._wall.now().nanoseconds
        self._time = PlaybackClock(self._start_ns, now, self.value("rate"), paused)
        self._seek(self._start_ns)
        self._ticker = self.create_timer(PERIOD, self._play_due, clock=self._wall)
        self._entities.append((self.destroy_timer, self._ticker))

    def deactivate(self) -> None:
        if hasattr(self, "_ticker"):
            self._ticker.cancel()

    def _on_graph(self) -> None:
        if not self.value("paused"):
            self._set_paused(False)

    def _answer(self, paused: bool | None) -> Any:
        def answered(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            if not self.active:
                response.message = "not active: activate the node before"
                return response
            self._start.missing.clear()
            self._set_paused(not self._time.paused if paused is None else paused)
            response.success = True
            response.message = "paused" if self._time.paused else "playing"
            return response

        return answered

    def _set_paused(self, paused: bool) -> None:
        self._time = self._time.changed(self._wall.now().nanoseconds, paused=paused)

    def _on_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        for parameter in changed:
            if parameter.name not in ("rate", "seek") or not self.active:
                continue
            if parameter.name == "rate":
                now = self._wall.now().nanoseconds
                self._time = self._time.changed(now, rate=parameter.value)
                continue
            target = self._bag.start_ns + round(parameter.value * 1e9)
            if target > self._bag.end_ns:
                seconds = (self._bag.end_ns - self._bag.start_ns) * 1e-9
                return SetParametersResult(
                    successful=False, reason=f"the bag has {seconds:.1f} s only"
                )
            self._seek(target)
            self._ticker.reset()
        return SetParametersResult(successful=True)

    def _seek(self, target_ns: int) -> None:
        try:
            latched = self._playback.seek(target_ns)
        except TwinError as error:
            self.report("bag", ERROR, str(error))
            return
        self._settled_ns = self._wall.now().nanoseconds + SETTLE_NS
        self._time = self._time.moved(self._settled_ns, target_ns)
        self._publish_clock(target_ns)
        for message in latched:
            self._publish(message)

    def _play_due(self) -> None:
        wall = self._wall.now().nanoseconds
        now = self._time.at(wall)
        first = True
        try:
            for message in self._playback.due(now) if wall >= self._settled_ns else ():
                if first:
                    self._publish_clock(now)
                    first = False
                self._publish(message)
        except TwinError as error:
            self._ticker.cancel()
            self.report("bag", ERROR, f"stopped: {error}")
            return
        if first and wall >= self._clock_due_ns:
            self._publish_clock(now)
        self._report(now)
        if self._playback.ended:
            self._at_end()

    def _publish_clock(self, bag_ns: int) -> None:
        self._clock_due_ns = self._wall.now().nanoseconds + CLOCK_PERIOD_NS
        self._clock_topic.publish(ClockMessage(clock=stamp_message(made, bag_ns)))

    def _publish(self, message: Message) -> None:
        connection, _, data = message
        self._bag_publishers[connection.topic].publish(bytes(data))
        self._messages += 1

    def _at_end(self) -> None:
        if self.value("loop"):
            self._seek(self._start_ns)
            return
        self._ticker.cancel()
        self.report("bag", OK, "the bag has ended", messages=self._messages)
        if self.value("exit_at_end"):
            self.finished.set_result(None)

    def _report(self, now_ns: int) -> None:
        level, state = OK, "paused" if self._time.paused else "playing"
        if self._start.missing:
            level, state = self._start.said()
        if self._bag.stopped_by:
            state += f"; the recording is not complete: ended by {self._bag.stopped_by}"
        seconds = f"{(now_ns - self._bag.start_ns) * 1e-9:.1f}"
        level = WARN if self._bag.stopped_by else level
        self.report("bag", level, state, seconds=seconds, messages=self._messages)


def _below_us(topic: str) -> str:
    """A recorded topic in this node's namespace; those of TF are remapped where there is one."""
    return topic if topic in (TF, TF_STATIC) else topic.lstrip("/")


def _qos(topic: str, kind: str) -> QoSProfile:
    if is_latched(topic):
        return LATCHED_QOS
    return SENSOR_QOS if is_sensor(kind) else RECORDED_QOS


def _listed(refused: dict[str, str]) -> str:
    return "; ".join(f"{topic}: {reason}" for topic, reason in refused.items())


def main() -> None:
    run(CampaignReplay, "campaign_replay")


if __name__ == "__main__":
    main()
