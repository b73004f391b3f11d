"""A node that cannot start, or gets bad images, says why; no crash, no invented person."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from made_pictures import a_scene
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from visrftwin_ros.messages.images import image_message
from visrftwin_ros.msg import Detections
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.camera_replay import CameraReplay
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.twin_node import TwinNode
from visrftwin_ros.nodes.twin_viewer import TwinViewer

SITE = "pets_campus"
SIZE = (768, 576)
FAILURE, SUCCESS = TransitionCallbackReturn.FAILURE, TransitionCallbackReturn.SUCCESS


def write_video(file: Path, frames: int, size: tuple[int, int] = SIZE) -> Path:
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 7.0, size)
    assert writer.isOpened()
    noise = np.random.default_rng(0)
    for _ in range(frames):
        small = noise.integers(0, 256, (18, 24, 3), np.uint8)
        writer.write(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST))
    writer.release()
    return file


# What a node cannot start with.


@pytest.mark.parametrize(
    ("kind", "values", "named"),
    [
        (CameraReplay, {"site": SITE, "video": "/no/such/film.avi"}, "/no/such/film.avi"),
        (CameraReplay, {"site": SITE}, "no video"),
        (CameraReplay, {"site": SITE, "video": __file__}, "no video that OpenCV can read"),
        (CameraReplay, {"site": SITE, "camera": "view9", "video": "x"}, "view9"),
        (PeopleDetector, {"site": SITE, "camera": "view9"}, "it has: view1"),
        (
            PeopleDetector,
            {"site": SITE, "detector": "yolo", "weights": "/no/such/net.pt"},
            "/no/such/net.pt",
        ),
        (PeopleDetector, {"site": SITE, "detector": "psychic"}, "psychic"),
        (PeopleTrackerNode, {"site": "atlantis"}, "atlantis"),
        (ChannelPredictor, {"site": ""}, "'site' is empty"),
        (ChannelPredictor, {"site": SITE, "blockage": "voodoo"}, "voodoo"),
        (BeamSelector, {"site": "/no/such/site.yaml"}, "/no/such/site.yaml"),
        (TwinViewer, {"site": SITE, "record": "/proc/no/twin.rrd", "web_port": 0}, "/proc/no"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_node_that_cannot_start_says_why(
    bench: NodeBench, kind: type[TwinNode], values: dict[str, object], named: str
) -> None:
    node = bench.node(kind, "broken", **values)
    assert bench.until(lambda: node.count_subscribers("/diagnostics"))
    assert node.trigger_configure() == FAILURE
    assert bench.says("broken: configure", ERROR, named)
    assert not node.active


def test_a_video_of_another_size_than_the_calibration_is_refused(
    bench: NodeBench, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "small.avi", 3, (320, 240))
    node = bench.node(CameraReplay, "replay", site=SITE, video=str(video))
    assert node.trigger_configure() == FAILURE
    assert bench.says("replay: configure", ERROR, "320x240")
    assert "768x576" in bench.statuses["replay: configure"][1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"material": "unobtainium"}, "unobtainium"),
        ({"material": None}, "scene.0.ground.material"),
        ({"size": [0, 60]}, "scene.0.ground.size"),
    ],
)
def test_a_wrong_surface_is_named(
    bench: NodeBench, small_site: Path, wrong: dict[str, object], named: str
) -> None:
    content = yaml.safe_load(small_site.read_text())
    content["scene"][0].update(wrong)
    small_site.write_text(yaml.safe_dump(content))
    node = bench.node(ChannelPredictor, "predictor", site=str(small_site))
    assert node.trigger_configure() == FAILURE
    assert bench.says("predictor: configure", ERROR, named)


def test_a_node_that_could_not_start_can_be_put_right(bench: NodeBench) -> None:
    node = bench.node(PeopleTrackerNode, "tracker", site="atlantis")
    assert node.trigger_configure() == FAILURE
    node.set_parameters([Parameter("site", value=SITE)])
    assert node.trigger_configure() == SUCCESS
    assert bench.says("tracker: configure", OK)
    assert node.trigger_activate() == SUCCESS
    assert node.active


def test_without_weights_the_motion_detector_runs_and_says_so(bench: NodeBench) -> None:
    bench.active(PeopleDetector, "detector", site=SITE, weights="/no/such/net.pt")
    assert bench.says("detector: detector", WARN, "motion detector runs instead")
    assert "/no/such/net.pt" in bench.statuses["detector: detector"][1]


@pytest.mark.parametrize("taken", ["web_port", "grpc_port"])
def test_a_taken_port_is_named(bench: NodeBench, taken: str) -> None:
    with socket.socket() as occupied, socket.socket() as other:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        other.bind(("127.0.0.1", 0))
        port, free = occupied.getsockname()[1], other.getsockname()[1]
        other.close()
        ports = {"web_port": free, "grpc_port": free, taken: port}
        if ports["web_port"] == ports["grpc_port"]:
            ports["web_port"] += 1
        node = bench.node(TwinViewer, "viewer", site=SITE, **ports)
        assert node.trigger_configure() == FAILURE
        assert bench.says("viewer: configure", ERROR, str(port))
        assert taken in bench.statuses["viewer: configure"][1]


# Images.


def test_a_corrupt_stretch_of_a_video_is_left_out_and_counted(
    bench: NodeBench, tmp_path: Path
) -> None:
    data = write_video(tmp_path / "whole.avi", 30).read_bytes()
    middle, gone = len(data) // 2, len(data) // 6
    broken = tmp_path / "broken.avi"
    broken.write_bytes(data[:middle] + data[middle + gone :])
    images = bench.heard(Image, "image_raw", SENSOR_QOS)
    node = bench.active(CameraReplay, "replay", site=SITE, video=str(broken), rate=4.0)
    assert bench.says("replay: recording", WARN, "ended; undecodable", seconds=15)
    values = bench.statuses["replay: recording"][2]
    assert int(values["frame"]) + int(values["corrupt"]) == 30
    assert int(values["corrupt"]) >= 4
    assert node.active
    assert len(images) >= 15
    assert {len(image.data) for image in images} == {SIZE[0] * SIZE[1] * 3}


def test_a_truncated_video_plays_to_where_it_ends(bench: NodeBench, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi", 30).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: len(whole) // 2])
    node = bench.active(CameraReplay, "replay", site=SITE, video=str(cut), rate=6.0)
    assert bench.says("replay: recording", WARN, "ended", seconds=15)
    values = bench.statuses["replay: recording"][2]
    assert 10 <= int(values["frame"]) <= 16
    assert int(values["frame"]) + int(values["corrupt"]) == 30
    assert node.active


def plain_image() -> Image:
    return image_message(made, a_scene(SIZE), time.time_ns(), "view1_optical_frame")


def other_size() -> Image:
    return image_message(
        made, np.zeros((240, 320, 3), np.uint8), time.time_ns(), "view1_optical_frame"
    )


def too_short() -> Image:
    message = plain_image()
    message.data = message.data[:1000]
    return message


def empty_image() -> Image:
    return Image(header=plain_image().header)


def unknown_encoding() -> Image:
    message = plain_image()
    message.encoding = "martian12"
    return message


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (other_size, "320 x 240"),
        (too_short, "carries 1000 bytes"),
        (unknown_encoding, "martian12"),
        (empty_image, "0 x 0"),
    ],
)
def test_a_broken_image_is_named_and_the_next_good_one_is_taken(
    bench: NodeBench, broken: Callable[[], Image], named: str
) -> None:
    bench.active(PeopleDetector, "detector", site=SITE, detector="motion")
    found = bench.heard(Detections, "detections", SENSOR_QOS)
    images = bench.publisher(Image, "image_raw", SENSOR_QOS)
    images.publish(broken())
    assert bench.says("detector: images", ERROR, named)
    assert found == []
    good = plain_image()
    images.publish(good)
    assert bench.says("detector: images", OK)
    assert bench.until(lambda: found)
    assert found[0].header == good.header


def test_a_silent_camera_is_named(bench: NodeBench) -> None:
    bench.active(PeopleDetector, "detector", site=SITE, detector="motion")
    images = bench.publisher(Image, "image_raw", SENSOR_QOS)
    images.publish(plain_image())
    assert bench.says("detector: images", OK)
    assert bench.says("detector: images", STALE, "no image arrives", seconds=2.5)
