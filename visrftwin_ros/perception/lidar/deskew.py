"""A sweep of a LiDAR that moved while it turned, as seen all at once.

Each return is taken from the pose of its own time to that of the stamp: linear in place, spherical
linear in rotation between poses (as LOAM does: Zhang & Singh, RSS 2014, V.A).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from visrftwin_ros.messages.point_cloud import LONGEST_SWEEP, PointCloud
from visrftwin_ros.site.frames import Pose

KNOTS = 9
"""Poses that are asked for over a sweep."""
SLICES = 128
"""Times to which those of the returns are rounded: under half a millisecond of 10 Hz."""
STILL, LEVEL = 0.003, 0.0003
"""m and rad over a sweep: a sensor that moves and turns by less stands."""


def undistorted(cloud: PointCloud, pose_at: Callable[[int], Pose]) -> PointCloud:
    """The sweep in the sensor's frame at `cloud.stamp_ns`, the times of its returns as they were.

    pose_at: pose of the cloud's frame in a standing frame at a ROS time [ns]; what it raises goes
    through. A cloud without times, with times of no sweep, or of a sensor that stood, is the answer
    itself.
    """
    if cloud.seconds is None or not len(cloud):
        return cloud
    seconds = np.nan_to_num(cloud.seconds)
    first, last = float(seconds.min()), float(seconds.max())
    if not (first < last and first > -LONGEST_SWEEP and last < LONGEST_SWEEP):
        return cloud
    times = np.linspace(first, last, KNOTS)
    home = pose_at(cloud.stamp_ns)
    poses = [pose_at(cloud.stamp_ns + round(1e9 * time)) for time in times]
    back = home.rotation.inv()
    place = back.apply(np.array([pose.position for pose in poses]) - home.position)
    turn = back * Rotation.concatenate([pose.rotation for pose in poses])
    if np.hypot.reduce(place, axis=1).max() < STILL and turn.magnitude().max() < LEVEL:
        return cloud
    fine = np.linspace(first, last, SLICES)
    matrix = Slerp(times, turn)(fine).as_matrix().astype(np.float32)
    offset = np.column_stack([np.interp(fine, times, column) for column in place.T])
    row = np.rint((seconds - first) * ((SLICES - 1) / (last - first))).astype(np.int64)
    points = np.einsum("nij,nj->ni", matrix[row], cloud.points.astype(np.float32))
    return cloud.moved(points + offset.astype(np.float32)[row])
