"""A bag written here is what the tools of others expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from made_campaign import SECOND, STAMP, cloud, snapshot, write_campaign
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader

from visrftwin_ros.site.model import Site

TOPICS = {
    "/campaign": ("std_msgs/msg/String", 1),
    "/cam/camera_info": ("sensor_msgs/msg/CameraInfo", 5),
    "/cam/image_raw/compressed": ("sensor_msgs/msg/CompressedImage", 5),
    "/lidar/points": ("sensor_msgs/msg/PointCloud2", 5),
    "/rover/odom": ("nav_msgs/msg/Odometry", 21),
    "/sounder/snapshots": ("visrftwin_ros/msg/ChannelSnapshot", 5),
    "/tf": ("tf2_msgs/msg/TFMessage", 21),
    "/tf_static": ("tf2_msgs/msg/TFMessage", 2),
    "/truth/channel_paths": ("visrftwin_ros/msg/ChannelPaths", 21),
    "/truth/channels": ("visrftwin_ros/msg/LinkChannels", 21),
    "/truth/materials": ("std_msgs/msg/String", 1),
    "/truth/people": ("visrftwin_ros/msg/TrackedPeople", 21),
}


@pytest.fixture(params=[False, True], ids=["plain", "zstd"])
def bag(site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_campaign(tmp_path / "bag", site, compress=request.param)


def test_compression_makes_it_smaller(site: Site, tmp_path: Path) -> None:
    sizes = [
        (write_campaign(tmp_path / name, site, compress=name == "zstd") / f"{name}.mcap").stat()
        for name in ("plain", "zstd")
    ]
    assert sizes[1].st_size < 0.6 * sizes[0].st_size


def decoded_by_mcap(bag: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    with (bag / "bag.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for _, channel, message, content in reader.iter_decoded_messages():
            found.setdefault(channel.topic, []).append((message.log_time, content))
    return found


def test_mcap_decodes_every_message(bag: Path) -> None:
    found = decoded_by_mcap(bag)
    assert {topic: len(messages) for topic, messages in found.items()} == {
        topic: count for topic, (_, count) in TOPICS.items()
    }
    at, message = found["/sounder/snapshots"][2]
    assert at == STAMP + SECOND == message.header.stamp.sec * SECOND + message.header.stamp.nanosec
    given = snapshot(1.0)
    assert (message.tx, message.rx, message.header.frame_id) == ("ap", "rover", "world")
    assert [path.delay for path in message.paths] == given.paths.delay.tolist()
    assert all(np.isnan(path.phase) for path in message.paths)
    assert yaml.safe_load(found["/campaign"][0][1].data)["gain_reference"] == "relative"


def test_images_clouds_and_odometry_hold_what_was_given(bag: Path) -> None:
    found = decoded_by_mcap(bag)
    picture = found["/cam/image_raw/compressed"][1][1]
    image = cv2.imdecode(np.frombuffer(bytes(picture.data), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape == (48, 64, 3)
    assert abs(float(image.mean()) - 50) < 2
    info = found["/cam/camera_info"][0][1]
    assert (info.width, info.height) == (64, 48)
    assert list(info.k) == [60.0, 0.0, 32.0, 0.0, 61.0, 24.0, 0.0, 0.0, 1.0]
    sweep, given = found["/lidar/points"][0][1], cloud()
    kinds = {7: "<f4", 6: "<u4", 4: "<u2"}
    layout = np.dtype(
        {
            "names": [f.name for f in sweep.fields],
            "formats": [kinds[f.datatype] for f in sweep.fields],
            "offsets": [f.offset for f in sweep.fields],
            "itemsize": sweep.point_step,
        }
    )
    points = np.frombuffer(bytes(sweep.data), layout)
    xyz = np.column_stack([points["x"], points["y"], points["z"]])
    np.testing.assert_allclose(xyz, given.xyz, rtol=1e-6)
    assert points["ring"].tolist() == given.ring.tolist()
    assert points["t"].tolist() == given.time.tolist()
    odometry = found["/rover/odom"][10][1]
    assert odometry.pose.pose.position.x == pytest.approx(1.25)
    # 0.25 m/s along the world's x, seen by a robot that is turned by 0.4 rad
    assert odometry.twist.twist.linear.x == pytest.approx(0.25 * np.cos(0.4))
    assert odometry.twist.twist.linear.y == pytest.approx(-0.25 * np.sin(0.4))


def test_every_static_frame_is_in_the_last_static_message(bag: Path) -> None:
    """A late subscriber of a latched topic gets the last message only."""
    last = decoded_by_mcap(bag)["/tf_static"][-1][1]
    assert {t.child_frame_id for t in last.transforms} == {"cam_optical_frame", "mast"}


def test_rosbags_reads_it_without_our_types(bag: Path) -> None:
    with AnyReader([bag]) as reader:
        assert {c.topic: (c.msgtype, c.msgcount) for c in reader.connections} == TOPICS
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)


def test_the_metadata_is_what_rosbag2_reads(bag: Path) -> None:
    """Fields of rosbag2_storage's `convert<BagMetadata>`, version 9 (Jazzy)."""
    content = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert content["version"] == 9 and content["storage_identifier"] == "mcap"
    assert content["relative_file_paths"] == ["bag.mcap"]
    assert content["starting_time"] == {"nanoseconds_since_epoch": STAMP}
    assert content["duration"] == {"nanoseconds": 2 * SECOND}
    assert content["message_count"] == sum(count for _, count in TOPICS.values())
    assert content["custom_data"] == {"complete": "true"}
    (file,) = content["files"]
    assert file["path"] == "bag.mcap" and file["message_count"] == content["message_count"]
    for entry in content["topics_with_message_count"]:
        about = entry["topic_metadata"]
        assert TOPICS[about["name"]] == (about["type"], entry["message_count"])
        assert about["serialization_format"] == "cdr"
        assert about["type_description_hash"].startswith("RIHS01_")
        (qos,) = about["offered_qos_profiles"]
        sensor = about["type"].startswith("sensor_msgs/")
        assert qos["reliability"] == ("best_effort" if sensor else "reliable")
        latched = about["name"] in ("/tf_static", "/campaign", "/truth/materials")
        assert qos["durability"] == ("transient_local" if latched else "volatile")
        assert qos["history"] == "keep_last" and qos["liveliness"] == "automatic"


def test_the_type_hashes_are_those_of_the_installed_messages(bag: Path) -> None:
    pytest.importorskip("rclpy")
    from visrftwin_ros.nodes.messages.message_types import message_class

    content = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    for entry in content["topics_with_message_count"]:
        about = entry["topic_metadata"]
        message_class(about["type"], about["type_description_hash"])  # raises on another hash
