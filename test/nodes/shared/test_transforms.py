"""TF is interpolated between its samples and never guessed beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.transforms import Pose, TransformBuffer, yaw_of
from visrftwin_ros.site.frames import MOST_FRAMES

SECOND = 1_000_000_000


def message(parent: str, child: str, stamp: int, position, yaw: float = 0.0) -> TFMessage:
    pose = Pose(np.array(position, dtype=float), Rotation.from_euler("Z", yaw))
    return TFMessage(transforms=[transform_message(made, parent, child, stamp, pose)])


def test_a_pose_between_two_samples_is_interpolated() -> None:
    buffer = TransformBuffer()
    buffer.add(message("world", "robot", 10 * SECOND, [0, 0, 0], 0.0), static=False)
    buffer.add(message("world", "robot", 11 * SECOND, [2, 0, 0], 1.0), static=False)
    pose = buffer.lookup("world", "robot", 10 * SECOND + SECOND // 4)
    np.testing.assert_allclose(pose.position, [0.5, 0, 0])
    assert yaw_of(pose) == pytest.approx(0.25)


def test_frames_chain() -> None:
    buffer = TransformBuffer()
    buffer.add(message("world", "map", 0, [1, 0, 0], np.pi / 2), static=True)
    buffer.add(message("map", "robot", 5 * SECOND, [2, 0, 0]), static=False)
    np.testing.assert_allclose(
        buffer.lookup("world", "robot", 5 * SECOND).position, [1, 2, 0], atol=1e-12
    )


def test_a_missing_frame_is_named() -> None:
    with pytest.raises(TwinError, match="robot_7/base_link"):
        TransformBuffer().lookup("world", "robot_7/base_link", 0)


def test_a_gap_is_not_bridged() -> None:
    buffer = TransformBuffer()
    buffer.add(message("world", "robot", 10 * SECOND, [0, 0, 0]), static=False)
    with pytest.raises(TwinError, match="away"):
        buffer.lookup("world", "robot", 12 * SECOND)


def test_frames_that_meet_below_neither_are_found_over_their_ancestor() -> None:
    """A localisation that has the site's world below its own map: map -> world and map -> odom ->
    base_link; the robot is 3 m ahead of an odom that is turned by 90 degrees."""
    buffer = TransformBuffer()
    buffer.add(message("map", "world", 0, [10, 0, 0], np.pi / 2), static=True)
    buffer.add(message("map", "odom", 5 * SECOND, [10, 4, 0], np.pi / 2), static=False)
    buffer.add(message("odom", "base_link", 5 * SECOND, [3, 0, 0]), static=False)
    pose = buffer.lookup("world", "base_link", 5 * SECOND)
    np.testing.assert_allclose(pose.position, [7, 0, 0], atol=1e-12)  # at (10, 7) of the map
    assert yaw_of(pose) == pytest.approx(0.0)
    back = buffer.lookup("base_link", "world", 5 * SECOND)
    np.testing.assert_allclose((back @ pose).position, 0, atol=1e-12)


def test_trees_that_do_not_meet_are_an_error() -> None:
    buffer = TransformBuffer()
    buffer.add(message("map", "world", 0, [1, 0, 0]), static=True)
    buffer.add(message("odom", "base_link", SECOND, [1, 0, 0]), static=False)
    with pytest.raises(TwinError, match="no frame 'odom' on the way from 'base_link' to 'world'"):
        buffer.lookup("world", "base_link", SECOND)


def test_a_pose_is_not_carried_further_than_the_limit() -> None:
    buffer = TransformBuffer()
    buffer.add(message("world", "robot", 10 * SECOND, [1, 0, 0]), static=False)
    late = 10 * SECOND + 4 * SECOND // 10
    with pytest.raises(TwinError, match=r"0\.40 s away.*limit 0\.3 s"):
        buffer.lookup("world", "robot", late)
    assert buffer.lookup("world", "robot", late - SECOND // 5).position[0] == 1
    assert buffer.lookup("world", "robot", late, 1.0).position[0] == 1


def test_a_loop_is_named_and_ends() -> None:
    buffer = TransformBuffer()
    buffer.add(message("a", "b", 0, [0, 0, 0]), static=True)
    buffer.add(message("b", "a", 0, [0, 0, 0]), static=True)
    with pytest.raises(TwinError, match="loops"):
        buffer.lookup("world", "a", 0)


def test_time_that_jumps_back_starts_over() -> None:
    buffer = TransformBuffer()
    buffer.add(message("world", "robot", 100 * SECOND, [9, 0, 0]), static=False)
    buffer.add(message("world", "robot", 1 * SECOND, [1, 0, 0]), static=False)
    np.testing.assert_allclose(buffer.lookup("world", "robot", SECOND).position, [1, 0, 0])


def test_a_pose_with_nan_is_ignored() -> None:
    buffer = TransformBuffer()
    buffer.add(message("world", "robot", SECOND, [1, 0, 0]), static=False)
    buffer.add(message("world", "robot", 2 * SECOND, [np.nan, 0, 0]), static=False)
    np.testing.assert_allclose(buffer.lookup("world", "robot", 2 * SECOND, 1.0).position, [1, 0, 0])


def test_a_flood_of_frames_takes_no_more_memory_and_is_told_of() -> None:
    buffer = TransformBuffer()
    for k in range(2 * MOST_FRAMES):
        buffer.add(message("world", f"frame_{k}", SECOND, [k, 0, 0]), static=False)
    np.testing.assert_allclose(buffer.lookup("world", "frame_7", SECOND).position, [7, 0, 0])
    with pytest.raises(TwinError, match="2000 others fill it"):
        buffer.lookup("world", "robot", SECOND)


def test_a_way_of_too_many_frames_is_an_error() -> None:
    buffer = TransformBuffer()
    for k in range(100):
        buffer.add(message(f"frame_{k + 1}", f"frame_{k}", 0, [1, 0, 0]), static=True)
    buffer.lookup("frame_60", "frame_0", 0)
    with pytest.raises(TwinError, match="over 64 frames"):
        buffer.lookup("frame_100", "frame_0", 0)
