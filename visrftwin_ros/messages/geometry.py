"""Vectors, transforms and odometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.ros_packages import quaternion_maker
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.site.frames import Pose


def vector(make: Make, kind: str, values: Sequence[float] | Float[np.ndarray, " 3"]) -> Any:
    """A geometry_msgs type with x, y and z."""
    x, y, z = (float(value) for value in values)
    return make(f"geometry_msgs/{kind}", x=x, y=y, z=z)


def vectors_from_messages(messages: Sequence[Any]) -> Float[np.ndarray, "n 3"]:
    """x, y and z of each."""
    return np.array([[v.x, v.y, v.z] for v in messages], np.float64).reshape(-1, 3)


def transform_message(make: Make, parent: str, child: str, stamp: int, pose: Pose) -> Any:
    """A TransformStamped with the pose of `child` in `parent`."""
    return make(
        "geometry_msgs/TransformStamped",
        header=header(make, stamp, parent),
        child_frame_id=child,
        transform=transform(make, pose),
    )


def transform(make: Make, pose: Pose) -> Any:
    """A geometry_msgs/Transform."""
    return make(
        "geometry_msgs/Transform",
        translation=vector(make, "Vector3", pose.position),
        rotation=_quaternion(make, pose.rotation),
    )


def odometry_message(
    make: Make,
    stamp: int,
    world_frame: str,
    robot: str,
    position: Float[np.ndarray, " 3"],
    yaw: float,
    velocity: Float[np.ndarray, " 3"],
    yaw_rate: float,
) -> Any:
    """`velocity` is in the world; nav_msgs/Odometry has it in the robot's frame."""
    turn = Rotation.from_euler("z", yaw)
    pose = make(
        "geometry_msgs/Pose",
        position=vector(make, "Point", position),
        orientation=_quaternion(make, turn),
    )
    twist = make(
        "geometry_msgs/Twist",
        linear=vector(make, "Vector3", turn.inv().apply(velocity)),
        angular=vector(make, "Vector3", (0.0, 0.0, yaw_rate)),
    )
    unknown = np.zeros(36)
    return make(
        "nav_msgs/Odometry",
        header=header(make, stamp, world_frame),
        child_frame_id=f"{robot}/base_link",
        pose=make("geometry_msgs/PoseWithCovariance", pose=pose, covariance=unknown),
        twist=make("geometry_msgs/TwistWithCovariance", twist=twist, covariance=unknown),
    )


def _quaternion(make: Make, rotation: Rotation) -> Any:
    if maker := quaternion_maker():
        numbers = maker(rotation.as_matrix())
        numbers = numbers if numbers[3] >= 0 else -numbers
    else:
        numbers = rotation.as_quat(canonical=True)
    x, y, z, w = numbers.tolist()
    return make("geometry_msgs/Quaternion", x=x, y=y, z=z, w=w)
