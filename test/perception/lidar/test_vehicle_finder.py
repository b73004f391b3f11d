"""Vehicles in single sweeps: the box that visible sides fit, its class by size, rows and hidden parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.lidar import Block, SimulatedLidar, Walker
from visrftwin_ros.benchmarks.simulated.traffic import LIDAR, Car
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.lidar.vehicle_finder import _Piece as Piece
from visrftwin_ros.perception.lidar.vehicle_shape import (
    class_by_size,
    closest_heading,
    vehicle_shape,
)
from visrftwin_ros.perception.measurements.sweep_view import SweepView
from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements

STILL = np.zeros(2)
USUAL = np.array([4.3, 1.8, 1.5])


def free_view(origin: tuple[float, float] = (0.0, 0.0)) -> SweepView:
    return SweepView(np.array(origin), 60.0, np.full(720, 60.0))


def corner(heading: float, length: float, width: float) -> np.ndarray:
    """The two sides of a rectangle that meet at the origin, every 5 cm."""
    along = np.column_stack([np.arange(0, length, 0.05), np.zeros(round(length / 0.05))])
    across = np.column_stack([np.zeros(round(width / 0.05)), np.arange(0, width, 0.05)])
    c, s = np.cos(heading), np.sin(heading)
    return np.concatenate([along, across]) @ np.array([[c, s], [-s, c]])


@pytest.mark.parametrize("heading", [0.1, 0.7, 1.3])
def test_the_heading_is_that_of_the_sides_though_a_mirror_sticks_out(heading: float) -> None:
    points = np.concatenate([corner(heading, 4.0, 1.8), corner(heading, 4.0, 1.8)[20:22] - 0.15])
    off = (closest_heading(points) - heading + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off) < np.deg2rad(1.0)


def test_two_sides_give_the_whole_box_and_one_its_nearer_end() -> None:
    heading, near = 0.4, np.array([6.0, 6.0])
    two = np.tile(corner(heading, 4.0, 1.8) + near, (3, 1))
    height = np.repeat([0.4, 0.8, 1.5], len(two) // 3)
    found = vehicle_shape(two, height, free_view(), 0.05)
    assert found is not None
    assert found.whole.all() and found.kind == "car"
    c, s = np.cos(heading), np.sin(heading)
    middle = near + np.array([2.0 * c - 0.9 * s, 2.0 * s + 0.9 * c])
    assert np.hypot(*(found.seen_middle - middle)) < 0.1
    rear = np.array([[x, y] for x in (10.0, 10.1, 10.5) for y in np.arange(-0.9, 0.91, 0.05)])
    found = vehicle_shape(rear, np.repeat([0.4, 0.8, 1.4], len(rear) // 3), free_view(), 0.05)
    assert found is not None
    assert abs(np.cos(found.heading)) > 0.99, "what is no longer than a rear is one"
    assert found.whole.tolist() == [False, True] and found.side.tolist()[1] == 0
    assert np.cos(found.heading) * found.side[0] < 0, "the nearer end is the one that was seen"


def test_a_side_that_beams_meet_too_flat_does_not_show_where_it_ends() -> None:
    two = np.tile(corner(0.4, 4.0, 1.8) + np.array([6.0, 6.0]), (3, 1))
    height = np.repeat([0.4, 0.8, 1.5], len(two) // 3)
    dense, sparse = (vehicle_shape(two, height, free_view(), spacing) for spacing in (0.05, 0.15))
    assert dense is not None and sparse is not None
    assert dense.whole.all() and not sparse.whole[0], "its returns lie further apart than cells"


def test_the_far_end_of_a_side_is_no_further_off_than_the_near_one() -> None:
    """Beams 0.2 degrees apart on a side 1.5 m beside the sensor, from 3 to 7.3 m ahead."""
    bearing = np.arange(np.arctan2(1.5, 7.3), np.arctan2(1.5, 3.0), np.deg2rad(0.2))
    side = np.column_stack([1.5 / np.tan(bearing), np.full(len(bearing), 1.5)])
    across = np.arange(np.arctan2(1.5, 3.0), np.arctan2(3.3, 3.0), np.deg2rad(0.2))
    rear = np.column_stack([np.full(len(across), 3.0), 3.0 * np.tan(across)])
    points = np.concatenate([np.tile(side, (6, 1)), np.tile(rear, (12, 1))])
    height = np.resize([0.4, 0.6, 0.8, 1.0, 1.2, 1.5], len(points))
    found = vehicle_shape(points, height, free_view(), 0.02, heading=0.0)
    assert found is not None
    assert abs(found.size[0] - 4.3) < 0.15
    assert abs(found.seen_middle[0] - 5.15) < 0.08


@pytest.mark.parametrize(
    ("size", "whole", "kind"),
    [
        ((4.4, 1.8, 1.5), (True, True, True), "car"),
        ((11.5, 2.6, 3.0), (True, True, False), "bus"),
        ((7.0, 2.4, 2.8), (True, True, True), "truck"),
        ((2.4, 1.5, 1.6), (True, True, True), ""),
        ((1.0, 1.7, 1.0), (False, True, False), "car"),
    ],
)
def test_the_class_is_told_where_the_size_tells_it(
    size: tuple[float, ...], whole: tuple[bool, ...], kind: str
) -> None:
    assert class_by_size(np.array(size), np.array(whole))[0] == kind


def searched(
    blocks: list[Block], walkers: list[Walker] | None = None, before: list[Block] | None = None
) -> VehicleMeasurements:
    """Of a sweep after three that taught the background `before`."""
    lidar = SimulatedLidar(LIDAR, beams=64, columns=720)
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0.1, vehicles=True))
    rng = np.random.default_rng(5)
    for k in range(4):
        there = blocks if k == 3 else before or []
        points, _ = lidar.sweep(walkers or [] if k == 3 else [], there, rng)
        cloud = PointCloud(k * 10**8, "lidar", points.reshape(-1, 3))
        found = finder.find(cloud, LIDAR, Rotation.identity())
    assert found.vehicles is not None
    return found.vehicles


def centers(found: VehicleMeasurements) -> np.ndarray:
    c, s = np.cos(found.heading), np.sin(found.heading)
    half = found.side * found.size[:, :2] / 2
    away = [c * half[:, 0] - s * half[:, 1], s * half[:, 0] + c * half[:, 1]]
    return found.anchor - np.column_stack(away)


def test_a_row_of_cars_that_touch_is_as_many_cars() -> None:
    row = [Car(np.array([x, 8.0]), 0.0, USUAL, STILL) for x in (-4.35, 0.0, 4.35)]
    found = searched([block for car in row for block in car.blocks()])
    found = found.where(found.score > 0.4)
    assert len(found) == 3
    assert np.abs(np.sort(centers(found)[:, 0]) - [-4.35, 0.0, 4.35]).max() < 0.5
    assert found.size[:, 0].max() < 4.8


def test_somebody_before_a_car_neither_parts_it_nor_becomes_one() -> None:
    car = Car(np.array([0.0, 9.0]), 0.0, USUAL, STILL)
    found = searched(car.blocks(), [Walker(np.array([0.0, 5.0]))])
    found = found.where(found.score > 0.4)
    assert len(found) == 1
    assert np.hypot(*(centers(found)[0] - car.center)) < 0.4
    group = searched([], [Walker(np.array([x, 6.0])) for x in (-0.6, 0.0, 0.6)])
    assert not (group.score > 0.4).any()


def test_a_car_that_stood_before_the_background_was_learnt_is_found_and_a_wall_is_not() -> None:
    car = Car(np.array([6.0, 7.0]), 0.3, USUAL, STILL)
    wall = Block(np.array([-6.0, 9.0]), np.array([5.0, 0.3, 4.0]))
    found = searched([*car.blocks(), wall], before=[*car.blocks(), wall])
    assert len(found) == 1
    assert np.hypot(*(centers(found)[0] - car.center)) < 0.4
    assert abs(found.heading[0] - 0.3) < 0.1


@pytest.mark.parametrize(("ahead", "gap"), [(8.0, 0.3), (11.0, 0.3), (11.0, 1.0)])
def test_a_wall_that_is_seen_no_higher_than_a_car_is_no_part_of_the_car_beside_it(
    ahead: float, gap: float
) -> None:
    """A LiDAR on a car looks 2 degrees up: 2.1 m of a wall of 3 m, 10 m away."""
    position = np.array([0.0, 0.0, 1.75])
    lidar = SimulatedLidar(position, beams=64, columns=1080, elevation=(-0.43, 0.035))
    car = Car(np.array([ahead, 4.0]), 0.0, USUAL, STILL)
    wall = Block(np.array([6.0, 5.05 + gap]), np.array([40.0, 0.3, 3.0]))
    points, _ = lidar.sweep([], [*car.blocks(), wall], np.random.default_rng(5))
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0.1, vehicles=True))
    for k in range(3):
        cloud = PointCloud(k * 10**8, "lidar", points.reshape(-1, 3))
        found = finder.find(cloud, position, Rotation.identity()).vehicles
    assert found is not None
    off = np.hypot(*(centers(found) - car.center).T)
    nearest = int(off.argmin())
    assert off[nearest] < 0.3 and np.abs(found.size[nearest] - USUAL).max() < 0.5
    assert found.score[nearest] > 0.4, "nobody else need see it"


def test_a_cabin_shows_over_its_bonnet_and_a_wall_over_a_trailer_is_no_part_of_it() -> None:
    bonnet = Piece(-0.1, 0.1, 8.0, 8.9, 0.95, True)
    assert Piece(-0.08, 0.08, 9.3, 11.0, 1.5, True).over(bonnet)
    trailer = Piece(-0.1, 0.1, 8.0, 8.9, 1.6, True)
    assert not Piece(-0.08, 0.08, 9.3, 9.5, 2.0, True).over(trailer)


def test_a_cloud_without_numbers_shows_no_vehicle() -> None:
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(vehicles=True))
    cloud = PointCloud(1, "lidar", np.full((100, 3), np.nan))
    found = finder.find(cloud, LIDAR, Rotation.identity()).vehicles
    assert found is not None and len(found) == 0
