"""The boxes that were tracked during a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from visrftwin_ros.bags import topics
from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.bodies.people import Bodies, usable
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.boxes import boxes_from_message

BOXES_TYPE = "visrftwin_ros/msg/TrackedBoxes"

BoxRecords = tuple[tuple[int, Bodies], ...]


def read_boxes(bag: Path, world_frame: str) -> tuple[BoxRecords, tuple[str, ...]]:
    """(ROS time ns, boxes) of the bag's topic `tracked_boxes`, by stamp, and what was left out.

    TwinError where the bag cannot be read or has no such topic.
    """
    with open_bag(bag) as opened:
        chosen = [
            connection
            for connection in opened.connections
            if f"/{connection.topic.lstrip('/')}" == topics.BOXES
            and connection.msgtype == BOXES_TYPE
        ]
        if not any(connection.msgcount for connection in chosen):
            raise TwinError(f"{bag} has no boxes: expected {topics.BOXES} of type {BOXES_TYPE}")
        messages = (opened.decode(c, data) for c, _, data in opened.messages(chosen))
        records, left_out = box_records(messages, world_frame)
    return records, tuple(f"{why} ({count} times)" for why, count in left_out.items())


def box_records(messages: Iterable[Any], world_frame: str) -> tuple[BoxRecords, Counter[str]]:
    """The same of TrackedBoxes messages, and how often what was left out.

    What a silent sensor predicts is no record, as on line.
    """
    records, problems = [], Counter[str]()
    for message in messages:
        if message.stale:
            continue
        try:
            heard = boxes_from_message(message, world_frame)
        except TwinError as error:
            problems[f"{topics.BOXES}: {error}"] += 1
            continue
        boxes, unusable = usable(heard.bodies)
        records.append((heard.stamp_ns, boxes))
        for name in (*heard.left_out, *unusable):
            problems[f"{topics.BOXES}: box {name!r} is unusable and left out"] += 1
    return tuple(sorted(records, key=lambda record: record[0])), problems
