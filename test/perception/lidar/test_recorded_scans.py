"""Real scans through PointCloud2: people where the pictures show some.

OS-1: a street corner, one pedestrian crosses 13 m away; the conical bush by the garage is the one
thing that a sweep alone cannot tell from a person. OS-0: a cyclist beside the car, a parked
motorcycle. PCL: head and shoulders before a desk.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cloud_messages import cloud_message, xyz_message
from numpy.typing import NDArray
from ouster import osf_sweeps, pcap_sweep
from pcd import read_pcd
from scipy.spatial.transform import Rotation

from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.perception.lidar.people_finder import (
    FoundPeople,
    LidarPeopleConfig,
    LidarPeopleFinder,
)

ROOF = np.array([0.0, 0.0, 2.05])
LEVEL = Rotation.identity()
ALONE = LidarPeopleConfig(learning_time=0)
SURE = 0.8


def sweep_people(
    points: NDArray[np.float32], finder: LidarPeopleFinder | None = None
) -> FoundPeople:
    message = xyz_message(points, 0, "lidar")
    finder = finder or LidarPeopleFinder("lidar", ALONE)
    return finder.find(cloud_from_message(message), ROOF, LEVEL)


def nearest(found: FoundPeople, place: tuple[float, float]) -> tuple[float, float]:
    """Distance [m] and score of what was found nearest to a place."""
    gap = np.hypot(*(found.people.position - np.array(place)).T)
    return float(gap.min()), float(found.people.score[np.argmin(gap)])


@pytest.fixture(scope="module")
def lidar(test_data: Path) -> Path:
    return test_data / "lidar"


@pytest.fixture(scope="module")
def corner(lidar: Path) -> list[NDArray[np.float32]]:
    return osf_sweeps(lidar / "ouster" / "OS-1-128_v2.3.0_1024x10_lb_n3.osf")


def test_the_pedestrian_at_the_corner_is_found_in_every_sweep(
    corner: list[NDArray[np.float32]],
) -> None:
    # The car moves 0.2 m between sweeps, so the pedestrian does in its frame.
    for points, place in zip(corner, [(11.03, -7.18), (10.93, -7.16), (10.78, -7.16)], strict=True):
        found = sweep_people(points)
        gap, score = nearest(found, place)
        assert gap < 0.15
        assert score > 0.85
        assert np.sum(found.people.score > SURE) <= 2, "the pedestrian and the bush"


def test_the_cyclist_beside_the_car_is_found(lidar: Path) -> None:
    folder = lidar / "ouster"
    points = pcap_sweep(
        folder / "OS-0-128-U1_v2.3.0_1024x10.pcap", folder / "OS-0-128-U1_v2.3.0_1024x10.json"
    )
    found = sweep_people(points)
    gap, score = nearest(found, (1.85, 3.3))
    assert gap < 0.3
    assert score > SURE
    assert np.sum(found.people.score > SURE) <= 2, "the cyclist and the motorcycle"


def test_the_person_before_the_desk_is_found_alone(lidar: Path) -> None:
    points = read_pcd(lidar / "pcl_person" / "person.pcd")
    # An optical frame, 1.5 m over the floor, which is out of its view.
    optical = Rotation.from_matrix(np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0.0]]))
    cloud = cloud_from_message(xyz_message(points, 0, "lidar"))
    found = LidarPeopleFinder("lidar", ALONE).find(cloud, np.array([0, 0, 1.5]), optical)
    gap, score = nearest(found, (0.85, 0.09))
    assert gap < 0.15
    assert score > 0.7
    assert np.sum(found.people.score > 0.7) == 1


@pytest.mark.parametrize("name", ["000001", "000002"])
def test_a_known_street_without_people_shows_nobody(lidar: Path, name: str) -> None:
    raw = np.fromfile(lidar / "kitti" / "velodyne" / f"{name}.bin", "<f4").reshape(-1, 4)
    assert_nobody_once_known(raw[:, :3])


def test_a_known_corner_shows_nobody(corner: list[NDArray[np.float32]]) -> None:
    assert_nobody_once_known(corner[0])


def assert_nobody_once_known(points: NDArray[np.float32]) -> None:
    """A LiDAR that stands there: noise of its own every sweep, nothing else changes."""
    rng = np.random.default_rng(0)
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=1.0))
    flat = points.reshape(-1, 3)
    for k in range(15):
        noisy = flat * (1 + rng.normal(0, 0.02, (len(flat), 1)) / 10)
        columns = {n: noisy[:, axis].astype(np.float32) for axis, n in enumerate("xyz")}
        message = cloud_message(columns, k * 100_000_000, "lidar")
        found = finder.find(cloud_from_message(message), ROOF, LEVEL)
        assert np.all(found.people.score < 0.4), "too little to be somebody new"
        if not found.learning:
            assert len(found.people) == 0
    assert not found.learning
