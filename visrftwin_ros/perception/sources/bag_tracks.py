"""Tracks of a rosbag2 with images, clouds and TF: the tracker of the nodes, without their graph."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.embedding import ImageTextModel
from visrftwin_ros.perception.sources.bag_sensors import BagReader, DetectorOptions, Measurement
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import NANOSECONDS, PeopleTracker, refusal
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.perception.tracking.vehicle_tracker import VehicleTracker
from visrftwin_ros.perception.tracking.vehicles import Vehicles
from visrftwin_ros.site.model import Site

REORDER_NS = NANOSECONDS
"""Measurements that came within this of each other are put in the order of their stamps."""
LONGEST_GAP_NS = 3600 * NANOSECONDS
"""Frames are not made for longer silences."""


def track_bag(
    site: Site,
    bag: str | Path,
    kind: str = "auto",
    weights: str | Path = "",
    *,
    imgsz: int | None = None,
    tiles: int = 0,
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
            tiles=tiles,
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
    tiles: int = 0,
    embeddings: ImageTextModel | None = None,
    rate: float | None = None,
    progress: bool = True,
    vehicles: Callable[[Vehicles], None] | None = None,
) -> Iterator[tuple[int, People]]:
    """(frame number, people) at a fixed rate (1/s; that of the site's first camera by default),
    while they come. Frame 1 is at the time of the first measurement. vehicles: is told of those after
    each measurement; None: nobody looks for them.

    Topics: `<camera>/image_raw` or `/image_raw/compressed`, `<camera>/camera_info`,
    `<lidar>/<topic>`, /tf and /tf_static. What cannot be used is left out and logged, once a
    reason. Raises TwinError where the bag cannot be read or has nothing of the site's sensors.
    """
    if rate is None:
        rate = site.cameras[0].frame_rate if site.cameras else 10.0
    if rate <= 0:
        raise TwinError(f"a rate of {rate:g} frames a second; it must be positive")
    tracker, boxes = PeopleTracker(), VehicleTracker()
    options = DetectorOptions(kind, weights, imgsz, tiles, embeddings, vehicles is not None)
    reader = BagReader(site, Path(bag), options, progress)
    frames: _Frames | None = None
    for measurement in _in_order(reader.measurements()):
        frames = frames or _Frames(measurement.stamp_ns, NANOSECONDS / rate)
        before, due = tracker.report, frames.before(measurement.stamp_ns, tracker)
        measurement.take(tracker)
        if vehicles is not None and measurement.vehicles is not None:
            vehicles(boxes.update(measurement.vehicles))
        if refused := refusal(before, tracker.report):
            reader.leave_out(f"of {measurement.sensor!r}, {refused}")
        else:
            yield from frames.numbered(due)
    unused = reader.cameras - reader.used
    if frames is None or (reader.cameras and unused == reader.cameras):
        what = f"image of {', '.join(map(repr, sorted(unused)))}" if unused else "measurement"
        raise TwinError(
            f"{bag}: no {what} could be used at site {site.name!r}"
            + (f": {'; '.join(sorted(reader.refused))}" if reader.refused else "")
        )
    yield from frames.numbered([tracker.predict_to(frames.due_ns())])


class _Frames:
    """The times of frames at a fixed rate, the first at `start_ns`; each is taken once."""

    def __init__(self, start_ns: int, period_ns: float) -> None:
        self._start_ns, self._period_ns = start_ns, period_ns
        self._done = 0

    def due_ns(self, ahead: int = 0) -> int:
        """Time of the next frame, or of one so many after it."""
        return self._start_ns + round((self._done + ahead) * self._period_ns)

    def before(self, stamp_ns: int, tracker: PeopleTracker) -> list[People]:
        """The people of the frames that are due before a measurement."""
        if stamp_ns - self.due_ns() > LONGEST_GAP_NS:
            raise TwinError(
                f"a measurement comes {(stamp_ns - self.due_ns()) * 1e-9:.0f} s after all others: "
                "set that sensor's clock, or cut the bag"
            )
        people: list[People] = []
        # A millisecond: stamps of a steady camera are not the frames' to the nanosecond.
        while (due := self.due_ns(len(people))) + 1_000_000 < stamp_ns:
            people.append(tracker.predict_to(due))
        return people

    def numbered(self, people: list[People]) -> Iterator[tuple[int, People]]:
        """(number from 1, people) of the next frames."""
        for each in people:
            self._done += 1
            yield self._done, each


def _in_order(measurements: Iterator[Measurement]) -> Iterator[Measurement]:
    """By stamp and sensor, among those that came within the reordering time: a stamp from far
    ahead holds nobody up."""
    heap: list[tuple[int, str, int, Measurement]] = []
    for number, measurement in enumerate(measurements):
        entry = (measurement.stamp_ns, measurement.sensor, number, measurement)
        heapq.heappush(heap, entry)
        while heap and heap[0][-1].came_ns < measurement.came_ns - REORDER_NS:
            yield heapq.heappop(heap)[-1]
    while heap:
        yield heapq.heappop(heap)[-1]
