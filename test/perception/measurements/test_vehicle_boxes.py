"""Vehicles in an image's boxes: places by class sizes, honest doubts, and boxes that do not tell."""

from __future__ import annotations

import numpy as np
import pytest
from posed_cameras import posed_camera
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.traffic import Car
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.vehicle_boxes import vehicles_in_boxes
from visrftwin_ros.perception.sources.vehicle_camera import VehicleCamera
from visrftwin_ros.perception.tracking.tracker import PeopleTracker


@pytest.fixture(scope="module")
def camera() -> CameraModel:
    """5 m over a road, looking along x and 15 degrees down."""
    level = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("y", 15, degrees=True).as_matrix() @ level
    pose[:3, 3] = 0.0, 0.0, 5.0
    matrix = np.array([[700.0, 0, 479.5], [0, 700.0, 269.5], [0, 0, 1.0]])
    return posed_camera("cam", (960, 540), matrix, np.zeros(5), pose)


def detected(camera: CameraModel, *corners: np.ndarray, kinds: tuple[str, ...]) -> Detections:
    box = np.array([[(l + r) / 2, (t + b) / 2, r - l, b - t] for l, t, r, b in corners])  # noqa: E741
    score = np.linspace(0.9, 0.8, len(box))
    return Detections(1, "cam", camera.size, box, score, ("",) * len(box), kind=kinds)


def box_of(camera: CameraModel, car: Car) -> np.ndarray:
    pixels, seen = camera.project(car.corners())
    assert seen.all()
    limit = np.array(camera.size) - 1.0
    return np.concatenate([np.clip(p, 0, limit) for p in (pixels.min(axis=0), pixels.max(axis=0))])


def test_cars_of_any_size_and_heading_stand_where_the_doubt_says(camera: CameraModel) -> None:
    rng = np.random.default_rng(11)
    squares, errors = [], []
    for _ in range(60):
        size = np.array([rng.uniform(3.6, 4.9), rng.uniform(1.65, 1.9), rng.uniform(1.4, 1.9)])
        at = np.array([rng.uniform(14, 30), rng.uniform(-3, 3)])
        car = Car(at, rng.uniform(0, np.pi), size, np.zeros(2))
        box = box_of(camera, car)
        box = box + rng.normal(0, 0.02 * (box[3] - box[1]), 4)
        found = vehicles_in_boxes(detected(camera, box, kinds=("car",)), camera)
        off = found.anchor[0] - car.center
        errors.append(np.hypot(*off))
        squares.append(off @ np.linalg.solve(found.covariance[0] + found.doubt[0], off))
    assert np.median(errors) < 0.8
    # Of two dimensions 95 % lie under 5.99, and half under 1.39.
    assert np.mean(np.array(squares) < 5.99) > 0.88
    assert 0.2 < np.median(squares) < 2.5


def test_half_a_car_and_one_behind_somebody_are_doubted_more(camera: CameraModel) -> None:
    car = Car(np.array([18.0, 0.0]), 0.3, np.array([4.3, 1.8, 1.5]), np.zeros(2))
    left, top, right, bottom = box_of(camera, car)
    whole = vehicles_in_boxes(
        detected(camera, np.array([left, top, right, bottom]), kinds=("car",)), camera
    )
    half = np.array([left, top, (left + right) / 2, bottom])
    cut = vehicles_in_boxes(detected(camera, half, kinds=("car",)), camera)
    assert np.trace(cut.doubt[0]) > 1.3 * np.trace(whole.doubt[0])
    somebody = np.array([left, top, (left + right) / 2, bottom + 30])
    boxes = (np.array([left, top, right, bottom]), somebody)
    covered = vehicles_in_boxes(detected(camera, *boxes, kinds=("car", "person")), camera)
    assert len(covered) == 1
    assert np.trace(covered.doubt[0]) > 3 * np.trace(whole.doubt[0])


def test_a_lorry_that_the_image_cuts_is_placed_by_what_shows_or_not_at_all(
    camera: CameraModel,
) -> None:
    lorry = Car(np.array([14.0, 9.0]), 1.5, np.array([7.0, 2.5, 2.8]), np.zeros(2))
    box = box_of(camera, lorry)
    assert box[0] == 0
    found = vehicles_in_boxes(detected(camera, box, kinds=("truck",)), camera)
    off = found.anchor[0] - lorry.center
    assert off @ np.linalg.solve(found.covariance[0] + found.doubt[0], off) < 9.2  # 99 %
    below = np.array([300.0, 200.0, 700.0, 539.0])
    assert not len(vehicles_in_boxes(detected(camera, below, kinds=("truck",)), camera))
    sky = np.array([300.0, 10.0, 340.0, 30.0])
    assert not len(vehicles_in_boxes(detected(camera, sky, kinds=("car",)), camera))


def test_two_classes_around_one_vehicle_are_one_and_people_are_none(camera: CameraModel) -> None:
    car = Car(np.array([18.0, 0.0]), 0.3, np.array([4.3, 1.8, 1.5]), np.zeros(2))
    box = box_of(camera, car)
    boxes = detected(camera, box, box + 2.0, box + 300.0, kinds=("car", "truck", "person"))
    assert vehicles_in_boxes(boxes, camera).kind == ("car",)
    assert boxes.people().kind == ("person",)
    tracker = PeopleTracker()
    for k in range(10):
        seen = detected(camera, box, kinds=("car",))
        people = tracker.update(Detections(**{**vars(seen), "stamp_ns": k * 10**8 + 1}), camera)
    assert not len(people), "a car is nobody"


def test_a_camera_that_never_told_of_a_vehicle_is_no_sensor_of_them(camera: CameraModel) -> None:
    source = VehicleCamera("cam")
    nobody = Detections.none(1, "cam", camera.size)
    assert source.measured(nobody, camera) is None
    car = Car(np.array([18.0, 0.0]), 0.3, np.array([4.3, 1.8, 1.5]), np.zeros(2))
    told = source.measured(detected(camera, box_of(camera, car), kinds=("car",)), camera)
    assert told is not None and len(told) == 1
    after = source.measured(nobody, camera)
    assert after is not None and len(after) == 0
    assert after.view.shows(car.center, car.size), "it is missed there"
    assert not after.view.shows(np.array([-18.0, 0.0]), car.size)
    with pytest.raises(TwinError, match="recalibrate"):
        source.measured(Detections.none(1, "cam", (640, 480)), camera)
