"""Where people and boxes are at any time of a recording."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from visrftwin_ros.bodies.people import Bodies, nobody, together, usable

LONGEST_GAP = 0.5
"""Seconds to the nearest record, beyond which nobody is known to be anywhere."""

Records = Sequence[tuple[int, Bodies]]
RobotsAt = Callable[[int], Bodies]
"""The bodies of robots at a ROS time, ns."""


def no_robots(_: int) -> Bodies:
    """Of a place without any."""
    return nobody()


class PeopleTimeline:
    """People and boxes from records in time, carried to any time by their velocities.

    records, boxes: (ROS time ns, bodies), each of its own times; a later time takes the last
    record at or before it, as a predictor on line does, and an earlier one than all the first.
    robots: their own bodies at a ROS time.
    """

    def __init__(
        self,
        records: Records = (),
        boxes: Records = (),
        robots: RobotsAt = no_robots,
    ) -> None:
        self._people, self._boxes, self._robots = _Track(records), _Track(boxes), robots

    def __len__(self) -> int:
        return len(self._people)

    def at(self, stamp_ns: int) -> Bodies:
        """The people, boxes and robots at that ROS time, people first; of people and boxes none
        where the nearest record is LONGEST_GAP away, and no box under a person's id."""
        people, boxes = self._people.at(stamp_ns), self._boxes.at(stamp_ns)
        met = usable(together(people, boxes))[0] if len(boxes) else people
        return together(met, self._robots(stamp_ns))


class _Track:
    def __init__(self, records: Records) -> None:
        self._records = sorted(records, key=lambda record: record[0])
        self._stamps = [stamp for stamp, _ in self._records]

    def __len__(self) -> int:
        return len(self._records)

    def at(self, stamp_ns: int) -> Bodies:
        row = record_at(self._stamps, stamp_ns)
        return nobody() if row is None else carried(*self._records[row], stamp_ns)


def record_at(stamps: Sequence[int], stamp_ns: int) -> int | None:
    """Which of the ascending `stamps` counts at a time; None where none is within LONGEST_GAP."""
    if not stamps:
        return None
    row = max(bisect_right(stamps, stamp_ns) - 1, 0)
    late = (stamp_ns - stamps[row]) * 1e-9
    return None if abs(late) > LONGEST_GAP else row


def carried(recorded_ns: int, bodies: Bodies, stamp_ns: int) -> Bodies:
    """The bodies of one time at another, by their velocities."""
    return bodies.at(bodies.position + (stamp_ns - recorded_ns) * 1e-9 * bodies.velocity)
