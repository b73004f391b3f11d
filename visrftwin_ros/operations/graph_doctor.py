"""What is wrong with a running graph, and what would be right: for `visrftwin doctor`."""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from visrftwin_ros.cameras.camera_models import site_intrinsics
from visrftwin_ros.operations.doctor import Finding
from visrftwin_ros.operations.node_table import NodeSpec
from visrftwin_ros.site.model import Camera, Lidar, Site

SLOW = 0.5
"""Share of its rate below which a sensor is too slow."""
SKEW = 1.0
"""s that a stamp, or a node's clock, may lie off; what is older is stale to the nodes."""
RESULTS = ("people", "channels", "beams")


@dataclass
class Stream:
    """One topic that is listened to. rate: messages a second that are expected of a sensor, None for
    results. ages: s from a message's stamp to now. others: topics on which the same may come."""

    topic: str
    kind: str
    rate: float | None = None
    what: str = ""
    others: tuple[str, ...] = ()
    count: int = 0
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    publishers: list[tuple[str, str]] = field(default_factory=list)  # topic, node


@dataclass
class Heard:
    """Of a graph, in `seconds` of listening. statuses: (level, text) by the name on /diagnostics.
    clocks: s that each node's clock lay behind the time that counts. frames: the parent of each;
    conflicts: of those with two publishers. clock_ns: the last /clock; None: there is none. topics:
    types by name. volatile: who publishes /tf_static so that late ones do not hear it."""

    seconds: float
    streams: list[Stream]
    statuses: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    clocks: dict[str, float] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    clock_ns: int | None = None
    clock_publishers: list[str] = field(default_factory=list)
    topics: dict[str, list[str]] = field(default_factory=dict)
    volatile: list[str] = field(default_factory=list)

    @property
    def nodes(self) -> list[str]:
        """Of the twin, that spoke."""
        return sorted({name.partition(":")[0] for name in self.statuses})


def look_at_graph(
    site: Site | None, table: Sequence[NodeSpec], namespace: str, seconds: float
) -> list[Finding]:
    """Sensors, nodes, frames, clocks and results, after listening for so long.

    site, table: what is expected; without a site only what is heard is told. A graph without a node
    of a twin has its sensors looked at, and nothing is wrong with what does not come yet.
    """
    root = f"/{namespace.strip('/')}" if namespace.strip("/") else ""
    streams = [*_sensor_streams(site, root), *_result_streams(root)]
    return findings(site, table, listened(root, _ours(site, root), streams, seconds))


def findings(site: Site | None, table: Sequence[NodeSpec], heard: Heard) -> list[Finding]:
    """What is to be said of what was heard."""
    runs = bool(heard.nodes)
    if runs:
        found = [Finding("graph", f"{len(heard.nodes)} nodes: {', '.join(heard.nodes)}")]
        found += _missing(table, heard.nodes)
        found += [
            Finding(name, text, True)
            for name, (level, text) in sorted(heard.statuses.items())
            if level != b"\x00"
        ]
    else:
        found = [Finding("graph", f"no node of a twin was heard for {heard.seconds:.0f} s")]
    found += [_stream(stream, heard, runs) for stream in heard.streams]
    return [*found, *_clocks(heard), *_frames(site, heard, runs)]


def _sensor_streams(site: Site | None, root: str) -> Iterator[Stream]:
    for camera in site.cameras if site else ():
        topic = f"{root}/{camera.name}/image_raw"
        yield Stream(
            topic,
            "sensor_msgs/msg/Image",
            camera.frame_rate,
            f"camera {camera.name}",
            (f"{topic}/compressed",),
        )
        if site_intrinsics(camera) is None:
            topic = f"{root}/{camera.name}/camera_info"
            yield Stream(topic, "sensor_msgs/msg/CameraInfo", 0.0, f"lens of {camera.name}")
    for lidar in site.lidars if site else ():
        absolute = lidar.topic.startswith("/")
        topic = lidar.topic if absolute else f"{root}/{lidar.name}/{lidar.topic}"
        yield Stream(topic, "sensor_msgs/msg/PointCloud2", 0.0, f"LiDAR {lidar.name}")


def _result_streams(root: str) -> Iterator[Stream]:
    for name, kind in zip(RESULTS, ("TrackedPeople", "LinkChannels", "BeamDecisions"), strict=True):
        yield Stream(f"{root}/{name}", f"visrftwin_ros/msg/{kind}")


def _ours(site: Site | None, root: str) -> frozenset[str] | None:
    """Namespaces in which nodes of this twin are; None: any."""
    if site is None:
        return None
    sensors: tuple[Camera | Lidar, ...] = (*site.cameras, *site.lidars)
    below = root.lstrip("/")
    return frozenset({below, *(f"{below}/{one.name}".lstrip("/") for one in sensors)})


def listened(
    root: str, ours: frozenset[str] | None, streams: list[Stream], seconds: float
) -> Heard:
    """What comes on /diagnostics, TF, /clock and the streams in so many seconds."""
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import DurabilityPolicy
    from rosgraph_msgs.msg import Clock
    from tf2_msgs.msg import TFMessage

    from visrftwin_ros.nodes.messages.message_types import message_class
    from visrftwin_ros.nodes.shared.frame_watch import FrameWatch
    from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, STATIC_QOS
    from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS, SENSOR_QOS

    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    heard, frames = Heard(seconds, streams), FrameWatch()
    rclpy.init()
    node = rclpy.create_node("doctor")
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def now_ns() -> int:
        return time.time_ns() if heard.clock_ns is None else heard.clock_ns

    def on_diagnostics(message: DiagnosticArray) -> None:
        stamp = message.header.stamp
        for status in message.status:
            name, _, subject = status.name.partition(": ")
            if subject and (ours is None or name.rpartition("/")[0] in ours):
                heard.statuses[status.name] = status.level, status.message
                heard.clocks[name] = (now_ns() - stamp.sec * 10**9 - stamp.nanosec) * 1e-9

    def on_clock(message: Clock) -> None:
        heard.clock_ns = message.clock.sec * 10**9 + message.clock.nanosec

    def on_tf(message: TFMessage, static: bool) -> None:
        frames.add(message, static, time.monotonic())

    def on_stream(stream: Stream, data: bytes) -> None:
        stream.count += 1
        stream.ages.append((now_ns() - header_ns(data)) * 1e-9)

    def names(topic: str) -> list[str]:
        found = node.get_publishers_info_by_topic(topic)
        return sorted(f"{one.node_namespace.rstrip('/')}/{one.node_name}" for one in found)

    try:
        node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, RESULT_QOS)
        node.create_subscription(Clock, f"{root}/clock", on_clock, SENSOR_QOS)
        for topic, static, qos in (("tf", False, MOVING_QOS), ("tf_static", True, STATIC_QOS)):
            hear = partial(on_tf, static=static)
            node.create_subscription(TFMessage, f"{root}/{topic}", hear, qos)
        for stream in streams:
            kinds = {stream.topic: stream.kind}
            kinds |= dict.fromkeys(stream.others, "sensor_msgs/msg/CompressedImage")
            qos = RESULT_QOS if stream.rate is None else SENSOR_QOS
            for topic, kind in kinds.items():
                hear = partial(on_stream, stream)
                node.create_subscription(message_class(kind, ""), topic, hear, qos, raw=True)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            executor.spin_once(timeout_sec=0.1)
        for stream in streams:
            for topic in (stream.topic, *stream.others):
                stream.publishers += [(topic, name) for name in names(topic)]
        heard.clock_publishers = names(f"{root}/clock")
        heard.topics = dict(node.get_topic_names_and_types())
        heard.volatile = sorted(
            f"{one.node_namespace.rstrip('/')}/{one.node_name}"
            for one in node.get_publishers_info_by_topic(f"{root}/tf_static")
            if one.qos_profile.durability == DurabilityPolicy.VOLATILE
        )
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    heard.frames, heard.conflicts = frames.parents(), frames.conflicts(time.monotonic())
    return heard


def header_ns(data: bytes) -> int:
    """The stamp of a serialised message that begins with a std_msgs/Header: ns."""
    order = "<" if data[1] & 1 else ">"
    second, nanosecond = struct.unpack_from(f"{order}iI", data, 4)
    return int(second) * 10**9 + int(nanosecond)


def _missing(table: Sequence[NodeSpec], there: Sequence[str]) -> Iterator[Finding]:
    for spec in table:
        name = spec.full_name.lstrip("/")
        if name not in there and not spec.only_looks:
            said = "it was not heard: does it run? `visrftwin up` starts it and says why it ends"
            yield Finding(f"node {name}", said, True)


def _stream(stream: Stream, heard: Heard, runs: bool) -> Finding:
    """Of a sensor's or a result's topic: its publishers, its rate, and how old it is."""
    sensor = stream.rate is not None
    subject = f"input {stream.what}" if sensor else f"topic {stream.topic}"
    said = f"{stream.count / heard.seconds:.1f} a second from {len(stream.publishers)} publishers"
    if sensor:
        said = f"{stream.topic}: {said}"
    if len(stream.publishers) > 1:
        names = ", ".join(name for _, name in stream.publishers)
        said += f" ({names}), expected one: stop one, or give each twin a namespace"
        return Finding(subject, said, True)
    expected = heard.topics.get(stream.topic, [stream.kind])
    if stream.kind not in expected:
        said += f": it is of type {', '.join(expected)}, expected {stream.kind}"
        return Finding(subject, said, True)
    if not stream.count:
        if not sensor:
            return Finding(subject, said)
        like = sorted(
            topic
            for topic, kinds in heard.topics.items()
            if stream.kind in kinds and topic != stream.topic and not topic.endswith("debug_image")
        )
        said += "; start its driver"
        said += f", or remap one of {', '.join(like[:5])}" if like else ""
        return Finding(subject, said, runs)
    middle = sorted(stream.ages)[len(stream.ages) // 2]
    said += f", {middle:.2f} s old when they come"
    if abs(middle) > SKEW:
        said += f": over {SKEW:g} s {'old' if middle > 0 else 'ahead'}; synchronise the clocks"
        return Finding(subject, said, True)
    if stream.rate and stream.count / heard.seconds < SLOW * stream.rate:
        said += f": the site has {stream.rate:g} a second"
        return Finding(subject, said, True)
    return Finding(subject, said)


def _clocks(heard: Heard) -> Iterator[Finding]:
    if len(heard.clock_publishers) > 1:
        names = ", ".join(heard.clock_publishers)
        yield Finding("clock", f"/clock comes from {names}: stop one of them", True)
    off = {name: late for name, late in heard.clocks.items() if abs(late) > SKEW}
    whose = "/clock" if heard.clock_ns is not None else "this machine's clock"
    for name, late in sorted(off.items()):
        remedy = (
            "set its use_sim_time, or stop who publishes /clock"
            if heard.clock_ns is not None
            else "nobody publishes /clock: is its use_sim_time set? Else synchronise the clocks"
        )
        way = "behind" if late > 0 else "ahead of"
        yield Finding(f"clock of {name}", f"{abs(late):.1f} s {way} {whose}: {remedy}", True)
    if heard.clocks and not off:
        furthest = max(map(abs, heard.clocks.values()))
        yield Finding("clock", f"all nodes within {furthest:.2f} s of {whose}")


def _frames(site: Site | None, heard: Heard, runs: bool) -> Iterator[Finding]:
    from visrftwin_ros.nodes.shared.frame_watch import roots, way_up

    if heard.volatile:
        said = f"{', '.join(heard.volatile)} publish volatile: late nodes do not hear them; publish"
        yield Finding("frames of /tf_static", f"{said} transient local", True)
    for frame, how in heard.conflicts.items():
        yield Finding(f"frame {frame}", f"{how}: two publish it; stop one of them", True)
    tops = roots(heard.frames)
    said = f"{len(heard.frames)} frames below {', '.join(tops) or 'none'}"
    if len(tops) > 1:
        world = site.world_frame if site else tops[0]
        said += f": {len(tops)} trees; publish how the others hang from {world!r}"
    yield Finding("frames", said, len(tops) > 1)
    for frame, whose in _frames_needed(site).items():
        assert site is not None
        way = way_up(heard.frames, frame)
        if way[-1] == site.world_frame:
            continue
        where = f"ends at {way[-1]!r}" if len(way) > 1 else "is not on TF"
        said = f"of {whose} {where}: publish it in {site.world_frame!r}, on /tf or /tf_static"
        yield Finding(f"frame {frame}", said, runs)


def _frames_needed(site: Site | None) -> dict[str, str]:
    """Those of which only TF says where they are, and whose they are."""
    if site is None:
        return {}
    needed = {c.optical_frame: f"camera {c.name}" for c in site.cameras if c.pose is None}
    needed |= {one.tf_frame: f"LiDAR {one.name}" for one in site.lidars if one.position is None}
    return needed | {
        robot.tf_frame: f"robot {robot.name}"
        for robot in site.robots
        if robot.position is None and robot.path is None
    }
