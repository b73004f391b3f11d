"""The people that a bag's sensors see, at any time."""

from __future__ import annotations

from pathlib import Path

from visrftwin_ros.bodies.timeline import PeopleTimeline, Records, RobotsAt, no_robots
from visrftwin_ros.perception.sources.bag_tracks import track_bag
from visrftwin_ros.perception.tracking.track_bodies import BodiesOfTracks
from visrftwin_ros.site.model import Site

TRACK_RATE = 20.0
"""Hz, of the tracks of a bag: fine enough for the onset of a fade."""


def tracked_people(
    site: Site, bag: Path, weights: str = "", boxes: Records = (), robots: RobotsAt = no_robots
) -> PeopleTimeline:
    """The people that the site's cameras and LiDARs see in a bag, as the tracker's nodes would, with
    the boxes that somebody tracked and the bodies of robots.

    Raises TwinError where the bag has nothing of the site's sensors.
    """
    tracks, start_ns = track_bag(site, bag, weights=weights, rate=TRACK_RATE)
    bodies = BodiesOfTracks(tracks)
    last = int(tracks.frame.max(initial=0))
    return PeopleTimeline(
        [(start_ns + round((k - 1) / TRACK_RATE * 1e9), bodies.at(k)) for k in range(1, last + 1)],
        boxes,
        robots,
    )
