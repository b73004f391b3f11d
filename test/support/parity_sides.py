"""A bag through the nodes and through `visrftwin track --bag`: who was where, and what was left out."""

from __future__ import annotations

import importlib
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from node_bench import ERROR, WARN, NodeBench
from parity_bag import PERIOD, SECOND, START
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import Reader
from rosgraph_msgs.msg import Clock
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import TrackedPeople
from visrftwin_ros.nodes.lidar_people import LidarPeopleNode
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.transforms import STATIC_QOS
from visrftwin_ros.nodes.shared.twin_node import TwinNode
from visrftwin_ros.nodes.site_frames import SiteFrames
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.perception.sources.bag_tracks import track_bag
from visrftwin_ros.site.loading import load_site

WEIGHTS = "grey_levels.fake"
"""Whatever the name: the detector that it would be read by is a fake."""
NODES: dict[str, type[TwinNode]] = {
    "site_frames": SiteFrames,
    "people_detector": PeopleDetector,
    "lidar_people": LidarPeopleNode,
    "people_tracker": PeopleTrackerNode,
}
QUIET = 0.003
"""s of wall time without anything to do, after which all nodes are done with a message: within one
process it is there when it has been published."""
LATCHED = 0.1
"""s for what was said before a node was there to hear it."""
SAME_PLACE = 1e-6
"""m. Between nodes scores and heights travel as float32, which moved somebody by 3e-9 m; boxes are whole
half pixels and lose nothing, and poses between two samples of a straight drive are exact."""
FEWEST_TOLD = 0.8
"""Share of the compared times that the nodes must have told of as the newest: what comes late shows
under later times."""
REASONS = {
    "its cloud's frame is nowhere": r"frame '\w+'.*not known",
    "no CameraInfo": r"no CameraInfo",
    "CameraInfo of another size": r"CameraInfo is for \d+ ?x ?\d+ px",
    "image of another size": r"image.*\d+ ?x ?\d+ px",
    "two send as one": r"two cameras send",
    "no returns": r"no valid return",
    "its clock": r"clock of",
    "its pose": r"TF",
}
"""What is said, by words of it that any wording has; the first that fits."""
People = dict[str, tuple[float, float]]
"""By name, where somebody is [m]."""


@dataclass(frozen=True)
class Outcome:
    """What one side made of a bag. people: by stamp [ns]. complaints: (sensor, reason), the sensor
    '' where a complaint names none."""

    people: dict[int, People]
    complaints: set[tuple[str, str]]

    def told(self, stamp: int) -> bool:
        """Whether it says who was there at a time, within a microsecond."""
        return any(abs(known - stamp) <= 1000 for known in self.people)

    def at(self, stamp: int) -> People:
        """The people at a time; nobody where nothing was told."""
        return next((p for known, p in self.people.items() if abs(known - stamp) <= 1000), {})


def reason_of(text: str) -> str:
    """What a complaint says, or itself where that is not known."""
    found = (name for name, words in REASONS.items() if re.search(words, text))
    return next(found, text)


# Through the nodes.


def through_nodes(bag: Path, site_file: Path, detector_site: Path | None = None) -> Outcome:
    """The bag's messages on their topics, in the bag's order and time, each when all nodes are done
    with the one before: what comes late does so by the bag and not by this machine.

    detector_site: what the detectors take for the site instead. The names are the nodes' own.
    """
    site = load_site(str(site_file))
    table = node_table(site, str(site_file), bag=str(bag), weights=WEIGHTS, viewer=False)
    bench = NodeBench()
    try:
        heard = bench.heard(TrackedPeople, "people", QoSProfile(depth=1000))
        said = bench.heard(DiagnosticArray, "/diagnostics", QoSProfile(depth=1000))
        fixed = bench.heard(TFMessage, "/tf_static", STATIC_QOS)
        nodes = []
        for spec in table:
            if spec.executable in NODES:
                values = dict(spec.parameters)
                if detector_site is not None and spec.executable == "people_detector":
                    values["site"] = str(detector_site)
                kind = NODES[spec.executable]
                nodes.append(bench.active(kind, spec.executable, spec.namespace, **values))
        assert bench.until(lambda: fixed)  # what the site fixes
        _play(bench, nodes, bag)
    finally:
        bench.close()
    people = {
        stamp_ns(message.header.stamp): {
            person.id: (person.position.x, person.position.y) for person in message.people
        }
        for message in heard
        if not message.stale
    }
    sensors = [sensor.name for sensor in (*site.cameras, *site.lidars)]
    return Outcome(people, set(_reported(said, sensors)))


def _reported(said: Iterable[DiagnosticArray], sensors: list[str]) -> Iterator[tuple[str, str]]:
    """Of every warning and error, whose it is: of a node in a sensor's namespace, or about it."""
    for array in said:
        for status in array.status:
            if int.from_bytes(status.level, "little") in (WARN, ERROR):
                words = re.split(r"[/: ]+", status.name)
                whose = next((word for word in words if word in sensors), "")
                yield whose, reason_of(status.message)


def _play(bench: NodeBench, nodes: list[TwinNode], bag: Path) -> None:
    player = rclpy.create_node("player")
    try:
        clock = player.create_publisher(Clock, "/clock", _qos("/clock"))
        with Reader(bag) as reader:
            publishers = {
                c.topic: player.create_publisher(_class(c.msgtype), c.topic, _qos(c.topic))
                for c in reader.connections
            }
            assert bench.until(lambda: _connected([player, *nodes]))
            bench.spin(LATCHED)
            for connection, arrives, data in reader.messages():
                clock.publish(Clock(clock=stamp_message(made, arrives)))
                assert bench.until(lambda at=arrives: all(n.now_ns() >= at for n in nodes))
                bench.settle(QUIET)
                publishers[connection.topic].publish(bytes(data))
                bench.settle(QUIET)
            # Until whatever still waits has been given up.
            for k in range(1, 11):
                clock.publish(Clock(clock=stamp_message(made, arrives + k * SECOND // 20)))
                bench.settle(QUIET)
    finally:
        player.destroy_node()


def _connected(nodes: list[Any]) -> bool:
    """Whether every publisher of these nodes has found all that listen to it among them."""
    listeners = Counter(each.topic_name for node in nodes for each in node.subscriptions)
    return all(
        each.get_subscription_count() >= listeners[each.topic_name]
        for node in nodes
        for each in node.publishers
    )


def _class(kind: str) -> Any:
    package, _, name = kind.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), name)


def _qos(topic: str) -> QoSProfile:
    """As drivers and TF broadcasters offer it."""
    if topic == "/tf_static":
        return QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    if topic == "/tf":
        return QoSProfile(depth=100)
    return QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


# Through the bag reader.


def through_bag(bag: Path, site_file: Path) -> Outcome:
    """`track_bag` at the rate of the sensors; its complaints are what it logs."""
    site = load_site(str(site_file))
    with _warnings() as texts:
        tracks, start_ns = track_bag(site, bag, "yolo", WEIGHTS, rate=1 / PERIOD, progress=False)
    period_ns = round(PERIOD * SECOND)
    with Reader(bag) as reader:
        people: dict[int, People] = {t: {} for t in range(start_ns, reader.end_time, period_ns)}
    for frame, name, place in zip(tracks.frame, tracks.ids, tracks.position, strict=True):
        stamp = start_ns + (int(frame) - 1) * period_ns
        people.setdefault(stamp, {})[name] = (float(place[0]), float(place[1]))
    sensors = [sensor.name for sensor in (*site.cameras, *site.lidars)]
    complaints = set()
    for text in texts:
        whose = next((name for name in sensors if f"'{name}'" in text), "")
        complaints.add((whose, reason_of(text)))
    return Outcome(people, complaints)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Grows by what the package logs as a warning or worse."""
    texts: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("visrftwin_ros")
    logger.addHandler(handler)
    try:
        yield texts
    finally:
        logger.removeHandler(handler)


# What differs.


def track_differences(nodes: Outcome, bag: Outcome) -> list[str]:
    """Where the tracks of the two are not the same, names aside, at the times of the bag's frames of
    which the nodes tell; but one name on one side is one name on the other throughout."""
    found: list[str] = []
    names: dict[str, str] = {}
    told = [stamp for stamp in bag.people if nodes.told(stamp)]
    if len(told) < FEWEST_TOLD * len(bag.people):
        found.append(f"the nodes told of {len(told)} of {len(bag.people)} times only")
    for stamp in told:
        left, right = nodes.at(stamp), bag.at(stamp)
        at = f"{(stamp - START) / SECOND:.2f} s"
        if len(left) != len(right):
            found.append(f"{at}: {len(left)} people by the nodes, {len(right)} by the bag")
            continue
        for name, place in left.items():
            gaps = {other: float(np.hypot(*np.subtract(place, right[other]))) for other in right}
            nearest = min(gaps, key=lambda other: gaps[other])
            if gaps[nearest] > SAME_PLACE:
                found.append(f"{at}: person {name} is {gaps[nearest]:.4f} m off")
            elif names.setdefault(name, nearest) != nearest:
                found.append(f"{at}: {name} is {nearest} now, was {names[name]}")
    if len(set(names.values())) != len(names):
        found.append(f"two are one: {names}")
    return found
