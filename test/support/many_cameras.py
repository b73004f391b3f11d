"""Synthetic cameras and a ground sensor around the same walkers, each with its own clock and rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from posed_cameras import posed_camera
from walking_scene import body_boxes

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

SECOND = 1_000_000_000
START = 1_000 * SECOND
Path = Callable[[float], np.ndarray]
"""Seconds -> (2,) m on the ground."""


def looking_at(
    name: str, place: tuple[float, float, float], target: tuple[float, float], focal: float = 600.0
) -> CameraModel:
    """A 960 x 720 camera at a place that looks at a point 1 m above the ground."""
    forward = np.array([*target, 1.0]) - place
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = place
    matrix = np.array([[focal, 0, 480.0], [0, focal, 360.0], [0, 0, 1]])
    return posed_camera(name, (960, 720), matrix, np.zeros(0), pose)


@dataclass(frozen=True)
class Arrival:
    """A measurement and when it comes to the tracker, s."""

    at: float
    stamp: float
    take: Callable[[PeopleTracker], People]


def seen_by(
    camera: CameraModel,
    walkers: Sequence[Path],
    seconds: float,
    random: np.random.Generator,
    looks: np.ndarray | None = None,
    hidden: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Detections:
    """The boxes of the walkers wholly inside the image, with noise as a detector's, in any order.

    hidden: which of (N, 2) places the camera cannot see.
    """
    places = np.array([walker(seconds) for walker in walkers])
    boxes = body_boxes(places, camera=camera)
    depth = camera.undistorted_projection(np.column_stack([places, np.zeros(len(places))]))[1]
    size = boxes[:, 3]
    noise = random.standard_normal((len(boxes), 3)) * [0.03, 0.015, 0.015]
    half = boxes[:, 2:] / 2
    inside = np.all(boxes[:, :2] - half > 4, axis=1) & (depth > 1.0)
    inside &= np.all(boxes[:, :2] + half < np.array(camera.size) - 5, axis=1)
    if hidden is not None:
        inside &= ~hidden(places)
    boxes[:, 0] += noise[:, 0] * size
    boxes[:, 1] += (noise[:, 1] + noise[:, 2]) * size / 2
    boxes[:, 3] += (noise[:, 1] - noise[:, 2]) * size
    order = random.permutation(np.flatnonzero(inside))
    return Detections(
        stamp_ns=START + round(seconds * SECOND),
        camera=camera.name,
        image_size=camera.size,
        box=boxes[order],
        score=np.full(len(order), 0.8),
        track_id=("",) * len(order),
        embedding=np.zeros((len(order), 0)) if looks is None else looks[order],
    )


def placed_by(
    name: str,
    walkers: Sequence[Path],
    seconds: float,
    random: np.random.Generator,
    sigma: float = 0.03,
) -> GroundMeasurements:
    """What a LiDAR at the origin would say of the walkers within 25 m; its noise is about that of
    bench/lidar_people.py, 0.03 m in the median."""
    places = np.array([walker(seconds) for walker in walkers]).reshape(-1, 2)
    places = places[np.hypot(*places.T) < 25.0]
    count = len(places)
    return GroundMeasurements(
        stamp_ns=START + round(seconds * SECOND),
        sensor=name,
        position=places + sigma * random.standard_normal((count, 2)),
        covariance=np.tile(sigma**2 * np.eye(2), (count, 1, 1)),
        height=np.full(count, 1.72) + 0.03 * random.standard_normal(count),
        height_sigma=np.full(count, 0.05),
        score=np.full(count, 0.8),
        extent=np.tile([0.5, 0.3], (count, 1)),
        origin=np.zeros(2),
        reach=25.0,
    )


def camera_arrivals(
    camera: CameraModel,
    walkers: Sequence[Path],
    times: np.ndarray,
    latency: float,
    random: np.random.Generator,
    **options: object,
) -> list[Arrival]:
    """A camera's images, with a latency that jitters by a fifth."""

    def arrival(seconds: float) -> Arrival:
        found = seen_by(camera, walkers, seconds, random, **options)  # type: ignore[arg-type]
        late = latency * random.uniform(0.8, 1.2)
        return Arrival(seconds + late, seconds, lambda tracker: tracker.update(found, camera))

    return [arrival(float(seconds)) for seconds in times]


def ground_arrivals(
    name: str,
    walkers: Sequence[Path],
    times: np.ndarray,
    latency: float,
    random: np.random.Generator,
) -> list[Arrival]:
    """A ground sensor's measurements."""

    def arrival(seconds: float) -> Arrival:
        placed = placed_by(name, walkers, seconds, random)
        return Arrival(seconds + latency, seconds, lambda tracker: tracker.update_ground(placed))

    return [arrival(float(seconds)) for seconds in times]


def played(
    tracker: PeopleTracker, arrivals: Sequence[Arrival], in_order: bool = False
) -> list[People]:
    """The people after each measurement, in the order of arrival, or of the stamps."""
    key = (lambda a: a.stamp) if in_order else (lambda a: a.at)
    return [arrival.take(tracker) for arrival in sorted(arrivals, key=key)]


def identities(history: Sequence[People], walkers: Sequence[Path]) -> list[list[str]]:
    """The ids under which each walker was shown, in order, and each id once."""
    names: list[list[str]] = [[] for _ in walkers]
    for people in history:
        seconds = (people.stamp_ns - START) / SECOND
        for name, place in zip(people.ids, people.position, strict=True):
            gaps = [float(np.hypot(*(walker(seconds) - place))) for walker in walkers]
            nearest = int(np.argmin(gaps))
            if gaps[nearest] < 1.0 and name not in names[nearest]:
                names[nearest].append(name)
    return names


def errors(history: Sequence[People], walkers: Sequence[Path], after: float) -> np.ndarray:
    """Distances [m] of everybody shown from the nearest walker, from a time [s] on."""
    found = []
    for people in history:
        seconds = (people.stamp_ns - START) / SECOND
        if seconds < after:
            continue
        places = np.array([walker(seconds) for walker in walkers])
        for place in people.position:
            found.append(float(np.hypot(*(places - place).T).min()))
    return np.array(found)


def line(start: tuple[float, float], velocity: tuple[float, float]) -> Path:
    """Somebody who walks straight on."""
    return lambda seconds: np.array(start) + seconds * np.array(velocity)
