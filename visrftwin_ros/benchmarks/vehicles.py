"""How well passing and parked cars are followed on a simulated road, over several seeds.

All is simulated (`simulated/traffic.py`): a 64-beam LiDAR at 10 Hz on a mast of 3 m, and a camera beside
it whose boxes are those of the cars' corners with a detector's noise and misses.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation
from scipy.special import stdtrit

from visrftwin_ros.benchmarks.simulated.traffic import LIDAR, Car, Traffic
from visrftwin_ros.cameras.pinhole import CameraModel, PinholeCamera
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.vehicle_boxes import vehicles_in_boxes
from visrftwin_ros.perception.tracking.vehicle_tracker import VehicleTracker
from visrftwin_ros.perception.tracking.vehicles import Vehicles

RATE = 10.0
COMES_AT = 1.0
"""s at which the passing car enters, after the background was learnt."""
SAME = 2.0
"""m up to which a box is that of a car."""
EDGE_NOISE, MISSED = 0.02, 0.05
"""Share of a box's height by which its edges are off, and of boxes that a detector misses."""
SETS = {"LiDAR": (True, False), "camera": (False, True), "LiDAR and camera": (True, True)}


@dataclass
class Score:
    """Of one seed. place: m, heading: rad, speed: m/s of the passing car; parked: m. first: s until it was
    shown. missed, invented: cars not shown and boxes of none, at each moment, and there: cars that were
    there. milliseconds: of the finder and tracker a sweep, processor time."""

    place: list[float] = field(default_factory=list)
    heading: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    parked: list[float] = field(default_factory=list)
    first: float = np.nan
    missed: int = 0
    invented: int = 0
    there: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def count(self, found: Vehicles, cars: Sequence[Car], passing: bool, seconds: float) -> None:
        """One moment; passing: the last of the cars drives."""
        truth = np.array([car.center for car in cars])
        gap = np.hypot(*(truth[:, None] - found.position[None]).transpose(2, 0, 1))
        i, j = linear_sum_assignment(np.minimum(gap, SAME))
        good = gap[i, j] < SAME
        self.there += len(cars)
        self.missed += len(cars) - int(good.sum())
        self.invented += len(found) - int(good.sum())
        for car, box in zip(i[good], j[good], strict=True):
            if not (passing and car == len(cars) - 1):
                self.parked.append(float(gap[car, box]))
                continue
            if np.isnan(self.first):
                self.first = seconds - COMES_AT
            self.place.append(float(gap[car, box]))
            off = found.heading[box] - cars[car].heading
            self.heading.append(float(abs((off + np.pi / 2) % np.pi - np.pi / 2)))
            self.speed.append(float(np.hypot(*(found.velocity[box] - cars[car].velocity))))

    def figures(self) -> dict[str, float]:
        """Of this seed: medians, 90 % points and shares."""
        passing = len(self.place) > 0
        return {
            "place_m": float(np.median(self.place)) if passing else np.nan,
            "place_90_m": float(np.quantile(self.place, 0.9)) if passing else np.nan,
            "heading_rad": float(np.median(self.heading)) if passing else np.nan,
            "speed_m_s": float(np.median(self.speed)) if passing else np.nan,
            "first_shown_s": self.first,
            "parked_m": float(np.median(self.parked)) if self.parked else np.nan,
            "missed_share": self.missed / max(self.there, 1),
            "invented_share": self.invented / max(self.there, 1),
            "ms_a_sweep": float(np.median(self.milliseconds)) if self.milliseconds else np.nan,
        }


def camera_beside() -> CameraModel:
    """4 m high, south of the LiDAR, looking over the road to the north."""
    axes = Rotation.from_euler("x", 90 + 12, degrees=True).as_matrix()
    center = np.array([0.0, -14.0, 5.0])
    matrix = np.array([[520.0, 0, 479.5], [0, 520.0, 269.5], [0, 0, 1]])
    return PinholeCamera("camera", (960, 540), matrix, axes, -axes @ center, np.zeros(0))


def run(seeds: Sequence[int], seconds: float) -> dict[str, dict[str, list[float] | None]]:
    """For each set of sensors and figure: as `_interval` over the seeds that have it."""
    table: dict[str, dict[str, list[float] | None]] = {}
    for name, (lidar, camera) in SETS.items():
        rows = [scored(seed, seconds, lidar, camera).figures() for seed in seeds]
        values = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        table[name] = {key: _interval(value) for key, value in values.items()}
    return table


def scored(seed: int, seconds: float, lidar: bool, camera: bool) -> Score:
    """One seed, by some of the sensors."""
    traffic, score, view = Traffic(seed), Score(), camera_beside()
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0.5, vehicles=True))
    tracker, parked = VehicleTracker(), traffic.parked()
    for k in range(round(seconds * RATE)):
        now = k / RATE
        passing = now >= COMES_AT
        cars = [*parked, *([traffic.passing(now - COMES_AT)] if passing else [])]
        if lidar:
            cloud = traffic.sweep(k, RATE, COMES_AT)
            start = time.process_time()
            found = finder.find(cloud, LIDAR, Rotation.identity()).vehicles
            assert found is not None
            tracker.update(found)
            score.milliseconds.append(1e3 * (time.process_time() - start))
        if camera:
            rng = np.random.default_rng([seed, 0xCA3, k])
            detections = boxes_of(cars, view, round(1e9 * now) + 1, rng)
            tracker.update(vehicles_in_boxes(detections, view))
        if passing:
            visible = cars if lidar else [car for car in cars if _in_sight(car, view)]
            last = bool(visible) and visible[-1] is cars[-1]
            score.count(tracker.predict_to(round(1e9 * now)), visible, last, now)
    return score


def boxes_of(
    cars: Sequence[Car], camera: CameraModel, stamp_ns: int, rng: np.random.Generator
) -> Detections:
    """What a detector makes of the cars in sight, the nearer ones before the others."""
    box, score = [], []
    for car in cars:
        if not _in_sight(car, camera) or rng.random() < MISSED:
            continue
        pixels, _ = camera.project(car.corners())
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        ends = np.concatenate([low, high]) + rng.normal(0, EDGE_NOISE * (high[1] - low[1]), 4)
        ends = np.clip(ends, 0, np.tile(np.array(camera.size) - 1.0, 2))
        box.append([*(ends[:2] + ends[2:]) / 2, *(ends[2:] - ends[:2])])
        score.append(rng.uniform(0.4, 0.9))
    found: NDArray[np.float64] = np.array(box).reshape(-1, 4)
    names = ("",) * len(found)
    kinds = ("car",) * len(found)
    return Detections(stamp_ns, camera.name, camera.size, found, np.array(score), names, kind=kinds)


def _in_sight(car: Car, camera: CameraModel) -> bool:
    pixels, seen = camera.project(np.array([[*car.center, 0.7]]))
    return bool(seen[0] and (pixels[0] > 0).all() and (pixels[0] < np.array(camera.size)).all())


def _interval(values: NDArray[np.float64]) -> list[float] | None:
    """Mean, and half of its 95 % interval by Student's t; None of fewer than two."""
    known = values[np.isfinite(values)]
    count = len(known)
    if count < 2:
        return None
    half = stdtrit(count - 1, 0.975) * known.std(ddof=1) / np.sqrt(count)
    return [round(float(known.mean()), 3), round(float(half), 3)]
