"""cv_bridge, sensor_msgs_py and tf_transformations give what our own ways give: one contract, run with
what the installation has and without."""

from __future__ import annotations

import array
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cloud_messages import cloud_message
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image

from visrftwin_ros.messages import ros_packages
from visrftwin_ros.messages.clouds import cloud_from_message, structured_points
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.site.frames import Pose

WAYS: dict[str, Callable[[], Any]] = {
    "cv_bridge": ros_packages.image_decoder,
    "sensor_msgs_py": ros_packages.point_reader,
    "tf_transformations": ros_packages.quaternion_maker,
}


@pytest.fixture(autouse=True)
def looked_for_again() -> Iterator[None]:
    """Which packages there are is found out once a process."""
    yield
    for found in WAYS.values():
        found.cache_clear()  # type: ignore[attr-defined]


@pytest.fixture(params=["installed", "own"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Called with a package: from then on it is the installation's, or there is none."""

    def choose(package: str) -> None:
        WAYS[package].cache_clear()  # type: ignore[attr-defined]
        if request.param == "own":
            monkeypatch.setitem(sys.modules, package, None)
            assert WAYS[package]() is None
        elif WAYS[package]() is None:
            pytest.skip(f"this installation has no {package} that works")

    return choose


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("encoding", ["bgr8", "rgb8", "bgra8", "rgba8", "mono8"])
def test_an_image_is_the_same_bgr(way: Callable[[str], None], encoding: str, padding: int) -> None:
    way("cv_bridge")
    bgr = np.random.default_rng(1).integers(0, 256, (6, 5, 3), np.uint8)
    pixels = bgr if encoding.startswith("bgr") else bgr[..., ::-1]
    if encoding.endswith("a8"):
        pixels = np.dstack([pixels, np.full((6, 5), 200, np.uint8)])
    if encoding == "mono8":
        pixels, bgr = bgr[..., :1], np.repeat(bgr[..., :1], 3, axis=-1)
    rows = np.pad(pixels.reshape(6, -1), ((0, 0), (0, padding)), constant_values=77)
    data = array.array("B", rows.tobytes())
    message = Image(height=6, width=5, encoding=encoding, step=rows.shape[1], data=data)
    np.testing.assert_array_equal(image_from_message(message), bgr)


@pytest.mark.parametrize("row_padding", [0, 9])
@pytest.mark.parametrize("big_endian", [False, True])
def test_a_cloud_is_the_same_arrays(
    way: Callable[[str], None], big_endian: bool, row_padding: int
) -> None:
    way("sensor_msgs_py")
    rng = np.random.default_rng(2)
    xyz = rng.normal(size=(12, 3)).astype("f4")
    ring = rng.integers(0, 64, 12).astype("u2")
    columns = {"x": xyz[:, 0], "y": xyz[:, 1], "z": xyz[:, 2], "ring": ring}
    message = cloud_message(
        columns,
        10**18,
        "lidar",
        shape=(3, 4),
        padding=2,
        row_padding=row_padding,
        big_endian=big_endian,
    )
    cloud = cloud_from_message(message)
    np.testing.assert_array_equal(cloud.points, xyz)
    assert cloud.ring is not None
    np.testing.assert_array_equal(cloud.ring, ring)
    assert structured_points(message).dtype.names == ("x", "y", "z", "ring")


@pytest.mark.parametrize("seed", range(3))
def test_a_rotation_is_the_same_quaternion(way: Callable[[str], None], seed: int) -> None:
    way("tf_transformations")
    turn = Rotation.random(random_state=seed)
    sent = transform_message(made, "world", "robot", 10**18, Pose(np.zeros(3), turn))
    q = sent.transform.rotation
    np.testing.assert_allclose([q.x, q.y, q.z, q.w], turn.as_quat(canonical=True), atol=1e-12)


class Bridge:
    """In cv_bridge's place: it turns red into blue and everything else into zeros."""

    def imgmsg_to_cv2(self, message: Any, encoding: str) -> Any:
        assert encoding == "bgr8"
        pixels = np.zeros((message.height, message.width, 3), np.uint8)
        pixels[..., 2] = np.frombuffer(message.data, np.uint8)[0]
        return pixels


class OfAnotherNumpy:
    def imgmsg_to_cv2(self, message: Any, encoding: str) -> Any:
        raise ImportError("numpy.core.multiarray failed to import")


@pytest.mark.parametrize("bridge", [Bridge, OfAnotherNumpy])
def test_cv_bridge_is_used_where_it_works(bridge: type, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("cv_bridge")
    stand_in.__dict__["CvBridge"] = bridge
    monkeypatch.setitem(sys.modules, "cv_bridge", stand_in)
    ros_packages.image_decoder.cache_clear()
    data = array.array("B", [9, 8, 7])
    decoded = image_from_message(Image(height=1, width=1, encoding="rgb8", step=3, data=data))
    assert decoded.tolist() == ([[[0, 0, 9]]] if bridge is Bridge else [[[7, 8, 9]]])


def test_a_bags_messages_are_read_our_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """sensor_msgs_py takes rclpy's messages only."""
    stand_in, packages = ModuleType("sensor_msgs_py"), []
    stand_in.__dict__["point_cloud2"] = SimpleNamespace(read_points=packages.append)
    monkeypatch.setitem(sys.modules, "sensor_msgs_py", stand_in)
    ros_packages.point_reader.cache_clear()
    ones = np.ones(4, "f4")
    sent = cloud_message({"x": ones, "y": ones, "z": ones}, 10**18, "lidar")
    names = [name.removeprefix("_") for name in sent.__slots__ if not name.endswith("check_fields")]
    of_a_bag = SimpleNamespace(**{name: getattr(sent, name) for name in names})
    assert len(cloud_from_message(of_a_bag)) == 4 and not packages
