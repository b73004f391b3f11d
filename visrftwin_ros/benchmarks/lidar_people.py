"""Time of one 128 x 1024 sweep, and where its people are, on a simulated street."""

from __future__ import annotations

import time

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.lidar import SimulatedLidar, street, walkers_on_circles
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder


def run(walkers: int, beams: int, sweeps: int, learning: float) -> dict[str, object]:
    """On so many sweeps at 10 Hz, of which the first `learning` seconds teach the background."""
    lidar = SimulatedLidar(np.array([0.0, 0.0, 3.0]), beams=beams)
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=learning))
    rng = np.random.default_rng(1)
    ring = np.repeat(np.arange(lidar.beams), lidar.columns)
    seconds: list[float] = []
    error: list[float] = []
    seen = found_of = invented = 0
    for k in range(sweeps):
        people_there = walkers_on_circles(walkers, 0.1 * k, seed=3)
        points, returns = lidar.sweep(people_there, street(), rng)
        cloud = PointCloud(k * 100_000_000, "lidar", points.reshape(-1, 3), ring=ring)
        start = time.perf_counter()
        found = finder.find(cloud, lidar.position, Rotation.identity())
        elapsed = time.perf_counter() - start
        if found.learning:
            continue
        seconds.append(elapsed)
        people = found.people.where(found.people.score > 0.5)
        truth = np.array([walker.position for walker in people_there])
        gap = np.hypot(*(truth[:, None] - people.position[None]).transpose(2, 0, 1))
        i, j = linear_sum_assignment(np.minimum(gap, 0.6))
        good = gap[i, j] < 0.6
        error += list(gap[i, j][good])
        visible = (returns >= 25) & (np.hypot(*truth.T) > 4.5)
        seen += int(visible.sum())
        found_of += int(visible[i[good]].sum())
        invented += len(people) - int(good.sum())
    if not seconds:
        raise TwinError(f"all {sweeps} sweeps taught the background: give more, or less --learning")
    return {
        "points": lidar.beams * lidar.columns,
        "sweeps": len(seconds),
        "median_ms": round(1e3 * float(np.median(seconds)), 1),
        "p99_ms": round(1e3 * float(np.quantile(seconds, 0.99)), 1),
        "error_median_m": round(float(np.median(error)), 3),
        "error_p90_m": round(float(np.quantile(error, 0.9)), 3),
        "visible_found": f"{found_of} of {seen}",
        "invented": invented,
    }
