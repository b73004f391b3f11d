"""A small TF listener and broadcaster on tf2_msgs (tf2_ros is not to be had as a wheel).

Frames and quaternions as in REP-103/105; times are ROS time in nanoseconds.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from visrftwin_ros.nodes.shared.twin_node import TwinNode
from visrftwin_ros.site.frames import Pose, TransformBuffer

__all__ = ["Pose", "TransformBuffer", "listen", "transform_message", "yaw_of"]

MOVING_QOS = QoSProfile(depth=100)
STATIC_QOS = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def transform_message(parent: str, child: str, stamp: int, pose: Pose) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = Time(nanoseconds=stamp).to_msg()
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = (float(v) for v in pose.position)
    q.x, q.y, q.z, q.w = (float(v) for v in pose.rotation.as_quat())
    return message


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
