"""Detectors of others take the place of ours, and others take what ours finds."""

from __future__ import annotations

import time

import numpy as np
import pytest
from node_bench import SENSOR_QOS, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from visrftwin_ros.messages.images import image_message
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.msg import TrackedPeople
from visrftwin_ros.nodes.messages import conversions
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.feet import Feet
from visrftwin_ros.site.loading import load_site

SITE = "pets_campus"
FRAMES, PERIOD_NS = 12, 100_000_000


def boxes_at(stamp: int, number: int) -> Detections:
    camera = load_site(SITE).camera()
    return Detections(
        stamp_ns=stamp,
        camera=camera.name,
        image_size=(camera.image_width, camera.image_height),
        box=np.array([[300.0 + 2 * number, 260.0, 24.0, 70.0], [480.0, 300.0, 28.0, 84.0]]),
        score=np.array([0.9, 0.8]),
        track_id=("1", "2"),
        embedding=np.zeros((2, 0)),
        feet=Feet(np.full((2, 2), np.nan), np.zeros(2, bool)),
    )


def test_people_are_the_same_by_vision_msgs(bench: NodeBench) -> None:
    bench.active(PeopleTrackerNode, "tracker", "/ours", site=SITE)
    bench.active(PeopleTrackerNode, "tracker", "/theirs", site=SITE, vision_msgs=True)
    ours, theirs = (bench.heard(TrackedPeople, f"/{name}/people") for name in ("ours", "theirs"))
    plain = bench.publisher(DetectionsMessage, "/ours/view1/detections", SENSOR_QOS)
    vision = bench.publisher(Detection2DArray, "/theirs/view1/detections_2d", SENSOR_QOS)
    start = time.time_ns()
    for number in range(FRAMES):
        stamp = start + number * PERIOD_NS
        found = boxes_at(stamp, number)
        message = conversions.detections_message(found, "yolo")
        message.header = header(made, stamp, "view1_optical_frame")
        plain.publish(message)
        vision.publish(conversions.vision_from_detections(found, "view1_optical_frame"))
        assert bench.until(
            lambda stamp=message.header.stamp: all(
                any(m.header.stamp == stamp for m in heard) for heard in (ours, theirs)
            )
        )
    last = message.header.stamp
    mine, other = (
        next(m for m in heard if m.header.stamp == last).people for heard in (ours, theirs)
    )
    assert len(mine) == 2
    assert [(p.position.x, p.position.y) for p in mine] == [
        (p.position.x, p.position.y) for p in other
    ]


def test_what_the_detector_finds_is_there_for_others(
    bench: NodeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = bench.active(PeopleDetector, "detector", "/view1", site=SITE, detector="motion")
    monkeypatch.setattr(node._detector, "detect", lambda image, stamp: boxes_at(stamp, 0))
    heard = bench.heard(Detection2DArray, "/view1/detections_2d", SENSOR_QOS)
    images = bench.publisher(Image, "/view1/image_raw", SENSOR_QOS)
    camera, rng = load_site(SITE).camera(), np.random.default_rng(0)

    def seen() -> bool:
        shape = camera.image_height, camera.image_width, 3
        picture = rng.integers(0, 256, shape, np.uint8)
        images.publish(image_message(made, picture, time.time_ns(), "view1_optical_frame"))
        return bench.until(lambda: heard, 1.0)

    assert bench.until(seen, 20.0)
    assert heard[0].header.frame_id == "view1_optical_frame"
    found, _ = heard[0].detections
    assert (found.bbox.center.position.x, found.bbox.size_y, found.id) == (300.0, 70.0, "1")
    assert found.results[0].hypothesis.class_id == "person"


def test_compressed_images_lie_beside_what_image_raw_is_remapped_to(bench: NodeBench) -> None:
    """As with image_transport, whose plugins add to the base topic's name."""
    node = PeopleDetector(
        "detector",
        namespace="/view1",
        cli_args=["--ros-args", "-r", "image_raw:=/gate/color", "-p", f"site:={SITE}"],
    )
    bench.nodes.append(node)
    node.set_parameters([node.get_parameter("compressed").__class__("compressed", value=True)])
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    (heard,) = (s for s in node.subscriptions if s.msg_type is CompressedImage)
    assert heard.topic_name == "/gate/color/compressed"


def test_with_detectors_of_others_none_of_ours_runs() -> None:
    table = node_table(load_site("lobby"), "lobby", vision_msgs=True, weights="none")
    assert "people_detector" not in {spec.executable for spec in table}
    (tracker,) = (spec for spec in table if spec.executable == "people_tracker")
    assert tracker.parameters["vision_msgs"] is True
