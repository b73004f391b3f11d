"""The bodies of tracked people, live and recorded."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH, Bodies
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig
from visrftwin_ros.perception.tracking.tracks_file import Tracks


def bodies_of(people: People) -> Bodies:
    """Tracked people as the radio sees them, of usual build."""
    count = len(people)
    flat = np.zeros(count)
    return Bodies(
        ids=people.ids,
        position=np.column_stack([people.position.reshape(-1, 2), flat]),
        velocity=np.column_stack([people.velocity.reshape(-1, 2), flat]),
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=people.height,
        heading=people.heading,
    )


class BodiesOfTracks:
    """The people of each frame; asked in the order of the frames."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._headings: dict[str, float] = {}
        self._turning_speed = TrackerConfig().turning_speed

    def at(self, frame: int) -> Bodies:
        """The bodies of that frame. tracks.csv has no heading: it follows the velocity as the
        tracker's does, and is kept while the person stands."""
        rows = np.flatnonzero(self._tracks.frame == frame)
        ids = tuple(self._tracks.ids[row] for row in rows)
        velocity = self._tracks.velocity[rows]
        for name, (vx, vy) in zip(ids, velocity, strict=True):
            if np.hypot(vx, vy) > self._turning_speed:
                self._headings[name] = float(np.arctan2(vy, vx))
        flat = np.zeros(len(rows))
        return Bodies(
            ids=ids,
            position=np.column_stack([self._tracks.position[rows], flat]),
            velocity=np.column_stack([velocity, flat]),
            width=np.full(len(rows), BODY_WIDTH),
            depth=np.full(len(rows), BODY_DEPTH),
            height=self._tracks.height[rows],
            heading=np.array([self._headings.get(name, 0.0) for name in ids]),
        )
