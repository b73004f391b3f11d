"""What the detector node does besides boxes: counts lost frames, draws on demand, embeds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_pictures import a_scene
from node_bench import OK, SENSOR_QOS, WARN, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.messages.images import image_message
from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.msg import Detection, Detections, TrackedPeople
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.perception.appearance.clothing import ClothingWords
from visrftwin_ros.site.loading import load_site

SITE = "pets_campus"
SECOND = 1_000_000_000


def picture(stamp: int) -> Image:
    pixels = a_scene((768, 576), shift=stamp // 1_000_000 % 800)
    return image_message(made, pixels, stamp, "view1_optical_frame")


def test_frames_that_never_came_are_counted(bench: NodeBench) -> None:
    bench.active(PeopleDetector, "detector", site=SITE, detector="motion")
    found = bench.heard(Detections, "detections", SENSOR_QOS)
    images = bench.publisher(Image, "image_raw", SENSOR_QOS)
    start = time.time_ns()
    for frame in (0, 1, 2, 6, 7, 400):  # three are lost; then the camera stood still
        images.publish(picture(start + round(frame / 7.0 * SECOND)))
        count = len(found)
        assert bench.until(lambda seen=count: len(found) > seen)
    assert bench.until(lambda: bench.statuses["detector: images"][2].get("dropped") == "3", 3.0)


def test_the_debug_image_is_drawn_only_for_who_asks(bench: NodeBench) -> None:
    node = bench.active(PeopleDetector, "detector", site=SITE, detector="motion")
    images = bench.publisher(Image, "image_raw", SENSOR_QOS)
    drawn: list[int] = []
    node._debug.publish = lambda message: drawn.append(len(message.data))
    images.publish(picture(time.time_ns()))
    assert bench.says("detector: images", OK) and drawn == []
    bench.heard(Image, "debug_image", SENSOR_QOS)
    assert bench.until(lambda: node._debug.get_subscription_count() > 0)
    images.publish(picture(time.time_ns()))
    assert bench.until(lambda: drawn) and drawn == [768 * 576 * 3]


@pytest.mark.parametrize("kind", [PeopleDetector, PeopleTrackerNode])
def test_embedding_weights_that_cannot_be_loaded_warn_and_the_node_works(
    bench: NodeBench, kind: type
) -> None:
    values = {"embedding_model": "ViT-B-32", "embedding_weights": "/no/such.pt"}
    node = bench.active(kind, "node", site=SITE, **values)
    assert bench.says("node: embedding", WARN, "tracked without embeddings")
    assert node.active


def test_a_moving_camera_needs_a_network(bench: NodeBench, small_site: Path) -> None:
    content = yaml.safe_load(small_site.read_text())
    content["cameras"] = [{"name": "glasses", "image_width": 640, "image_height": 480}]
    small_site.write_text(yaml.safe_dump(content))
    node = bench.node(PeopleDetector, "detector", site=str(small_site))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "motion detector needs a fixed one" in bench.statuses.get(
        "detector: configure", (0, "", {})
    )[1] or bench.says("detector: configure", 2, "motion detector needs a fixed one")


class Words:
    """Phrases on axes: coats on the first."""

    def text_embeddings(self, texts: list[str]) -> np.ndarray:
        axis = 0 if "coat" in texts[0] else 1
        return np.eye(2, 8)[[axis] * len(texts)]


def test_embedding_and_clothing_travel_with_the_person(bench: NodeBench) -> None:
    node = bench.active(PeopleTrackerNode, "tracker", site=SITE)
    node._words = ClothingWords(Words(), {"coat": ["a coat"], "denim": ["jeans"]})
    people = bench.heard(TrackedPeople, "people")
    detections = bench.publisher(Detections, "view1/detections", SENSOR_QOS)
    camera = fixed_camera(load_site(SITE).camera())
    foot = np.array([-6.0, -8.0, 0.0])
    (u, bottom), (_, top) = camera.project(np.stack([foot, foot + [0, 0, 1.72]]))[0]
    look = np.eye(1, 8)[0].astype(np.float32)
    size = {"width": 0.4 * (bottom - top), "height": bottom - top}
    start = time.time_ns()
    for k in range(6):
        box = Detection(score=0.9, x=u, y=(top + bottom) / 2, embedding=look, **size)
        message = Detections(
            camera="view1", detector="yolo", detections=[box], image_width=768, image_height=576
        )
        message.header.stamp = stamp_message(made, start + k * SECOND // 7)
        detections.publish(message)
        count = len(people)
        assert bench.until(lambda seen=count: len(people) > seen)
    (person,) = people[-1].people
    assert person.material == "coat"
    np.testing.assert_allclose(person.embedding, look, atol=1e-6)
