"""Fifty walkers before four sensors: what a tracker's step costs."""

from __future__ import annotations

import time

import numpy as np
from many_cameras import Arrival, camera_arrivals, ground_arrivals, line, looking_at

from visrftwin_ros.perception.tracking.tracker import PeopleTracker

PEOPLE = 50


def crowd() -> list:
    """Fifty who walk slowly on a grid 2.2 m wide."""
    random = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(10) - 4.5, np.arange(5) - 2.0), -1).reshape(-1, 2) * 2.2
    velocity = random.normal(0.0, 0.3, grid.shape)
    return [line(tuple(place), tuple(v)) for place, v in zip(grid, velocity, strict=True)]


def arrivals(seconds: float) -> list[Arrival]:
    """Three cameras and a LiDAR at 10 Hz, of which one camera comes late enough to be replayed."""
    random, walkers = np.random.default_rng(1), crowd()
    cameras = [
        looking_at("north", (0.0, 24.0, 9.0), (0.0, 0.0)),
        looking_at("south", (0.0, -24.0, 9.0), (0.0, 0.0)),
        looking_at("east", (28.0, 0.0, 9.0), (0.0, 0.0)),
    ]
    found = ground_arrivals("lidar", walkers, np.arange(0.01, seconds, 0.1), 0.03, random)
    for k, camera in enumerate(cameras):
        times = np.arange(0.025 * k, seconds, 0.1)
        found += camera_arrivals(camera, walkers, times, 0.03 + 0.03 * k, random)
    return sorted(found, key=lambda arrival: arrival.at)


def loaded_steps(rounds: int) -> np.ndarray:
    """Seconds of each measurement, once all fifty are followed."""
    tracker, took = PeopleTracker(), []
    for arrival in arrivals(1.0 + 0.1 * rounds):
        start = time.perf_counter()
        people = arrival.take(tracker)
        if arrival.at > 1.0:
            took.append(time.perf_counter() - start)
    assert len(people) == PEOPLE, f"{len(people)} of {PEOPLE} are followed"
    assert tracker.report.replayed > 0
    return np.array(took)
