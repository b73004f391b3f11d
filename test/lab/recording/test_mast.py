"""The robot's frames say where its sensors really look."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from visrftwin_ros.lab.recording.mast import (
    LIDAR_HEIGHT,
    PANORAMA_HEIGHT,
    lidar_pose,
    optical_quaternion,
    panorama_pose,
    yaw_quaternion,
)
from visrftwin_ros.lab.recording.robot_drive import Drive, plan_drive
from visrftwin_ros.lab.world.world import load_world


@pytest.fixture(scope="module")
def drive() -> Drive:
    return plan_drive(load_world("lobby", 1), 10.0, 4)


def test_the_panoramas_pose_is_the_chain_of_the_frames(drive: Drive) -> None:
    place, yaw = drive.pose(3.3)
    base = Rotation.from_quat(yaw_quaternion(yaw))
    optical = base * Rotation.from_quat(optical_quaternion())
    point = np.array([4.0, 5.0, 1.0])
    centre = np.append(place, PANORAMA_HEIGHT)
    turn, shift = panorama_pose(drive, 3.3)
    np.testing.assert_allclose(turn @ point + shift, optical.inv().apply(point - centre), atol=1e-9)


def test_what_is_ahead_of_the_robot_is_ahead_of_its_camera(drive: Drive) -> None:
    place, yaw = drive.pose(3.3)
    ahead = np.append(place + 2 * np.array([np.cos(yaw), np.sin(yaw)]), PANORAMA_HEIGHT)
    turn, shift = panorama_pose(drive, 3.3)
    np.testing.assert_allclose(turn @ ahead + shift, [0, 0, 2], atol=1e-9)


def test_the_lidar_turns_with_the_robot(drive: Drive) -> None:
    place, yaw = lidar_pose(drive, 5.0)
    np.testing.assert_allclose(place, [*drive.pose(5.0)[0], LIDAR_HEIGHT])
    assert yaw == drive.pose(5.0)[1]
