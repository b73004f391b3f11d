"""Tracks of a rosbag2 with images, clouds and TF: the tracker of the nodes, without their graph."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.embedding import ImageTextModel
from visrftwin_ros.perception.sources.bag_sensors import BagReader, DetectorOptions, Measurement
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import NANOSECONDS, PeopleTracker
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.model import Site

REORDER_NS = NANOSECONDS
"""Measurements are put in the order of their stamps within this."""


def track_bag(
    site: Site,
    bag: str | Path,
    kind: str = "auto",
    weights: str | Path = "",
    *,
    imgsz: int | None = None,
    embeddings: ImageTextModel | None = None,
    rate: float | None = None,
    progress: bool = True,
) -> tuple[Tracks, int]:
    """The tracks of a bag's people, and the ROS time [ns] of frame 1; options and errors are those
    of `people_in_bag`."""
    frames = list(
        people_in_bag(
            site,
            bag,
            kind,
            weights,
            imgsz=imgsz,
            embeddings=embeddings,
            rate=rate,
            progress=progress,
        )
    )
    return Tracks.from_people(frames), frames[0][1].stamp_ns


def people_in_bag(
    site: Site,
    bag: str | Path,
    kind: str = "auto",
    weights: str | Path = "",
    *,
    imgsz: int | None = None,
    embeddings: ImageTextModel | None = None,
    rate: float | None = None,
    progress: bool = True,
) -> Iterator[tuple[int, People]]:
    """(frame number, people) at a fixed rate (1/s; that of the site's first camera by default),
    while they come. Frame 1 is at the time of the first measurement.

    Topics: `<camera>/image_raw` or `/image_raw/compressed`, `<camera>/camera_info`,
    `<lidar>/<topic>`, /tf and /tf_static. What cannot be used is left out and logged, once a
    reason. Raises TwinError where the bag cannot be read or has nothing of the site's sensors.
    """
    if rate is None:
        rate = site.cameras[0].frame_rate if site.cameras else 10.0
    if rate <= 0:
        raise TwinError(f"a rate of {rate:g} frames a second; it must be positive")
    period_ns = NANOSECONDS / rate
    tracker = PeopleTracker()
    start_ns: int | None = None
    done = 0
    detector = DetectorOptions(kind, weights, imgsz, embeddings)
    reader = BagReader(site, Path(bag), detector, progress)
    for stamp_ns, measurement in _in_order(reader.measurements()):
        if start_ns is None:
            start_ns = stamp_ns
        # A millisecond: stamps of a steady camera are not the frames' to the nanosecond.
        while (due := start_ns + round(done * period_ns)) + 1_000_000 < stamp_ns:
            done += 1
            yield done, tracker.predict_to(due)
        measurement(tracker)
    if start_ns is None:
        raise TwinError(
            f"{bag}: no measurement of a sensor of site {site.name!r}"
            + (f": {'; '.join(sorted(reader.refused))}" if reader.refused else "")
        )
    yield done + 1, tracker.predict_to(start_ns + round(done * period_ns))


def _in_order(
    measurements: Iterator[tuple[int, Measurement]],
) -> Iterator[tuple[int, Measurement]]:
    """By stamp, within the reordering time."""
    heap: list[tuple[int, int, Measurement]] = []
    newest = 0
    for number, (stamp_ns, measurement) in enumerate(measurements):
        heapq.heappush(heap, (stamp_ns, number, measurement))
        newest = max(newest, stamp_ns)
        while heap and heap[0][0] < newest - REORDER_NS:
            stamp, _, first = heapq.heappop(heap)
            yield stamp, first
    while heap:
        stamp, _, first = heapq.heappop(heap)
        yield stamp, first
