"""Where people are at any time of a recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visrftwin_ros.bodies.people import Bodies, nobody

LONGEST_GAP = 0.5
"""Seconds to the nearest record, beyond which nobody is known to be anywhere."""


class PeopleTimeline:
    """People from records in time, carried to any time by their velocities.

    records: (ROS time ns, people); a later time takes the last record at or before it, as a
    predictor on line does, and an earlier one than all the first.
    """

    def __init__(self, records: Sequence[tuple[int, Bodies]] = ()) -> None:
        self._records = sorted(records, key=lambda record: record[0])
        self._stamps = np.array([stamp for stamp, _ in self._records], np.int64)

    def __len__(self) -> int:
        return len(self._records)

    def at(self, stamp_ns: int) -> Bodies:
        """The people at that ROS time; nobody where the nearest record is LONGEST_GAP away."""
        if not self._records:
            return nobody()
        row = max(int(np.searchsorted(self._stamps, stamp_ns, side="right")) - 1, 0)
        late = (stamp_ns - int(self._stamps[row])) * 1e-9
        if abs(late) > LONGEST_GAP:
            return nobody()
        bodies = self._records[row][1]
        return bodies.at(bodies.position + late * bodies.velocity)
