"""What the driving robot carries, and where its frames are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.lab.recording.robot_drive import Drive

LIDAR_HEIGHT = 1.42
PANORAMA_HEIGHT = 1.62
"""Metres over the ground, on the mast above the antenna."""

OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""x_optical = OPTICAL @ x_base: z forwards, x to the right, y down (REP-103)."""

Quaternion = Float[np.ndarray, " 4"]


def yaw_quaternion(yaw: float) -> Quaternion:
    """x, y, z, w of a turn about the vertical."""
    return np.array([0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)])


def optical_quaternion() -> Quaternion:
    """x, y, z, w of the optical frame in `base_link`."""
    return np.asarray(Rotation.from_matrix(OPTICAL.T).as_quat())


def lidar_pose(drive: Drive, seconds: float) -> tuple[Float[np.ndarray, " 3"], float]:
    """Where the LiDAR truly is: (3,) metres, and its yaw."""
    place, yaw = drive.pose(seconds)
    return np.append(place, LIDAR_HEIGHT), yaw


def panorama_pose(
    drive: Drive, seconds: float
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, " 3"]]:
    """(rotation, translation) with x_cam = rotation @ x_world + translation."""
    place, yaw = drive.pose(seconds)
    turn = OPTICAL @ Rotation.from_euler("z", -yaw).as_matrix()
    return turn, -turn @ np.append(place, PANORAMA_HEIGHT)
