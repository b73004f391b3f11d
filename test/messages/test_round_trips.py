"""Arrays become messages, go over the wire and come back: written by rclpy and read by rosbags, and
the other way round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rclpy.serialization import deserialize_message, serialize_message
from scipy.spatial.transform import Rotation

from visrftwin_ros.bags import bag_types
from visrftwin_ros.bags.bag_types import campaign_typestore
from visrftwin_ros.bodies.people import BOX, Bodies
from visrftwin_ros.cameras.camera_models import site_intrinsics
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.boxes import boxes_from_message, boxes_message
from visrftwin_ros.messages.camera_info import camera_info_message, intrinsics_from_message
from visrftwin_ros.messages.channels import (
    METRICS,
    channel_paths_message,
    channels_message,
    link_channel,
    link_paths,
    metrics_from_message,
)
from visrftwin_ros.messages.clouds import cloud_from_message, cloud_message
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.geometry import (
    odometry_message,
    transform_message,
    vectors_from_messages,
)
from visrftwin_ros.messages.images import (
    compressed_image_message,
    image_from_message,
    image_message,
)
from visrftwin_ros.messages.paths import NUMBERS, numbers_from_paths, path_messages
from visrftwin_ros.messages.people import (
    bodies_from_message,
    covariance_from_message,
    people_message,
)
from visrftwin_ros.messages.stamps import header, stamp_message, stamp_ns
from visrftwin_ros.nodes.messages.message_types import made as rclpy_made
from visrftwin_ros.nodes.messages.message_types import message_class
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.site.loading import load_site

STAMP = 1_700_000_000_123_456_789
STAMPS = st.integers(0, 2**31 * 10**9 - 1)
NUMBER = st.floats(-1e3, 1e3, width=32)


def over_ros_to_bag(message: Any) -> Any:
    """Written by rclpy, read by rosbags."""
    kind = type(message)
    name = f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
    return campaign_typestore().deserialize_cdr(serialize_message(message), name)


def over_bag_to_ros(message: Any) -> Any:
    """Written by rosbags, read by rclpy."""
    data = bytes(campaign_typestore().serialize_cdr(message, message.__msgtype__))
    return deserialize_message(data, message_class(message.__msgtype__, ""))


both = pytest.mark.parametrize(
    ("make", "sent"),
    [(rclpy_made, over_ros_to_bag), (bag_types.made, over_bag_to_ros)],
    ids=["rclpy", "rosbags"],
)
Sent = Callable[[Any], Any]


@both
@given(stamp=STAMPS)
def test_a_stamp_comes_back_to_the_nanosecond(make: Make, sent: Sent, stamp: int) -> None:
    back = sent(header(make, stamp, "world"))
    assert (stamp_ns(back.stamp), back.frame_id) == (stamp, "world")


@pytest.mark.parametrize("stamp", [-1, 2**31 * 10**9])
@both
def test_what_ros_time_cannot_hold_is_refused(make: Make, sent: Sent, stamp: int) -> None:
    with pytest.raises(TwinError, match="no ROS time"):
        stamp_message(make, stamp)


@both
@settings(max_examples=30)
@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_an_image_comes_back_as_it_went(make: Make, sent: Sent, pixels: np.ndarray) -> None:
    back = sent(image_message(make, pixels, STAMP, "view1_optical_frame"))
    assert stamp_ns(back.header.stamp) == STAMP
    assert back.header.frame_id == "view1_optical_frame"
    np.testing.assert_array_equal(image_from_message(back), pixels)


@both
def test_a_part_of_an_image_is_sent_as_it_looks(make: Make, sent: Sent) -> None:
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)[2:5, 1:7, ::-1]
    np.testing.assert_array_equal(
        image_from_message(sent(image_message(make, pixels, STAMP, "cam"))), pixels
    )


@both
def test_jpeg_goes_as_its_bytes(make: Make, sent: Sent) -> None:
    jpeg = np.random.default_rng(2).integers(0, 256, 1000, np.uint8)
    back = sent(compressed_image_message(make, jpeg, STAMP, "cam"))
    assert bytes(back.data) == jpeg.tobytes()
    assert "jpeg" in back.format


@both
@pytest.mark.parametrize("site", ["pets_campus", "lobby"])
def test_a_camera_gives_the_intrinsics_of_the_site(make: Make, sent: Sent, site: str) -> None:
    for camera in load_site(site).cameras:
        known = site_intrinsics(camera)
        if known is None or known.kind == "equirectangular":  # CameraInfo has no such model
            continue
        back = sent(camera_info_message(make, camera, STAMP, camera.optical_frame))
        found = intrinsics_from_message(back, camera.name)
        assert (found.kind, found.size) == (known.kind, known.size)
        np.testing.assert_array_equal(found.matrix, known.matrix)
        filled = np.zeros_like(found.distortion)
        filled[: len(known.distortion)] = known.distortion
        np.testing.assert_array_equal(found.distortion, filled)


@both
@settings(max_examples=30)
@given(data=st.data(), count=st.integers(0, 6))
def test_a_cloud_comes_back_as_it_went(
    make: Make, sent: Sent, data: st.DataObject, count: int
) -> None:
    xyz = data.draw(arrays(np.float32, (count, 3), elements=NUMBER))
    intensity = data.draw(arrays(np.float32, count, elements=NUMBER))
    ring = data.draw(arrays(np.int64, count, elements=st.integers(0, 2**16 - 1)))
    time = data.draw(arrays(np.int64, count, elements=st.integers(0, 10**9)))
    back = cloud_from_message(sent(cloud_message(make, STAMP, "lidar", xyz, intensity, ring, time)))
    assert (back.stamp_ns, back.frame) == (STAMP, "lidar")
    assert back.ring is not None and back.intensity is not None and back.seconds is not None
    np.testing.assert_array_equal(back.points, xyz)
    np.testing.assert_array_equal(back.intensity, intensity)
    np.testing.assert_array_equal(back.ring, ring)
    np.testing.assert_allclose(back.seconds * 1e9, time, rtol=0, atol=1e-3)


@both
@settings(max_examples=30)
@given(data=st.data())
def test_tf_finds_a_frame_where_it_was_said_to_be(
    make: Make, sent: Sent, data: st.DataObject
) -> None:
    turn = Rotation.from_rotvec(data.draw(arrays(np.float64, 3, elements=st.floats(-3, 3))))
    place = data.draw(arrays(np.float64, 3, elements=NUMBER))
    said = transform_message(make, "world", "rover", STAMP, Pose(place, turn))
    buffer = TransformBuffer()
    buffer.add(sent(make("tf2_msgs/TFMessage", transforms=[said])), static=False)
    found = buffer.lookup("world", "rover", STAMP)
    np.testing.assert_array_equal(found.position, place)
    np.testing.assert_allclose(found.rotation.as_matrix(), turn.as_matrix(), atol=1e-12)


@both
def test_odometry_has_the_velocity_in_the_robots_frame(make: Make, sent: Sent) -> None:
    place, north = np.array([1.0, 2.0, 0.0]), np.array([0.0, 0.5, 0.0])
    back = sent(odometry_message(make, STAMP, "world", "rover", place, np.pi / 2, north, 0.25))
    assert (back.header.frame_id, back.child_frame_id) == ("world", "rover/base_link")
    found = vectors_from_messages(
        [back.pose.pose.position, back.twist.twist.linear, back.twist.twist.angular]
    )
    np.testing.assert_allclose(found, [place, [0.5, 0, 0], [0, 0, 0.25]], atol=1e-12)


@both
@settings(max_examples=30)
@given(data=st.data(), count=st.integers(0, 5), size=st.integers(0, 4))
def test_people_come_back_as_they_went(
    make: Make, sent: Sent, data: st.DataObject, count: int, size: int
) -> None:
    def draw(*shape: int) -> np.ndarray:
        return data.draw(arrays(np.float64, shape, elements=NUMBER))

    bodies = Bodies(
        ids=tuple(f"p{i}" for i in range(count)),
        position=draw(count, 3),
        velocity=draw(count, 3),
        width=draw(count),
        depth=draw(count),
        height=draw(count),
        heading=draw(count),
        material=tuple("wool" if i % 2 else "" for i in range(count)),
    )
    covariance, existence = draw(count, 4, 4), draw(count)
    seen_by = [["view1"] if i % 2 else [] for i in range(count)]
    looks = [draw(size) for _ in range(count)]
    message = people_message(
        make,
        STAMP,
        "world",
        bodies,
        covariance=covariance,
        existence=existence,
        seen_by=seen_by,
        looks=looks,
    )
    back = sent(message)
    found = bodies_from_message(back)
    assert (found.ids, found.material) == (bodies.ids, bodies.material)
    for name in ("position", "velocity", "width", "depth", "height", "heading"):
        np.testing.assert_array_equal(getattr(found, name), getattr(bodies, name), err_msg=name)
    np.testing.assert_array_equal(covariance_from_message(back), covariance)
    assert [list(person.seen_by) for person in back.people] == seen_by
    for person, look, sure in zip(back.people, looks, existence, strict=True):
        np.testing.assert_array_equal(person.embedding, look)
        assert person.existence == sure


@both
@settings(max_examples=30)
@given(data=st.data(), count=st.integers(0, 5))
def test_boxes_come_back_as_they_went(
    make: Make, sent: Sent, data: st.DataObject, count: int
) -> None:
    def draw(*shape: int) -> np.ndarray:
        return data.draw(arrays(np.float64, shape, elements=NUMBER))

    boxes = Bodies(
        ids=tuple(f"b{i}" for i in range(count)),
        position=draw(count, 3),
        velocity=draw(count, 3),
        width=draw(count),
        depth=draw(count),
        height=draw(count),
        heading=draw(count),
        material=tuple("glass" if i % 2 else "" for i in range(count)),
        shape=(BOX,) * count,
    )
    covariance = draw(count, 4, 4)
    kinds = [("car", "chair", "cow", "", "Truck")[i % 5] for i in range(count)]
    back = sent(boxes_message(make, STAMP, "world", boxes, kinds=kinds, covariance=covariance))
    found = boxes_from_message(back, "world")
    assert (found.stamp_ns, found.left_out) == (STAMP, ())
    assert (found.bodies.ids, found.bodies.shape) == (boxes.ids, boxes.shape)
    for name in ("position", "velocity", "width", "depth", "height", "heading"):
        got, meant = getattr(found.bodies, name), getattr(boxes, name)
        np.testing.assert_array_equal(got, meant, err_msg=name)
    np.testing.assert_array_equal(found.covariance, covariance)
    by_kind = ("metal", "glass", "wood", "glass", "metal")
    assert found.bodies.material == by_kind[:count]


def test_boxes_in_another_frame_are_refused_and_those_without_a_covariance_left_out() -> None:
    boxes = Bodies(
        ("a", "b"), np.zeros((2, 3)), np.zeros((2, 3)), *(np.ones(2) for _ in range(4)),
        shape=(BOX, BOX),
    )  # fmt: skip
    covariance = np.zeros((2, 4, 4))
    covariance[0, 1, 1] = np.nan
    message = boxes_message(rclpy_made, STAMP, "world", boxes, covariance=covariance)
    found = boxes_from_message(message, "world")
    assert (found.bodies.ids, found.left_out) == (("b",), ("a",))
    with pytest.raises(TwinError, match=r"frame 'world' are left out: expected .* 'map'"):
        boxes_from_message(message, "map")


@both
@settings(max_examples=30)
@given(data=st.data(), count=st.integers(0, 5))
def test_paths_come_back_as_they_went(
    make: Make, sent: Sent, data: st.DataObject, count: int
) -> None:
    numbers = {name: data.draw(arrays(np.float64, count, elements=NUMBER)) for name in NUMBERS}
    interactions = [np.arange(i, dtype=np.uint8) for i in range(count)]
    vertices = [data.draw(arrays(np.float64, (2 + i, 3), elements=NUMBER)) for i in range(count)]
    blocked_by = [[f"p{k}" for k in range(i)] for i in range(count)]
    paths = path_messages(make, numbers, interactions, blocked_by, vertices)
    back = sent(one_link(make, paths)).links[0].paths
    for name, found in numbers_from_paths(back).items():
        np.testing.assert_array_equal(found, numbers[name], err_msg=name)
    for path, kinds, names, corners in zip(back, interactions, blocked_by, vertices, strict=True):
        np.testing.assert_array_equal(path.interactions, kinds)
        assert list(path.blocked_by) == names
        np.testing.assert_array_equal(vectors_from_messages(path.vertices), corners)


@both
def test_what_a_sounder_does_not_measure_is_nan(make: Make, sent: Sent) -> None:
    paths = path_messages(make, {"delay": np.array([1e-9]), "gain_db": np.array([-80.0])})
    back = sent(one_link(make, paths)).links[0].paths
    assert back[0].delay == 1e-9 and back[0].gain_db == -80.0
    assert np.isnan(
        [v for n, v in numbers_from_paths(back).items() if n not in ("delay", "gain_db")]
    ).all()


def one_link(make: Make, paths: list[Any]) -> Any:
    return channel_paths_message(make, STAMP, "world", [link_paths(make, ("ap", "rover"), paths)])


@both
@given(values=arrays(np.float32, len(METRICS), elements=NUMBER | st.just(np.nan)))
def test_a_channels_metrics_come_back_as_they_went(
    make: Make, sent: Sent, values: np.ndarray
) -> None:
    metrics = dict(zip(METRICS, values.tolist(), strict=True))
    links = [
        link_channel(
            make, ("ap", "rover"), 60.5e9, 2e9, metrics, True, 7, retraced=True, reason="so"
        )
    ]
    back = sent(channels_message(make, STAMP, "world", links, affected_links=1, compute_time=0.25))
    assert (back.links, back.affected_links, back.compute_time) == (1, 1, 0.25)
    link = back.channels[0]
    assert (link.tx, link.rx, link.reason, link.path_count) == ("ap", "rover", "so", 7)
    assert link.line_of_sight and link.retraced and not link.stale
    assert metrics_from_message(link) == pytest.approx(metrics, rel=0, abs=0, nan_ok=True)
