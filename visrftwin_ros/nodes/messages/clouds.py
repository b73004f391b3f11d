"""PointCloud2 to arrays, by sensor_msgs_py where the ROS installation has it."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2

from visrftwin_ros.messages import clouds
from visrftwin_ros.messages.limits import Limits
from visrftwin_ros.messages.point_cloud import PointCloud

_HAS_SENSOR_MSGS_PY = importlib.util.find_spec("sensor_msgs_py") is not None


def cloud_from_message(message: PointCloud2, most_points: int = Limits.points) -> PointCloud:
    """As `messages.clouds.cloud_from_message`, of rclpy's message."""
    return clouds.cloud_from_message(message, structured_points, most_points)


def structured_points(message: PointCloud2) -> NDArray[np.void]:
    """(N,) records with the cloud's fields by name."""
    plain = message.row_step == message.point_step * message.width and not message.is_bigendian
    # sensor_msgs_py does not look at `row_step`, and swaps bytes in place.
    if _HAS_SENSOR_MSGS_PY and plain:
        from sensor_msgs_py import point_cloud2

        clouds.checked_size(message)
        return np.asarray(point_cloud2.read_points(message)).reshape(-1)
    return clouds.structured_points(message)
