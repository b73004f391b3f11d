"""The same walkers before several cameras and a 128-beam LiDAR, each with its own clock and noise.

Bodies are meshes: cameras see the boxes of their corners, the LiDAR's rays meet their triangles.
North and south look at the western half of the place from both sides; east sees only the other
end, and between them lies a gap that no camera sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.benchmarks.simulated.arrivals import SECOND, START, Arrival, looking_at
from visrftwin_ros.benchmarks.simulated.lidar import Array, Block, Walker
from visrftwin_ros.benchmarks.simulated.spinning_lidar import (
    MeshLidar,
    SpinningLidar,
    body_mesh,
    standing,
)
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.evaluation.track_scores import TrackScore, Truth, score_tracks
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.measurements.box_measurements import areas, shared_area
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.perception.tracking.tracks_file import Tracks

CAMERAS = {
    "north": looking_at("north", (-7.0, 12.0, 5.0), (-7.0, 0.0), focal=800.0),
    "south": looking_at("south", (-7.0, -12.0, 5.0), (-7.0, 0.0), focal=800.0),
    "east": looking_at("east", (14.0, -12.0, 5.0), (14.0, 0.0), focal=800.0),
}
LATENCY = {"north": 0.05, "south": 0.11, "east": 0.08, "lidar": 0.02}
"""s from the stamp, or the end of the sweep, to the tracker."""
LIDAR_PLACE = (3.0, 9.0, 3.0)
BLOCKS = [
    Block(np.array([0.0, 17.0]), np.array([50.0, 0.5, 6.0])),
    Block(np.array([-4.0, -7.5]), np.array([4.4, 1.8, 1.5]), 0.2),
    Block(np.array([2.0, -6.0]), np.array([0.4, 0.4, 4.0])),
    Block(np.array([9.0, 6.0]), np.array([0.5, 0.5, 1.1])),
]
HIDDEN_SHARE = 0.6
"""Share of a box behind nearer ones from which a detector misses it."""
MISSED = 0.05
SAME_CAMERA, SAME_PERSON, OTHERS = 0.05, 0.12, 0.42
"""1 - cosine of the synthetic embeddings, about: of one person in one camera, in two, of two people.
They stand for a network's, whose weights cannot be had here."""
LENGTH = 128
FEWEST_RETURNS = 25
"""From as many the LiDAR sees somebody."""


@dataclass(frozen=True)
class Walk:
    """Straight on with a swing to the sides: start (2,) m, speed [m/s] along x, sway [m]."""

    start: tuple[float, float]
    speed: float
    sway: float
    height: float

    def at(self, seconds: float) -> Walker:
        rate = 0.35
        phase = rate * seconds + self.height * 7
        velocity = np.array([self.speed, self.sway * rate * np.cos(phase)])
        place = np.array(self.start) + [self.speed * seconds, self.sway * np.sin(phase)]
        # A stride of 0.75 m is half a turn of the phase.
        stride = np.pi * abs(self.speed) * seconds / 0.75
        return Walker(place, float(np.arctan2(*velocity[::-1])), stride, self.height)


def walks(count: int, seed: int) -> list[Walk]:
    """Each on a lane of their own, 1.2 m wide; most come from the west, faster ones behind, every
    third from the east."""
    rng = np.random.default_rng(seed)
    lanes = 1.2 * (rng.permutation(count) - (count - 1) / 2)
    found = []
    for k in range(count):
        west = k % 3 != 2
        start = (-10.0 - 1.2 * k if west else 14.0 + k, float(lanes[k]))
        speed = float(rng.uniform(1.0, 1.2) + 0.08 * k) * (1 if west else -1)
        sway, height = float(rng.uniform(0.1, 0.35)), float(rng.normal(1.73, 0.07))
        found.append(Walk(start, speed, sway, height))
    return found


class SyntheticLooks:
    """Unit vectors that stand for embeddings: what people share, the person, the view, noise."""

    def __init__(self, people: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        basis = np.linalg.qr(self._rng.normal(size=(LENGTH, people + 1)))[0].T
        self._base = np.sqrt(1 - OTHERS) * basis[0] + np.sqrt(OTHERS) * basis[1:]
        self._views: dict[tuple[str, int], Array] = {}

    def seen(self, camera: str, person: int) -> Array:
        view = self._views.setdefault((camera, person), self._random(SAME_PERSON - SAME_CAMERA))
        look = self._base[person] + view + self._random(SAME_CAMERA)
        return np.asarray(look / np.linalg.norm(look))

    def _random(self, apart: float) -> Array:
        """A vector that brings two otherwise equal looks about this far apart, in 1 - cosine."""
        return self._rng.normal(size=LENGTH) * np.sqrt(apart / LENGTH)


@dataclass(frozen=True)
class Scene:
    """seconds: that people walk; before, the place is empty."""

    people: list[Walk]
    seconds: float
    seed: int = 0

    def walkers(self, seconds: float) -> list[Walker]:
        return [walk.at(seconds) for walk in self.people] if seconds >= 0 else []

    def detections(
        self,
        camera: CameraModel,
        seconds: float,
        rng: np.random.Generator,
        looks: SyntheticLooks | None,
    ) -> Detections:
        """Boxes of the bodies' corners with a detector's noise; hidden and some others missed."""
        corners, who, nearness = [], [], []
        for k, walker in enumerate(self.walkers(seconds)):
            pixels, before = camera.project(body_mesh(walker).reshape(-1, 3))
            if not before.all():
                continue
            box = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
            shown = np.clip(box, 0, np.tile(np.array(camera.size) - 1.0, 2))
            if areas(shown[None])[0] < 0.4 * areas(box[None])[0]:
                continue
            corners.append(shown)
            who.append(k)
            nearness.append(-np.hypot(*(walker.position - camera.center[:2])))
        box = np.array(corners).reshape(-1, 4)
        near = np.array(nearness)
        covered = shared_area(box, box) / areas(box)[:, None] * (near[None] > near[:, None])
        kept = (covered.max(axis=1, initial=0.0) < HIDDEN_SHARE) & (rng.random(len(box)) > MISSED)
        box = box[kept]
        box += rng.normal(0, 0.015, box.shape) * (box[:, 3:] - box[:, 1:2]) + rng.normal(
            0, 0.7, box.shape
        )
        names = [who[k] for k in np.flatnonzero(kept)]
        embedding = None
        if looks is not None:
            embedding = np.array([looks.seen(camera.name, k) for k in names]).reshape(-1, LENGTH)
        return Detections(
            stamp_ns=START + round(seconds * SECOND),
            camera=camera.name,
            image_size=camera.size,
            box=np.column_stack([(box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]]),
            score=rng.uniform(0.5, 0.9, len(box)),
            track_id=("",) * len(box),
            embedding=np.zeros((len(box), 0)) if embedding is None else embedding,
        )

    def camera_arrivals(self, name: str, embedded: bool) -> list[Arrival]:
        """10 images a second, each camera at its own phase."""
        number = list(CAMERAS).index(name)
        rng = np.random.default_rng([self.seed, number])
        looks = SyntheticLooks(len(self.people), self.seed) if embedded else None
        camera, arrivals = CAMERAS[name], []
        for seconds in np.arange(0.031 * number, self.seconds, 0.1).tolist():
            found = self.detections(camera, seconds, rng, looks)
            late = LATENCY[name] * rng.uniform(0.8, 1.3)
            take = lambda tracker, found=found: tracker.update(found, camera)  # noqa: E731
            arrivals.append(Arrival(seconds + late, seconds, take))
        return arrivals

    def lidar_arrivals(
        self, columns: int = 1024, learning: float = 3.0
    ) -> tuple[list[Arrival], dict[int, NDArray[np.int64]]]:
        """10 sweeps a second, of which `learning` s before the people come; and at the middle [ms]
        of each, who gave how many returns."""
        rng = np.random.default_rng([self.seed, 9])
        lidar = MeshLidar(np.array(LIDAR_PLACE), columns=columns)
        spinning = SpinningLidar(lidar, standing(LIDAR_PLACE))
        config = LidarPeopleConfig(max_range=25.0, learning_time=learning)
        finder = LidarPeopleFinder("lidar", config)
        arrivals, seen = [], {}
        home = spinning.pose_at(0.0)
        for seconds in np.arange(-learning - 0.2, self.seconds, 0.1).tolist():
            cloud, returns = spinning.sweep(seconds, self.walkers, BLOCKS, rng)
            cloud = replace(cloud, stamp_ns=START + round(seconds * SECOND))
            people = finder.find(cloud, home.position, home.rotation).people
            take = lambda tracker, people=people: tracker.update_ground(people)  # noqa: E731
            arrivals.append(Arrival(seconds + 0.1 + LATENCY["lidar"], seconds, take))
            seen[round(1e3 * (seconds + 0.05))] = returns
        return arrivals, seen


@dataclass(frozen=True)
class SensorScore:
    """What some of the sensors make of a scene. score: over everybody, all the time. seen_median,
    seen_p90: m, error of those whom the LiDAR sees just then. identities: ids a walker had."""

    score: TrackScore
    seen_median: float
    seen_p90: float
    identities: list[int]
    history: list[People]


def scored(
    scene: Scene, arrivals: Sequence[Arrival], seen: dict[int, NDArray[np.int64]]
) -> SensorScore:
    """The people as they are published, ten times a second, against where the walkers are then.

    Somebody may be told of from a second after the start on; within a metre they are found."""
    tracker, published, tick = PeopleTracker(), [], 0
    for arrival in sorted(arrivals, key=lambda a: a.at):
        people = arrival.take(tracker)
        if arrival.at >= 1.0 + 0.1 * tick:
            published.append(people)
            tick += 1
    rows, truth_rows, gaps = [], [], []
    names: list[set[str]] = [set() for _ in scene.people]
    sweeps = np.array(sorted(seen))
    for frame, people in enumerate(published, 1):
        seconds = (people.stamp_ns - START) / SECOND
        places = np.array([walker.position for walker in scene.walkers(seconds)])
        rows.append((frame, people))
        inside = np.flatnonzero((places[:, 0] > -14.0) & (places[:, 0] < 18.0)).tolist()
        truth_rows += [(frame, str(k), places[k]) for k in inside]
        returns = (
            seen[int(sweeps[np.abs(sweeps - 1e3 * seconds).argmin()])] if len(sweeps) else None
        )
        for name, place in zip(people.ids, people.position, strict=True):
            gap = np.hypot(*(places - place).T)
            k = int(gap.argmin())
            if gap[k] < 0.7:
                names[k].add(name)
        if len(people):
            for k in inside:
                gap = float(np.hypot(*(people.position - places[k]).T).min())
                if gap < 1.0 and returns is not None and returns[k] >= FEWEST_RETURNS:
                    gaps.append(gap)
    truth = Truth(
        frame=np.array([frame for frame, _, _ in truth_rows]),
        ids=tuple(name for _, name, _ in truth_rows),
        position=np.array([place for *_, place in truth_rows]),
    )
    return SensorScore(
        score=score_tracks(Tracks.from_people(rows), truth),
        seen_median=float(np.median(gaps)) if gaps else float("nan"),
        seen_p90=float(np.quantile(gaps, 0.9)) if gaps else float("nan"),
        identities=[len(each) for each in names],
        history=published,
    )
