"""Vehicles over time: what the tracker makes of made measurements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visrftwin_ros.perception.measurements.sweep_view import SPEAKS, SweepView
from visrftwin_ros.perception.measurements.vehicle_measurements import (
    VehicleMeasurements,
    vehicle_rows,
)
from visrftwin_ros.perception.tracking.vehicle_tracker import VehicleTracker
from visrftwin_ros.perception.tracking.vehicles import Vehicles

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def view(nearest: float = 60.0) -> SweepView:
    return SweepView(np.zeros(2), 60.0, np.full(720, nearest))


def row(x: float, y: float, **columns: object) -> dict[str, object]:
    """A LiDAR's whole car."""
    usual = {"kind": "car", "score": 0.9, "after": 0.0, "anchor": (x, y), "side": (0, 0)}
    usual |= {"covariance": 0.05**2 * np.eye(2), "doubt": np.zeros((2, 2)), "heading": 0.0}
    usual |= {"heading_sigma": 0.03, "size": (4.2, 1.8, 1.5), "whole": (True, True)}
    return {**usual, "n_points": 300, **columns}


def seen(
    seconds: float, *rows: dict[str, object], sensor: str = "lidar", nearest: float = 60.0
) -> VehicleMeasurements:
    stamp = START + round(seconds * SECOND)
    return vehicle_rows(rows, stamp, sensor, view(nearest), SPEAKS)


def by_camera(seconds: float, x: float, y: float) -> VehicleMeasurements:
    """Two metres of doubt along x."""
    none = {"size": np.zeros(3), "whole": (False, False), "heading_sigma": np.inf, "n_points": 0}
    doubt = np.diag([2.0**2, 0.4**2])
    return seen(seconds, row(x, y, doubt=doubt, **none), sensor="camera")


def followed(measured: list[VehicleMeasurements]) -> tuple[VehicleTracker, Vehicles]:
    tracker = VehicleTracker()
    for one in measured:
        vehicles = tracker.update(one)
    return tracker, vehicles


def test_a_passing_car_has_its_place_speed_heading_and_size() -> None:
    speed = np.array([6.0, 2.0])
    rng = np.random.default_rng(3)
    places = [np.array([-8.0, 5.0]) + speed * k / 10 for k in range(15)]
    noisy = [place + rng.normal(0, 0.05, 2) for place in places]
    tracker, found = followed([seen(k / 10, row(*p)) for k, p in enumerate(noisy)])
    assert found.ids == ("1",) and found.kind == ("car",)
    assert np.hypot(*(found.position[0] - places[-1])) < 0.1
    assert np.hypot(*(found.velocity[0] - speed)) < 0.6
    assert found.heading[0] == pytest.approx(np.arctan2(2, 6), abs=0.08)
    assert found.size[0] == pytest.approx([4.2, 1.8, 1.5])
    later = tracker.predict_to(START + 2 * SECOND)
    assert np.hypot(*(later.position[0] - places[-1] - 0.6 * speed)) < 0.5
    assert np.linalg.eigvalsh(later.covariance[0])[0] > 0
    assert later.covariance[0, 0, 0] > found.covariance[0, 0, 0]


def test_a_camera_and_a_lidar_that_see_one_car_give_one_box_at_the_lidar_s_place() -> None:
    measured = []
    for k in range(12):
        x = -8.0 + 0.5 * k
        measured += [by_camera(k / 10, x + 2.0, 5.4), seen(k / 10 + 0.01, row(x + 0.05, 5.0))]
    _, found = followed(measured)
    assert found.ids == ("1",)
    assert np.hypot(*(found.position[0] - [-8.0 + 0.5 * 11 + 0.05, 5.0])) < 0.15
    assert set(found.seen_by[0]) == {"camera", "lidar"}
    alone, _ = followed([one for one in measured if one.sensor == "camera"])
    spread = alone.vehicles().covariance[0]
    assert spread[0, 0] > 1.5**2, "a camera's doubt is not averaged away"
    assert spread[0, 0] > 10 * found.covariance[0, 0, 0]


def test_the_box_grows_by_what_is_seen_and_its_near_side_stays() -> None:
    """First only the rear of a car that stands away from the sensor, then its length as well."""
    rear = {"side": (-1, 0), "size": (0.5, 1.8, 1.5), "whole": (False, True)}
    measured = [seen(k / 10, row(10.0, 0.0, **rear)) for k in range(5)]
    tracker, found = followed(measured)
    assert found.size[0, 0] == pytest.approx(4.3), "a usual car until more is known"
    assert found.position[0, 0] - found.size[0, 0] / 2 == pytest.approx(10.0, abs=0.1)
    assert found.covariance[0, 0, 0] > 0.2**2 > found.covariance[0, 1, 1]
    for k in range(5, 25):
        found = tracker.update(seen(k / 10, row(12.5, 0.0, size=(5.0, 1.8, 1.5))))
    assert found.size[0, 0] == pytest.approx(5.0, abs=0.05)
    assert found.position[0, 0] == pytest.approx(12.5, abs=0.05)
    assert found.covariance[0, 0, 0] < 0.1**2
    found = tracker.update(seen(2.5, row(10.0, 0.0, **rear)))
    assert found.size[0, 0] == pytest.approx(5.0, abs=0.05), "it does not shrink"


def test_a_parked_car_stays_hidden_and_a_driven_one_goes() -> None:
    parked = [seen(k / 10, row(10.0, 0.0)) for k in range(20)]
    tracker, found = followed(parked)
    assert found.velocity[0] == pytest.approx([0.0, 0.0])
    for k in range(20, 300, 10):  # a bus before it
        found = tracker.update(seen(k / 10, nearest=4.0))
    assert found.ids == ("1",) and found.seen_by == ((),)
    assert found.position[0] == pytest.approx([10.0, 0.0], abs=0.05)
    tracker, _ = followed([seen(k / 10, row(-5.0 + k, 5.0)) for k in range(8)])
    for k in range(8, 28):
        found = tracker.update(seen(k / 10))
    assert len(found) == 0, "its place was in sight and empty"


def test_late_measurements_count_at_their_own_time() -> None:
    measured = [seen(k / 10, row(-8.0 + 0.6 * k, 5.0)) for k in range(12)]
    extra = seen(0.55, row(-8.0 + 3.3, 5.0), sensor="other")
    in_order = [*measured[:6], extra, *measured[6:]]
    _, expected = followed(in_order)
    late, found = followed([*measured[:10], extra, *measured[10:]])
    assert late.report.replayed == 1
    assert found.position == pytest.approx(expected.position, abs=1e-9)
    assert found.ids == expected.ids


def test_a_clock_that_jumps_is_refused_while_the_others_go_on() -> None:
    tracker = VehicleTracker()
    for k in range(10):
        tracker.update(seen(k / 10, row(10.0, 0.0)))
        tracker.update(by_camera(k / 10 + 0.01, 10.0, 0.0))
    found = tracker.update(seen(-100.0, row(30.0, 9.0)))
    assert tracker.report.refused == 1 and "jumped back" in tracker.report.last_refused
    assert found.position[0] == pytest.approx([10.0, 0.0], abs=0.1)
    alone, _ = followed([seen(k / 10, row(10.0, 0.0)) for k in range(10)])
    alone.update(seen(-100.0, row(30.0, 9.0)))
    assert alone.report.resets == 1
    found = alone.update(seen(-99.9, row(30.0, 9.0)))
    assert found.ids == ("2",), "no name is used twice"


def test_sensors_that_disagree_never_give_two_boxes_in_one_place() -> None:
    measured = []
    for k in range(15):
        measured += [
            seen(k / 10, row(10.0, 0.0)),
            seen(k / 10 + 0.01, row(11.2, 0.3), sensor="other"),
        ]
    _, found = followed(measured)
    assert len(found) == 1
    assert 9.9 < found.position[0, 0] < 11.3


def test_one_that_is_found_anew_in_a_surer_place_keeps_its_motion() -> None:
    """A bus of which only the front was seen, and then all of it."""
    front = {"size": (2.5, 2.5, 2.5), "covariance": 0.2**2 * np.eye(2)}
    rows = [seen(k / 10, row(-10.0 + 0.8 * k, 5.0, **front)) for k in range(20)]
    tracker, before = followed(rows)
    speed = np.array([8.0, 0.0])
    assert np.hypot(*(before.velocity[0] - speed)) < 0.5
    bus = {"kind": "bus", "size": (11.5, 2.5, 3.0), "covariance": 0.01**2 * np.eye(2)}
    found = tracker.update(seen(2.0, row(6.0 - 4.5, 5.0, **bus)))
    assert found.ids == before.ids
    assert abs(found.position[0, 0] - 1.5) < 0.1
    assert np.hypot(*(found.velocity[0] - speed)) < 0.5


def test_rows_that_are_no_numbers_are_left_out_and_counted() -> None:
    nan = float("nan")
    bad = [row(nan, 0.0), row(5.0, 5.0, covariance=np.zeros((2, 2))), row(9.0, 3.0, heading=nan)]
    tracker, found = followed([seen(k / 10, *bad, row(10.0, 0.0)) for k in range(5)])
    assert len(found) == 1 and tracker.report.invalid_boxes == 15


def test_two_cars_side_by_side_stay_two() -> None:
    measured = [seen(k / 10, row(10.0, 0.0), row(10.0, 2.4)) for k in range(10)]
    _, found = followed(measured)
    assert len(found) == 2
    swapped = [seen(1.0 + k / 10, row(10.0, 2.4), row(10.0, 0.0)) for k in range(5)]
    tracker, before = followed(measured)
    for one in swapped:
        found = tracker.update(one)
    order = {name: place[1] for name, place in zip(before.ids, before.position, strict=True)}
    for name, place in zip(found.ids, found.position, strict=True):
        assert place[1] == pytest.approx(order[name], abs=0.1)


def test_a_length_that_shows_later_turns_the_box() -> None:
    """A side of two metres may be a rear; where it goes on, it was none."""
    part = {"size": (1.0, 2.2, 1.5), "whole": (False, False), "heading": 0.0, "side": (-1, 0)}
    tracker, _ = followed([seen(k / 10, row(10.0, 0.0, **part)) for k in range(4)])
    whole = replace(seen(0.4, row(10.9, 0.5, heading=np.pi / 2)))
    found = tracker.update(whole)
    for k in range(5, 9):
        found = tracker.update(seen(k / 10, row(10.9, 0.5, heading=np.pi / 2)))
    assert abs(np.sin(found.heading[0])) > 0.99
    assert found.size[0, 0] == pytest.approx(4.2, abs=0.3)
    assert found.position[0] == pytest.approx([10.9, 0.5], abs=0.1)
