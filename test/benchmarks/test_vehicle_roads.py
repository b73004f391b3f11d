"""What `visrftwin bench vehicles` counts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from visrftwin_ros.benchmarks.simulated.traffic import Traffic
from visrftwin_ros.benchmarks.vehicles import Score, run, scored
from visrftwin_ros.perception.tracking.vehicles import Vehicles


def shown(position: np.ndarray, velocity: np.ndarray, heading: np.ndarray) -> Vehicles:
    count = len(position)
    return Vehicles(
        stamp_ns=0,
        ids=tuple(str(k) for k in range(count)),
        kind=("car",) * count,
        position=position,
        velocity=velocity,
        covariance=np.zeros((count, 4, 4)),
        size=np.tile([4.5, 1.8, 1.5], (count, 1)),
        heading=heading,
        heading_sigma=np.zeros(count),
        existence=np.ones(count),
        seen_by=(("LiDAR",),) * count,
    )


def test_cars_boxes_of_none_and_the_passing_one_are_told_apart() -> None:
    traffic = Traffic(0)
    passing, parked = traffic.passing(0.5), traffic.parked()[0]
    beside = np.array([0.3, 0.0])
    boxes = shown(
        np.array([parked.center + beside, passing.center + beside, [500.0, 0.0]]),
        np.array([[0.0, 0.0], passing.velocity + [0.0, 0.4], [0.0, 0.0]]),
        np.array([parked.heading, passing.heading + np.pi + 0.1, 0.0]),
    )
    score = Score()
    score.count(boxes, [parked, traffic.parked()[1], passing], True, 1.5)
    figures = score.figures()
    assert figures["parked_m"] == pytest.approx(0.3) and figures["place_m"] == pytest.approx(0.3)
    assert figures["speed_m_s"] == pytest.approx(0.4)
    assert figures["heading_rad"] == pytest.approx(0.1)  # front and rear are one
    assert figures["missed_share"] == pytest.approx(1 / 3)
    assert figures["invented_share"] == pytest.approx(1 / 3)
    assert figures["first_shown_s"] == pytest.approx(0.5)


def test_a_camera_alone_follows_the_passing_car() -> None:
    figures = scored(1, 3.0, lidar=False, camera=True).figures()
    assert figures["place_m"] < 2 and figures["missed_share"] < 0.2
    assert np.isnan(figures["ms_a_sweep"])


def test_what_one_seed_cannot_tell_is_null() -> None:
    table = run(range(1), 0.2)  # the car has not come yet
    assert json.loads(json.dumps(table, allow_nan=False))["camera"]["place_m"] is None
