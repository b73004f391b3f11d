"""Reads a campaign bag into arrays; `docs/CAMPAIGN.md` says what is in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.bags import topics
from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.campaign import campaign_messages as messages
from visrftwin_ros.campaign.bag_boxes import BOXES_TYPE, box_records
from visrftwin_ros.campaign.device_poses import DevicePoses
from visrftwin_ros.campaign.snapshot import Campaign, Snapshot, TrueChannel
from visrftwin_ros.campaign.survey import survey_contradiction
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.messages.people import bodies_from_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.site.model import Site
from visrftwin_ros.yaml_input import yaml_text

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_TYPES = {
    topics.SNAPSHOTS: "visrftwin_ros/msg/ChannelSnapshot",
    topics.BOXES: BOXES_TYPE,
    topics.TRUE_PEOPLE: "visrftwin_ros/msg/TrackedPeople",
    topics.TRUE_CHANNELS: "visrftwin_ros/msg/LinkChannels",
    topics.TRUE_PATHS: "visrftwin_ros/msg/ChannelPaths",
    topics.TRUE_MATERIALS: "std_msgs/msg/String",
    topics.FACTS: "std_msgs/msg/String",
}


def read_campaign(bag: str | Path, site: Site) -> Campaign:
    """The snapshots, and the truth where there is some, of a campaign in `site`.

    A snapshot that cannot be used (links of devices that the site does not have, numbers that mean
    nothing) is left out and counted in `problems`. TwinError where the bag cannot be read, has no
    snapshot, or none of a link of the site.
    """
    with open_bag(bag) as opened:
        return _CampaignReader(opened, site).campaign()


class _CampaignReader:
    def __init__(self, bag: BagFile, site: Site) -> None:
        self._bag, self._site = bag, site
        self._raw: dict[str, list[tuple[Connection, bytes]]] = {}
        self._problems: Counter[str] = Counter()
        self._lost: dict[str, tuple[str, int]] = {}  # device -> first reason, how often

    def campaign(self) -> Campaign:
        self._check_topics()
        self._read()
        facts = self._facts()
        self._poses = DevicePoses(self._site, self._transforms())
        snapshots = self._snapshots()
        people = [
            (stamp_ns(m.header.stamp), bodies_from_message(m)) for m in self._of(topics.TRUE_PEOPLE)
        ]
        boxes, left_out = box_records(self._of(topics.BOXES), self._site.world_frame)
        self._problems.update(left_out)
        paths = self._true_paths()
        channels = [
            c for m in self._of(topics.TRUE_CHANNELS) for c in self._true_channels(m, paths)
        ]
        return Campaign(
            source=self._bag.path,
            facts=facts,
            snapshots=tuple(self._sorted("snapshots", snapshots)),
            boxes=boxes,
            truth_people=self._sorted_people(people),
            truth_channels=tuple(self._sorted("true channels", channels)),
            truth_materials=self._materials(),
            problems=self._named_problems(),
        )

    def _named_problems(self) -> tuple[str, ...]:
        for device, (reason, count) in self._lost.items():
            self._problems[f"place of {device!r} unknown: {reason}"] = count
        return tuple(
            text if count == 1 else f"{text} ({count} times)"
            for text, count in self._problems.items()
        )

    def _check_topics(self) -> None:
        if self._bag.stopped_by:
            self._problems[f"the recording is not complete: ended by {self._bag.stopped_by}"] += 1
        if self._connection(topics.SNAPSHOTS) is None:
            there = sorted({c.topic for c in self._bag.connections if c.msgcount})
            raise TwinError(
                f"{self._bag.path} has no snapshots: a campaign has the topic "
                f"{topics.SNAPSHOTS} of type {_TYPES[topics.SNAPSHOTS]}; "
                f"this bag has {', '.join(there) or 'no messages'}"
            )

    def _connection(self, topic: str) -> Connection | None:
        """That of a topic which has messages; other types under the name are a problem."""
        for connection in self._bag.connections:
            if _absolute(connection.topic) != topic or not connection.msgcount:
                continue
            if connection.msgtype == _TYPES[topic]:
                return connection
            text = f"{topic} is {connection.msgtype} and left out: expected {_TYPES[topic]}"
            self._problems[text] = 1
        return None

    def _of(self, topic: str) -> Iterator[Any]:
        """The decoded messages of a topic; those that cannot be decoded are counted."""
        for connection, data in self._raw.get(topic, ()):
            try:
                yield self._bag.decode(connection, data)
            except TwinError as error:
                self._problems[str(error)] += 1

    def _read(self) -> None:
        """All that is wanted in one pass: between it lie images and clouds, gigabytes of them."""
        wanted = [c for topic in _TYPES if (c := self._connection(topic)) is not None]
        wanted += [
            c
            for c in self._bag.connections
            if _absolute(c.topic) in (topics.TF, topics.TF_STATIC)
            and c.msgtype.endswith("/TFMessage")
        ]
        for connection, _, data in self._bag.messages(wanted):
            self._raw.setdefault(_absolute(connection.topic), []).append((connection, data))

    def _transforms(self) -> Iterator[tuple[Any, bool]]:
        for topic in (topics.TF, topics.TF_STATIC):
            for message in self._of(topic):
                yield message, topic == topics.TF_STATIC

    def _facts(self) -> Mapping[str, Any]:
        message = next(self._of(topics.FACTS), None)
        if message is None:
            self._problems[f"no topic {topics.FACTS}: what the campaign is remains unknown"] = 1
            return {}
        try:
            facts = yaml_text(message.data, topics.FACTS)
        except TwinError as error:
            facts = error
        if not isinstance(facts, dict):
            self._problems[f"{topics.FACTS} is no YAML mapping: {facts}"] = 1
            return {}
        recorded = facts.get("site", self._site.name)
        if recorded != self._site.name:
            self._problems[f"recorded in site {recorded!r}, read with site {self._site.name!r}"] = 1
        if contradiction := survey_contradiction(self._site, self._bag.path):
            self._problems[contradiction] = 1
        return facts

    def _materials(self) -> Mapping[str, MaterialValues] | None:
        for message in self._of(topics.TRUE_MATERIALS):
            try:
                return messages.materials_of(message)
            except TwinError as error:
                self._problems[f"{topics.TRUE_MATERIALS}: {error}"] += 1
        return None

    def _snapshots(self) -> list[Snapshot]:
        found, first_reason = [], ""
        for message in self._of(topics.SNAPSHOTS):
            try:
                found.append(self._snapshot(message))
            except TwinError as error:
                first_reason = first_reason or str(error)
                self._problems[f"snapshot left out: {error}"] += 1
        if not found:
            undecoded = next((text for text in self._problems if "a message of" in text), "")
            raise TwinError(
                f"{self._bag.path}: no snapshot can be used in site {self._site.name!r}: "
                f"{first_reason or undecoded}"
            )
        return found

    def _snapshot(self, message: Any) -> Snapshot:
        stamp = stamp_ns(message.header.stamp)
        self._check_link(message.tx, message.rx)
        return replace(
            messages.snapshot_from_message(message, self._site.world_frame),
            tx_position=self._position(message.tx, stamp),
            rx_position=self._position(message.rx, stamp),
            rx_yaw=self._poses.yaw(message.rx, stamp),
        )

    def _check_link(self, tx: str, rx: str) -> None:
        for name in (tx, rx):
            if name not in self._poses.names:
                raise TwinError(
                    f"link {tx!r} to {rx!r}: site {self._site.name!r} has no access point or robot "
                    f"{name!r}; it has {', '.join(self._poses.names)}"
                )

    def _position(self, device: str, stamp: int) -> Float[np.ndarray, " 3"]:
        try:
            return self._poses.antenna(device, stamp)
        except TwinError as error:
            reason, count = self._lost.get(device, (str(error), 0))
            self._lost[device] = reason, count + 1
            return np.full(3, np.nan)

    def _true_paths(self) -> dict[tuple[int, str, str], Any]:
        """RadioPath messages by stamp and link."""
        return {
            (stamp_ns(message.header.stamp), link.tx, link.rx): link.paths
            for message in self._of(topics.TRUE_PATHS)
            for link in message.links
        }

    def _true_channels(
        self, message: Any, paths: Mapping[tuple[int, str, str], Any]
    ) -> Iterator[TrueChannel]:
        stamp = stamp_ns(message.header.stamp)
        for channel in message.channels:
            try:
                self._check_link(channel.tx, channel.rx)
            except TwinError as error:
                self._problems[f"true channel left out: {error}"] += 1
                continue
            # Older bags have the paths of a channel inside it.
            own = paths.get((stamp, channel.tx, channel.rx), getattr(channel, "paths", ()))
            where = self._position(channel.rx, stamp), self._poses.yaw(channel.rx, stamp)
            yield messages.true_channel(stamp, channel, own, *where)

    def _sorted(self, what: str, items: list[Any]) -> list[Any]:
        stamps = np.array([item.stamp_ns for item in items], dtype=np.int64)
        late = int(np.count_nonzero(np.diff(stamps) < 0))
        if late:
            self._problems[f"{what}: {late} stamps go back in time; sorted by stamp"] = 1
        return sorted(items, key=lambda item: item.stamp_ns)

    def _sorted_people(self, people: list[tuple[int, Bodies]]) -> tuple[tuple[int, Bodies], ...]:
        return tuple(sorted(people, key=lambda entry: entry[0]))


def _absolute(topic: str) -> str:
    return f"/{topic.lstrip('/')}"
