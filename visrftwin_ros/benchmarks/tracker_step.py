"""What one measurement costs the tracker: fifty slow walkers before three cameras and a LiDAR.

All come at 10 Hz; the slower cameras come late, so two of four measurements are replayed. The
budget is 5 ms a step.
"""

from __future__ import annotations

import time

import numpy as np

from visrftwin_ros.benchmarks.simulated.arrivals import (
    Arrival,
    Path,
    camera_arrivals,
    ground_arrivals,
    line,
    looking_at,
)
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

PEOPLE = 50
_SETTLED = 1.0
"""Seconds from which all are followed and calls are timed."""


def crowd() -> list[Path]:
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


def step_seconds(rounds: int) -> dict[str, np.ndarray]:
    """Seconds that each measurement took, of so many tenths of a second: `step` every one as it
    comes, `in_order` and `replayed` those without and with a replay."""
    tracker = PeopleTracker()
    took: dict[str, list[float]] = {"step": [], "in_order": [], "replayed": []}
    for arrival in arrivals(_SETTLED + 0.1 * rounds):
        before = tracker.report.replayed
        start = time.perf_counter()
        people = arrival.take(tracker)
        seconds = time.perf_counter() - start
        if arrival.at > _SETTLED:
            took["step"].append(seconds)
            late = tracker.report.replayed > before
            took["replayed" if late else "in_order"].append(seconds)
    assert len(people) == PEOPLE, f"{len(people)} of {PEOPLE} are followed"
    return {name: np.array(values) for name, values in took.items()}


def run(rounds: int) -> dict[str, object]:
    """The costs in milliseconds."""
    report = {
        name: {
            "count": len(seconds),
            "median_ms": round(1e3 * float(np.median(seconds)), 2),
            "p99_ms": round(1e3 * float(np.quantile(seconds, 0.99)), 2),
        }
        for name, seconds in step_seconds(rounds).items()
        if len(seconds)
    }
    return {"tracks": PEOPLE, "sensors": 4, **report}
