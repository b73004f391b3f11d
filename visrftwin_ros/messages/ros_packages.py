"""ROS's own Python packages for images, clouds and quaternions, where an installation has them.

None of them is to be had as a wheel. Where one is missing, or cannot be used (cv_bridge is compiled
for the system's numpy, which a virtual environment may replace), the caller has a way of its own that
gives the same: test/messages/test_ros_packages.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray


@cache
def image_decoder() -> Callable[[Any], UInt8[np.ndarray, "h w 3"]] | None:
    """BGR of a sensor_msgs/Image in whole rows, by cv_bridge."""
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()

        def decode(message: Any) -> UInt8[np.ndarray, "h w 3"]:
            return np.asarray(bridge.imgmsg_to_cv2(message, "bgr8"), np.uint8)

        red = {"height": 1, "width": 1, "encoding": "rgb8", "is_bigendian": 0, "step": 3}
        sample = decode(SimpleNamespace(**red, data=bytes([255, 0, 0])))
        return decode if sample.tolist() == [[[0, 0, 255]]] else None
    except Exception:  # of another numpy it raises what it likes
        return None


@cache
def point_reader() -> Callable[[Any], NDArray[np.void]] | None:
    """(N,) records of rclpy's sensor_msgs/PointCloud2 in whole rows of this machine's byte order, by
    sensor_msgs_py."""
    try:
        from sensor_msgs_py import point_cloud2
    except ImportError:
        return None

    def read(message: Any) -> NDArray[np.void]:
        return np.asarray(point_cloud2.read_points(message)).reshape(-1)

    return read


@cache
def quaternion_maker() -> Callable[[Float[np.ndarray, "3 3"]], Float[np.ndarray, " 4"]] | None:
    """x, y, z, w of a rotation matrix, of either sign, by tf_transformations."""
    try:
        from tf_transformations import quaternion_from_matrix
    except ImportError:
        return None

    def make(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, " 4"]:
        whole = np.eye(4)
        whole[:3, :3] = matrix
        return np.asarray(quaternion_from_matrix(whole), np.float64)

    return make
