"""LiDAR people through the tracker: one identity each, in their place, also with a camera."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.spatial.transform import Rotation
from simulated_lidar import SimulatedLidar, street, walkers_on_circles

from visrftwin_ros.perception.lidar_people import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.point_cloud import PointCloud
from visrftwin_ros.perception.tracker import PeopleTracker

TENTH = 100_000_000


def test_a_128_beam_lidar_alone_tracks_walkers_within_centimetres() -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, 3.0]))
    finder = LidarPeopleFinder("mast", LidarPeopleConfig(max_range=25.0))
    tracker = PeopleTracker()
    rng = np.random.default_rng(1)
    ring = np.repeat(np.arange(lidar.beams), lidar.columns)
    error: list[float] = []
    names: list[Counter[str]] = [Counter() for _ in range(6)]
    strangers, shown = 0, 0
    for k in range(110):
        # Nobody is there while it learns.
        walkers = walkers_on_circles(6, 0.1 * k, seed=8) if k > 35 else []
        points, returns = lidar.sweep(walkers, street(), rng)
        cloud = PointCloud(k * TENTH, "mast", points.reshape(-1, 3), ring=ring)
        people = tracker.update_ground(
            finder.find(cloud, lidar.position, Rotation.identity()).people
        )
        if k < 50:
            assert k > 35 or len(people) == 0
            continue
        truth = np.array([walker.position for walker in walkers])
        gap = np.hypot(*(truth[:, None] - people.position[None]).transpose(2, 0, 1))
        shown += len(people)
        strangers += int(np.sum(gap.min(axis=0) > 0.7)) if len(people) else 0
        for i in np.flatnonzero((returns >= 25) & (np.hypot(*truth.T) > 4.5)):
            j = int(np.argmin(gap[i]))
            if gap[i, j] < 0.7:
                error.append(float(gap[i, j]))
                names[i][people.ids[j]] += 1
    assert np.median(error) <= 0.08
    assert np.quantile(error, 0.9) <= 0.2
    assert strangers <= 0.02 * shown
    for name in names:
        total = sum(name.values())
        assert total == 0 or name.most_common(1)[0][1] >= 0.9 * total
