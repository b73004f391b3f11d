"""What is wrong with a running graph, and what would be right: for `visrftwin doctor`."""

from __future__ import annotations

import os
import re
import struct
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from visrftwin_ros.cameras.camera_models import site_intrinsics
from visrftwin_ros.operations.doctor import Finding
from visrftwin_ros.operations.node_table import NodeSpec, part_namespaces
from visrftwin_ros.site.model import Camera, Lidar, Site

SLOW = 0.5
"""Share of its rate below which a sensor is too slow."""
SKEW = 1.0
"""s that a stamp, or a node's clock, may lie off; what is older is stale to the nodes."""
AT_ZERO = 600.0
"""s up to which a clock on ROS time that nobody has set yet lies off zero."""
REPLAY = "campaign_replay"
"""What plays a recording, whose rates are what they are."""
RESULTS = ("people", "channels", "beams")
PART = re.compile(r"/part_\d+/channel_predictor$")
"""As the node table names predictors behind the first."""
UNTIMED = "sensor_msgs/msg/CameraInfo"
"""Its stamp is read by nobody, and many senders leave it at zero."""


@dataclass
class Topic:
    """One that was listened to. ages: s from a message's stamp to when it came. publishers: node and
    type of each."""

    name: str
    kind: str
    count: int = 0
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    publishers: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Stream:
    """Messages that are expected on the first of `topics` that somebody publishes. rate: of a sensor,
    a second, 0 where it is not known; None for results. what: whose they are."""

    topics: tuple[Topic, ...]
    rate: float | None = None
    what: str = ""

    @property
    def topic(self) -> Topic:
        """The one that counts."""
        return next((topic for topic in self.topics if topic.publishers), self.topics[0])


@dataclass
class Heard:
    """Of a graph, in `seconds` of listening. statuses: (level, text) by the name on /diagnostics.
    clocks: s that each node's clock lay behind the time that counts. frames: the parent of each;
    conflicts: of those with two publishers. clock_ns: the first and the last /clock.
    topics: types by name, of those that somebody publishes. volatile: who publishes /tf_static so
    that late ones do not hear it."""

    seconds: float
    streams: list[Stream]
    statuses: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    clocks: dict[str, float] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    clock_ns: tuple[int, int] | None = None
    clock_publishers: list[str] = field(default_factory=list)
    topics: dict[str, list[str]] = field(default_factory=dict)
    volatile: list[str] = field(default_factory=list)

    @property
    def nodes(self) -> list[str]:
        """Of the twin, that spoke."""
        return sorted({name.partition(":")[0] for name in self.statuses})

    @property
    def played(self) -> float:
        """Seconds that passed on /clock, or on this machine's where there is none."""
        return (self.clock_ns[-1] - self.clock_ns[0]) * 1e-9 if self.clock_ns else self.seconds


def look_at_graph(
    site: Site | None,
    table: Sequence[NodeSpec],
    namespace: str,
    seconds: float,
    remapped: Mapping[str, str] = MappingProxyType({}),
) -> list[Finding]:
    """Sensors, nodes, frames, clocks and results, after listening for so long.

    site, table: what is expected; without a site only what is heard is told. A graph without a node
    of a twin has its sensors looked at, and nothing is wrong with what does not come yet. remapped: other
    names of topics.
    """
    root = f"/{namespace.strip('/')}" if namespace.strip("/") else ""
    streams = [*_sensor_streams(site, root), *_result_streams(root)]
    for topic in (topic for stream in streams for topic in stream.topics):
        topic.name = _renamed(topic.name, remapped)
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
        said = f"no node of a twin was heard for {heard.seconds:.0f} s"
        found = [Finding("graph", said, awaited=True)]
    found += [_stream(stream, heard, runs) for stream in heard.streams]
    return [*found, *_clocks(heard), *_frames(site, heard, runs)]


def _renamed(name: str, remapped: Mapping[str, str]) -> str:
    """What a topic is remapped to; compressed images lie beside what the raw ones are remapped to."""
    raw = name.removesuffix("/compressed")
    if name not in remapped and raw != name and raw in remapped:
        return f"{remapped[raw]}/compressed"
    return remapped.get(name, name)


def _sensor_streams(site: Site | None, root: str) -> Iterator[Stream]:
    for camera in site.cameras if site else ():
        raw = f"{root}/{camera.name}/image_raw"
        kinds = {raw: "Image", f"{raw}/compressed": "CompressedImage"}
        topics = tuple(Topic(name, f"sensor_msgs/msg/{kind}") for name, kind in kinds.items())
        yield Stream(topics, camera.frame_rate, f"camera {camera.name}")
        if site_intrinsics(camera) is None:
            info = Topic(f"{root}/{camera.name}/camera_info", UNTIMED)
            yield Stream((info,), 0.0, f"lens of {camera.name}")
    for lidar in site.lidars if site else ():
        absolute = lidar.topic.startswith("/")
        name = lidar.topic if absolute else f"{root}/{lidar.name}/{lidar.topic}"
        yield Stream((Topic(name, "sensor_msgs/msg/PointCloud2"),), 0.0, f"LiDAR {lidar.name}")


def _result_streams(root: str) -> Iterator[Stream]:
    for name, kind in zip(RESULTS, ("TrackedPeople", "LinkChannels", "BeamDecisions"), strict=True):
        yield Stream((Topic(f"{root}/{name}", f"visrftwin_ros/msg/{kind}"),))


def _ours(site: Site | None, root: str) -> frozenset[str] | None:
    """Namespaces in which nodes of this twin are; None: any."""
    if site is None:
        return None
    sensors: tuple[Camera | Lidar, ...] = (*site.cameras, *site.lidars)
    below = root.lstrip("/")
    names = [*(one.name for one in sensors), *part_namespaces(site)]
    return frozenset({below, *(f"{below}/{name}".lstrip("/") for name in names)})


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
        return heard.clock_ns[-1] if heard.clock_ns else time.time_ns()

    def on_diagnostics(message: DiagnosticArray) -> None:
        stamp = message.header.stamp
        for status in message.status:
            name, _, subject = status.name.partition(": ")
            if subject and (ours is None or name.rpartition("/")[0] in ours):
                heard.statuses[status.name] = status.level, status.message
                heard.clocks[name] = (now_ns() - stamp.sec * 10**9 - stamp.nanosec) * 1e-9

    def on_clock(message: Clock) -> None:
        now = message.clock.sec * 10**9 + message.clock.nanosec
        first, last = heard.clock_ns or (now, now)
        heard.clock_ns = (first if now >= last else now, now)  # it went back: a replay loops

    def on_tf(message: TFMessage, static: bool) -> None:
        frames.add(message, static, time.monotonic())

    def on_stream(topic: Topic, data: bytes) -> None:
        topic.count += 1
        if topic.kind != UNTIMED:
            topic.ages.append((now_ns() - header_ns(data)) * 1e-9)

    def publishers(topic: str) -> list[Any]:
        return list(node.get_publishers_info_by_topic(topic))

    def whose(publisher: Any) -> str:
        return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"

    try:
        node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, RESULT_QOS)
        node.create_subscription(Clock, f"{root}/clock", on_clock, SENSOR_QOS)
        for name, static, qos in (("tf", False, MOVING_QOS), ("tf_static", True, STATIC_QOS)):
            on_message = partial(on_tf, static=static)
            node.create_subscription(TFMessage, f"{root}/{name}", on_message, qos)
        for stream in streams:
            qos = RESULT_QOS if stream.rate is None else SENSOR_QOS
            for topic in stream.topics:
                hear, kind = partial(on_stream, topic), message_class(topic.kind, "")
                node.create_subscription(kind, topic.name, hear, qos, raw=True)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            executor.spin_once(timeout_sec=0.1)
        for topic in (topic for stream in streams for topic in stream.topics):
            found = publishers(topic.name)
            topic.publishers = sorted((whose(one), one.topic_type) for one in found)
        heard.clock_publishers = sorted(map(whose, publishers(f"{root}/clock")))
        named = node.get_topic_names_and_types()
        heard.topics = {name: kinds for name, kinds in named if node.count_publishers(name)}
        heard.volatile = sorted(
            whose(one)
            for one in publishers(f"{root}/tf_static")
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
    topic, sensor = stream.topic, stream.rate is not None
    subject = f"input {stream.what}" if sensor else f"topic {topic.name}"
    rate = topic.count / heard.played if heard.played else 0.0
    said = f"{rate:.1f} a second from {len(topic.publishers)} publishers"
    said = f"{topic.name}: {said}" if sensor else said
    fault = _fault(topic, heard)
    if (
        not fault
        and any(name.rpartition("/")[2] != REPLAY for name, _ in topic.publishers)
        and stream.rate
        and heard.played >= 1
        and rate < SLOW * stream.rate
    ):
        fault = f"the site has {stream.rate:g} a second"
    if fault:
        return Finding(subject, f"{said}: {fault}", runs or bool(topic.publishers))
    if topic.ages:
        said += f", {_middle(topic.ages):.2f} s old when they come"
    elif sensor and not topic.count:
        said += "; start its driver"
        like = [name for name, kinds in heard.topics.items() if topic.kind in kinds]
        like = sorted(name for name in like if not name.endswith("debug_image"))
        said += f", or remap one of {', '.join(like[:5])}" if like else ""
    wrong = runs and sensor and not topic.count
    return Finding(subject, said, wrong, awaited=not wrong and not topic.count)


def _fault(topic: Topic, heard: Heard) -> str:
    """What is wrong with a topic that somebody publishes; '' where nothing is, or nobody does."""
    # Predictors that share a site publish beside the first.
    whole = [name for name, _ in topic.publishers if not PART.search(name)]
    if len(whole) > 1:
        names = ", ".join(whole)
        return f"{names}; expected one: stop the others, or give each twin a namespace"
    kinds = {kind for _, kind in topic.publishers} - {topic.kind}
    if kinds:
        return f"it is of type {', '.join(sorted(kinds))}, expected {topic.kind}"
    age = _middle(topic.ages) if topic.ages else 0.0
    if abs(age) > SKEW:
        way = "old when they come" if age > 0 else "ahead of the clock"
        return f"{abs(age):.1f} s {way}; synchronise the clocks"
    return ""


def _middle(ages: Collection[float]) -> float:
    return sorted(ages)[len(ages) // 2]


def _clocks(heard: Heard) -> Iterator[Finding]:
    if len(heard.clock_publishers) > 1:
        names = ", ".join(heard.clock_publishers)
        yield Finding("clock", f"/clock comes from {names}: stop one of them", True)
    own = {name.strip("/") for name in heard.clock_publishers}  # a replay keeps another time itself
    off = {n: late for n, late in heard.clocks.items() if abs(late) > SKEW and n not in own}
    whose = "/clock" if heard.clock_ns else "this machine's clock"
    for name, late in sorted(off.items()):
        remedy = (
            "set its use_sim_time, or stop who publishes /clock"
            if heard.clock_ns
            else "nobody publishes /clock: is its use_sim_time set? Else synchronise the clocks"
        )
        way = "behind" if late > 0 else "ahead of"
        said = f"{abs(late):.1f} s {way} {whose}: {remedy}"
        if heard.clock_ns and abs(late - heard.clock_ns[-1] * 1e-9) < AT_ZERO:
            said = "it has heard no /clock yet: does it start, or is it in another namespace?"
        yield Finding(f"clock of {name}", said, True)
    if heard.clocks.keys() - own and not off:
        furthest = max(abs(late) for name, late in heard.clocks.items() if name not in own)
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
        robot.tf_frame: f"robot {robot.name}" for robot in site.robots if robot.is_on_tf
    }
