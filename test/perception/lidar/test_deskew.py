"""A LiDAR that drives and turns while it sweeps: walls come out straight, people in their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.lidar import Block, SimulatedLidar, Walker
from visrftwin_ros.benchmarks.simulated.spinning_lidar import (
    MeshLidar,
    SpinningLidar,
    body_mesh,
    mesh_distance,
    standing,
)
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.site.frames import Pose

SPEED, TURNING = np.array([3.0, 1.0, 0.0]), 0.8
"""m/s and rad/s of a robot in a hurry: 0.3 m and 5 degrees a sweep."""
LIDAR = MeshLidar(np.zeros(3), columns=512, noise=0.0, dropout=0.0)


def driving(seconds: float) -> Pose:
    turn = Rotation.from_euler("Z", 0.3 + TURNING * seconds)
    return Pose(np.array([-2.0, 1.0, 1.8]) + seconds * SPEED, turn)


def at_stamp(stamp_ns: int) -> Pose:
    return driving(stamp_ns * 1e-9)


def in_world(cloud: PointCloud) -> np.ndarray:
    pose = at_stamp(cloud.stamp_ns)
    return pose.rotation.apply(cloud.points) + pose.position


def test_a_wall_seen_while_driving_is_flat_again() -> None:
    wall = Block(np.array([15.5, 0.0]), np.array([1.0, 60.0, 8.0]))  # its face at x = 15
    cloud, _ = SpinningLidar(LIDAR, driving).sweep(
        1.0, lambda _: [], [wall], np.random.default_rng(0)
    )
    high = in_world(cloud)[:, 2] > 0.5
    skewed = np.abs(in_world(cloud)[high, 0] - 15.0)
    flat = np.abs(in_world(undistorted(cloud, at_stamp))[high, 0] - 15.0)
    assert np.quantile(skewed, 0.9) > 0.15
    assert np.quantile(flat, 0.99) < 0.02  # half of one of the 32 times of the simulation


def test_people_are_found_in_their_place_from_a_driving_lidar() -> None:
    people = [Walker(np.array([6.0, 4.0]), 1.0), Walker(np.array([5.0, -4.0]), 2.0)]
    noisy = replace(LIDAR, noise=0.02, columns=1024)
    finder = LidarPeopleFinder("roof", LidarPeopleConfig(learning_time=0))
    errors = []
    for start in (1.0, 1.4):
        cloud, _ = SpinningLidar(noisy, driving).sweep(
            start, lambda _: people, [], np.random.default_rng(1)
        )
        pose = at_stamp(cloud.stamp_ns)
        for seen in (undistorted(cloud, at_stamp), cloud):
            found = finder.find(seen, pose.position, pose.rotation).people
            sure = found.position[found.score > 0.5]
            assert len(sure) == 2
            gap = [np.hypot(*(sure - person.position).T).min() for person in people]
            errors.append(max(gap))
    assert max(errors[0::2]) < 0.08 < 0.1 < min(errors[1::2])


def test_a_standing_lidar_and_clouds_without_times_stay_as_they_are() -> None:
    cloud, _ = SpinningLidar(LIDAR, standing((0.0, 0.0, 2.0))).sweep(
        0.0, lambda _: [], [], np.random.default_rng(0)
    )
    here = Pose(np.zeros(3), Rotation.identity())
    assert undistorted(cloud, lambda _: here) is cloud
    untimed = replace(cloud, seconds=None)
    assert undistorted(untimed, at_stamp) is untimed
    assert cloud.seconds is not None
    dates = replace(cloud, seconds=cloud.seconds + 100.0)
    assert undistorted(dates, at_stamp) is dates
    nobody = cloud.where(np.zeros(len(cloud), dtype=bool))
    assert undistorted(nobody, at_stamp) is nobody


def test_a_pose_that_is_missing_is_said() -> None:
    cloud, _ = SpinningLidar(LIDAR, driving).sweep(0.0, lambda _: [], [], np.random.default_rng(0))

    def gap(stamp_ns: int) -> Pose:
        raise TwinError("TF has a gap")

    with pytest.raises(TwinError, match="gap"):
        undistorted(cloud, gap)


def test_rays_meet_the_mesh_where_they_meet_the_cylinders_it_stands_for() -> None:
    """Within what the rings taper and their corners are cut."""
    walker = Walker(np.array([5.0, 0.5]), 0.4, 1.0)
    lidar = SimulatedLidar(np.array([0.0, 0.0, 1.5]))
    ray = lidar._rays(np.linspace(-0.1, 0.3, 80))
    round_, meshed = lidar._body(walker, ray), np.full(ray.shape[:2], np.inf)
    meshed = mesh_distance(lidar.position, ray.reshape(-1, 3), body_mesh(walker)).reshape(
        meshed.shape
    )
    both = np.isfinite(round_) & np.isfinite(meshed)
    either = np.isfinite(round_) | np.isfinite(meshed)
    assert both.sum() > 0.85 * either.sum() and both.sum() > 300
    assert np.median(np.abs(meshed - round_)[both]) < 0.03
