"""PointCloud2 of any layout becomes the same arrays; a wrong one is named."""

from __future__ import annotations

import numpy as np
import pytest
from cloud_messages import TYPES, cloud_message, xyz_message
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import PointCloud2

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.clouds import cloud_from_message

STAMP = 1_700_000_000_123_456_789
RNG = np.random.default_rng(0)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(0, 7)),
    padding=st.integers(0, 5),
    row_padding=st.integers(0, 9),
    big_endian=st.booleans(),
    double=st.booleans(),
    order=st.permutations(["x", "y", "z", "intensity", "ring", "t"]),
    ring_type=st.sampled_from(["u1", "u2", "i4"]),
)
def test_every_layout_gives_the_same_arrays(
    shape: tuple[int, int],
    padding: int,
    row_padding: int,
    big_endian: bool,
    double: bool,
    order: list[str],
    ring_type: str,
) -> None:
    count = shape[0] * shape[1]
    xyz = RNG.normal(size=(count, 3)).astype("f8" if double else "f4")
    values = {
        "x": xyz[:, 0],
        "y": xyz[:, 1],
        "z": xyz[:, 2],
        "intensity": RNG.uniform(0, 255, count).astype("f4"),
        "ring": RNG.integers(0, 100, count).astype(ring_type),
        "t": RNG.integers(0, 10**8, count).astype("u4"),
    }
    message = cloud_message(
        {name: values[name] for name in order},
        STAMP,
        "lidar",
        shape=shape,
        padding=padding,
        row_padding=row_padding,
        big_endian=big_endian,
    )
    cloud = cloud_from_message(message)
    assert (cloud.stamp_ns, cloud.frame, cloud.invalid) == (STAMP, "lidar", 0)
    np.testing.assert_array_equal(cloud.points, xyz.astype(np.float32))
    assert cloud.intensity is not None and cloud.ring is not None and cloud.seconds is not None
    np.testing.assert_array_equal(cloud.intensity, values["intensity"])
    np.testing.assert_array_equal(cloud.ring, values["ring"])
    np.testing.assert_allclose(cloud.seconds, values["t"] * 1e-9, atol=1e-12)


def test_returns_without_range_are_left_out_with_their_columns() -> None:
    xyz = np.ones((2, 5, 3), dtype=np.float32)
    xyz[0, 1], xyz[1, 3, 2], xyz[1, 4, 0] = np.nan, np.inf, -np.inf
    cloud = cloud_from_message(xyz_message(xyz, STAMP))
    assert (len(cloud), cloud.invalid) == (7, 3)
    assert cloud.ring is not None
    assert cloud.ring.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_the_shorter_side_of_an_organised_cloud_is_its_beams() -> None:
    cloud = cloud_from_message(xyz_message(np.ones((5, 2, 3)), STAMP))
    assert cloud.ring is not None
    assert cloud.ring.tolist() == [0, 1] * 5


@pytest.mark.parametrize("kind", ["f4", "f8", "u4"])
def test_times_are_seconds_after_the_stamp(kind: str) -> None:
    after = np.array([0.0, 0.05])
    times = after if kind == "f4" else STAMP * 1e-9 + after if kind == "f8" else after * 1e9
    ones = np.ones(2, "f4")
    message = cloud_message(
        {"x": ones, "y": ones, "z": ones, "timestamp": times.astype(kind)}, STAMP, "lidar"
    )
    seconds = cloud_from_message(message).seconds
    assert seconds is not None
    np.testing.assert_allclose(seconds, after, atol=1e-6)


def without_z() -> PointCloud2:
    ones = np.ones(4, "f4")
    return cloud_message({"x": ones, "y": ones, "height": ones}, STAMP, "lidar")


def integer_x() -> PointCloud2:
    ones = np.ones(4, "f4")
    return cloud_message({"x": ones.astype("i4"), "y": ones, "z": ones}, STAMP, "lidar")


def too_short() -> PointCloud2:
    message = xyz_message(np.ones((4, 3)), STAMP)
    message.data = message.data[:-5]
    return message


def small_step() -> PointCloud2:
    message = xyz_message(np.ones((4, 3)), STAMP)
    message.point_step = 8
    return message


def endless_step() -> PointCloud2:
    message = xyz_message(np.ones((4, 3)), STAMP)
    message.point_step, message.width, message.row_step = 2**32 - 1, 0, 0
    return message


def unknown_type() -> PointCloud2:
    message = xyz_message(np.ones((4, 3)), STAMP)
    message.fields[1].datatype = 42
    return message


def twice() -> PointCloud2:
    message = xyz_message(np.ones((4, 3)), STAMP)
    message.fields.append(message.fields[0])
    return message


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (without_z, "no field z; it has: x, y, height"),
        (integer_x, "'x'"),
        (too_short, "carries 43 bytes"),
        (small_step, "'z' ends behind"),
        (endless_step, "points of 4294967295 bytes"),
        (unknown_type, "unknown type 42"),
        (twice, "two fields 'x'"),
        (PointCloud2, "no field x, y, z; it has: none"),
    ],
)
def test_a_wrong_cloud_is_named(broken: object, named: str) -> None:
    with pytest.raises(TwinError, match=named.replace("(", r"\(")):
        cloud_from_message(broken())  # type: ignore[operator]


def test_every_number_type_is_known() -> None:
    ones = np.ones(3, "f4")
    for code in TYPES:
        message = cloud_message(
            {"x": ones, "y": ones, "z": ones, "intensity": np.array([1, 2, 3], code)}, STAMP, "l"
        )
        intensity = cloud_from_message(message).intensity
        assert intensity is not None
        assert intensity.tolist() == [1, 2, 3]
