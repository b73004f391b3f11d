"""The vehicle tracker on the graph: a car that a LiDAR measures shadows the link behind it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from test_bad_people import SECOND, Predictor, people

from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import Detection, Detections, LidarVehicles, ShadowForecasts, TrackedBoxes
from visrftwin_ros.nodes.messages.lidar_messages import (
    lidar_vehicles_message,
    vehicles_from_message,
)
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.vehicle_tracker import VehicleTrackerNode
from visrftwin_ros.perception.measurements.sweep_view import SPEAKS, SweepView
from visrftwin_ros.perception.measurements.vehicle_measurements import (
    VehicleMeasurements,
    vehicle_rows,
)


@pytest.fixture
def lidar_site(small_site: Path) -> Path:
    content = yaml.safe_load(small_site.read_text())
    content["lidars"] = [{"name": "mast", "position": [-8, -6, 2.5], "rpy": [0, 0, 0]}]
    small_site.write_text(yaml.safe_dump(content))
    return small_site


def measured(stamp: int, y: float, **columns: Any) -> VehicleMeasurements:
    """A van that drives north between the access point and the robot that stands."""
    row = {"kind": "car", "score": 0.9, "after": 0.0, "anchor": (-2.0, y), "side": (0, 0)}
    row |= {"covariance": 0.03**2 * np.eye(2), "doubt": np.zeros((2, 2)), "heading": np.pi / 2}
    row |= {"heading_sigma": 0.03, "size": (4.0, 1.8, 2.5), "whole": (True, True), "n_points": 9}
    view = SweepView(np.array([-8.0, -6.0]), 60.0, np.full(720, 60.0))
    return vehicle_rows([{**row, **columns}], stamp, "mast", view, SPEAKS)


class Road:
    """A tracker, and what it says."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        self._bench = bench
        bench.active(VehicleTrackerNode, "vehicles", site=str(site))
        self.boxes = bench.heard(TrackedBoxes, "tracked_boxes")
        self._publisher = bench.publisher(LidarVehicles, "mast/vehicles", SENSOR_QOS)

    def tell(self, found: VehicleMeasurements, frame: str = "world") -> TrackedBoxes | None:
        self._publisher.publish(lidar_vehicles_message(found, frame))
        stamp = found.stamp_ns

        def answer() -> list[TrackedBoxes]:
            return [m for m in self.boxes if stamp_ns(m.header.stamp) == stamp]

        self._bench.until(answer, 3.0)
        return next(iter(answer()), None)

    def drive(self, start: int, seconds: float, speed: float = 5.0, y: float = -16.0) -> None:
        for k in range(round(10 * seconds)):
            self.tell(measured(start + k * SECOND // 10, y + speed * k / 10))


def test_a_link_behind_a_passing_car_is_announced_and_shadowed(
    bench: NodeBench, lidar_site: Path
) -> None:
    predictor, road = Predictor(bench, lidar_site), Road(bench, lidar_site)
    forecasts = bench.heard(ShadowForecasts, "shadow_forecast")
    start = time.time_ns()
    road.drive(start, 1.0)  # to 5 m before the link
    last = start + 9 * SECOND // 10
    link = predictor.answer(people(last))["standing"]
    assert link.shadow_loss_db < 1.0 and not link.stale
    assert bench.until(lambda: forecasts and stamp_ns(forecasts[-1].header.stamp) == last)
    (ahead,) = (one for one in forecasts[-1].forecasts if one.rx == "standing")
    assert max(ahead.shadow_loss_db) > 10, "announced before it comes"
    assert ahead.shadow_loss_db[0] < 3
    road.drive(start + SECOND, 1.2, y=-11.0)
    link = predictor.answer(people(start + 2 * SECOND + SECOND // 10))["standing"]
    assert link.shadow_loss_db > 20
    (box,) = road.boxes[-1].boxes
    assert (box.kind, box.material, list(box.seen_by)) == ("car", "", ["mast"])
    assert (box.velocity.x, box.velocity.y) == pytest.approx((0.0, 5.0), abs=0.5)
    assert box.heading == pytest.approx(np.pi / 2, abs=0.1) and 0 < box.heading_sigma < 0.3
    assert (box.size.x, box.size.y, box.size.z) == pytest.approx((4.0, 1.8, 2.5), abs=0.05)


def test_silence_and_wrong_frames_and_old_clocks_are_said(
    bench: NodeBench, lidar_site: Path
) -> None:
    road = Road(bench, lidar_site)
    start = time.time_ns()
    road.drive(start, 0.4)
    assert bench.says("vehicles: mast", OK, "measurements arrive")
    assert road.tell(measured(start + SECOND, -10.0), frame="odom") is None
    assert bench.says("vehicles: mast", ERROR, "expected the site's 'world'")
    assert bench.says("vehicles: measurements", STALE, "no measurement of vehicles for")
    assert bench.until(lambda: road.boxes[-1].stale and road.boxes[-1].age > 0.5)
    silent = next(
        m for m in road.boxes if m.stale and m.age > 0.5
    )  # of a slow machine not the last
    assert len(silent.boxes) == 1, "where it was: an empty road would promise a clear link"
    road.tell(measured(start - 100 * SECOND, -16.0))
    assert bench.says("vehicles: clock", WARN, "jumped back by 10")


def test_a_camera_counts_once_its_detector_told_of_a_vehicle(
    bench: NodeBench, small_site: Path
) -> None:
    bench.active(VehicleTrackerNode, "vehicles", site=str(small_site))
    heard = bench.heard(TrackedBoxes, "tracked_boxes")
    publisher = bench.publisher(Detections, "view1/detections", SENSOR_QOS)

    def send(stamp: int, kind: str) -> None:
        box = Detection(kind=kind, score=0.9, x=380.0, y=300.0, width=110.0, height=70.0)
        message = Detections(
            camera="view1", detector="yolo", detections=[box], image_width=768, image_height=576
        )
        message.header.stamp = stamp_message(made, stamp)
        publisher.publish(message)

    start = time.time_ns()
    send(start, "")  # of an older sender: somebody
    assert bench.says("vehicles: view1", OK, "told of no vehicle yet")
    assert not heard
    for k in range(1, 5):
        send(start + k * SECOND // 7, "car")
        assert bench.until(lambda k=k: len(heard) >= k, 3.0)
    assert [box.kind for box in heard[-1].boxes] == ["car"]


def test_vehicles_survive_the_wire() -> None:
    sent = measured(5 * SECOND, -3.0, side=(-1, 1), whole=(False, True), kind="bus")
    back = vehicles_from_message(lidar_vehicles_message(sent, "world"))
    assert (back.kind, back.sensor, back.stamp_ns) == (("bus",), "mast", 5 * SECOND)
    for name in ("anchor", "side", "covariance", "size", "whole", "heading", "n_points"):
        np.testing.assert_allclose(getattr(back, name), getattr(sent, name), atol=1e-6)
    assert isinstance(back.view, SweepView)
    np.testing.assert_allclose(back.view.nearest, 60.0)
