"""A small TF listener on tf2_msgs (tf2_ros is not to be had as a wheel).

Frames and quaternions as in REP-103/105; times are ROS time in nanoseconds.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from visrftwin_ros.nodes.shared.twin_node import TwinNode
from visrftwin_ros.site.frames import Pose, TransformBuffer

__all__ = ["Pose", "TransformBuffer", "listen", "yaw_of"]

MOVING_QOS = QoSProfile(depth=100)
STATIC_QOS = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def listen(node: TwinNode) -> TransformBuffer:
    """A buffer that hears /tf and /tf_static for as long as `node` is configured."""
    buffer = TransformBuffer()
    node.subscription(TFMessage, "/tf", partial(buffer.add, static=False), MOVING_QOS)
    node.subscription(TFMessage, "/tf_static", partial(buffer.add, static=True), STATIC_QOS)
    return buffer


def yaw_of(pose: Pose) -> float:
    """Heading of the pose's x axis over the ground, radians."""
    x_axis = pose.rotation.apply([1.0, 0.0, 0.0])
    return float(np.arctan2(x_axis[1], x_axis[0]))
