"""Frames of which two publishers speak are found by what they say; a robot that drives is not."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.frame_watch import FrameWatch, roots, way_up
from visrftwin_ros.site.frames import MOST_FRAMES, Pose


def said(parent: str, frame: str, x: float = 0.0, yaw: float = 0.0) -> TFMessage:
    pose = Pose(np.array([x, 0.0, 0.0]), Rotation.from_euler("Z", yaw))
    return TFMessage(transforms=[transform_message(made, parent, frame, 10**18, pose)])


def test_two_parents_are_named_until_one_of_them_is_silent() -> None:
    watch = FrameWatch()
    for k in range(100):
        watch.add(said("world" if k % 2 else "odom", "robot"), False, k * 0.05)
    assert watch.conflicts(5.0) == {"robot": "hangs from 'odom' and from 'world'"}
    for k in range(100):
        watch.add(said("odom", "robot"), False, 5.0 + k * 0.05)
    assert watch.conflicts(10.0) == {}


def test_a_frame_on_both_topics_is_named() -> None:
    watch = FrameWatch()
    watch.add(said("world", "camera"), True, 0.0)
    assert watch.conflicts(1.0) == {}
    watch.add(said("world", "camera"), False, 1.0)
    assert watch.conflicts(1.0) == {"camera": "comes on /tf and on /tf_static, from 'world'"}


def test_two_that_place_a_frame_differently_are_told_from_one_that_moves() -> None:
    """2 m/s and 3 rad/s at 10 Hz, with a localisation's noise of 3 cm: one publisher."""
    noise, alone, doubled = np.random.default_rng(1), FrameWatch(), FrameWatch()
    for k in range(600):
        now = k * 0.1
        x = 3 * math.sin(0.66 * now) + noise.normal(0, 0.03)
        alone.add(said("world", "robot", x, 3.0 * now), False, now)
        doubled.add(said("world", "robot", 0.1 * now), False, now)
        if k % 3 == 0:
            doubled.add(said("world", "robot", 0.1 * now + 1.0), False, now)
        assert alone.conflicts(now) == {}
    assert doubled.conflicts(60.0) == {"robot": "jumps between two places in 'world'"}
    assert doubled.conflicts(70.0) == {}


def test_the_tree_has_its_roots_its_ways_and_a_bound() -> None:
    watch = FrameWatch()
    for frame, parent in {"a": "world", "b": "a", "lens": "mount", "x": "y", "y": "x"}.items():
        watch.add(said(parent, frame), True, 0.0)
    assert roots(watch.parents()) == ["mount", "world"]
    assert way_up(watch.parents(), "b") == ["b", "a", "world"]
    assert way_up(watch.parents(), "x") == ["x", "y", "x"]
    for k in range(MOST_FRAMES + 10):
        watch.add(said("world", f"frame{k}"), True, 0.0)
    assert len(watch.parents()) == MOST_FRAMES
