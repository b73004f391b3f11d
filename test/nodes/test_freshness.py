"""Fresh is what was measured a moment ago, by its stamp and by a steady clock; all else is stale by name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import a_scene
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from visrftwin_ros.messages.channels import channel_paths_message, channels_message, link_paths
from visrftwin_ros.messages.images import image_message
from visrftwin_ros.messages.stamps import header, stamp_ns
from visrftwin_ros.msg import (
    BeamDecisions,
    ChannelPaths,
    Detection,
    Detections,
    LinkChannel,
    LinkChannels,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.twin_node import TwinNode

SITE = "pets_campus"
SIZE = (768, 576)
SECOND = 1_000_000_000
LIVE: dict[str, Any] = {"limits.ahead": 0.5, "limits.behind": 1.0}
"""As nodes are without a test."""


def people(stamp: int) -> TrackedPeople:
    one = TrackedPerson(id="1", height=1.75, width=0.5, depth=0.3)
    one.position.x, one.position.y = -1.5, -6.0
    one.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    message = TrackedPeople(people=[one])
    message.header = header(made, stamp, "world")
    return message


class Predictor:
    """A live predictor and what it says."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        self.bench = bench
        cache = str(site.parent / "cache")
        self.node: Any = bench.active(
            ChannelPredictor, "predictor", site=str(site), cache=cache, **LIVE
        )
        self.channels = bench.heard(LinkChannels, "channels")
        self.sent = bench.publisher(TrackedPeople, "people")

    def fresh(self) -> list[LinkChannels]:
        return [m for m in self.channels if not m.channels[0].stale]

    def runs(self) -> None:
        """People come until channels are fresh."""

        def answered() -> bool:
            self.sent.publish(people(time.time_ns()))
            self.bench.spin(0.1)
            return bool(self.fresh())

        assert self.bench.until(answered)
        self.channels.clear()


@pytest.fixture
def predictor(bench: NodeBench, small_site: Path) -> Iterator[Predictor]:
    yield Predictor(bench, small_site)


def test_people_an_hour_old_make_no_fresh_channels(bench: NodeBench, predictor: Predictor) -> None:
    predictor.sent.publish(people(time.time_ns() - 3600 * SECOND))
    assert bench.says("predictor: people", STALE, "those that come are 3600.0 s old")
    assert bench.until(lambda: len(predictor.channels) > 2)
    assert predictor.fresh() == []
    predictor.runs()


def test_people_in_another_frame_make_no_fresh_channels(
    bench: NodeBench, predictor: Predictor
) -> None:
    message = people(time.time_ns())
    message.header.frame_id = "odom"
    predictor.sent.publish(message)
    assert bench.says("predictor: people", STALE, "in frame 'odom', expected 'world'")
    assert predictor.fresh() == []
    predictor.runs()


def test_people_of_the_future_are_refused_and_the_channels_turn_stale(
    bench: NodeBench, predictor: Predictor
) -> None:
    predictor.runs()
    start = time.monotonic()
    while time.monotonic() - start < 1.5:
        predictor.sent.publish(people(time.time_ns() + 5 * SECOND))
        bench.spin(0.1)
    assert bench.says("predictor: input people", WARN, "5.00 s in the future")
    assert predictor.channels[-1].channels[0].stale
    assert predictor.fresh() == []


def set_clock(node: TwinNode, seconds: float) -> None:
    """As if the system's clock had been set by so much, for this node."""
    node.now_ns = lambda: time.time_ns() + round(seconds * SECOND)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("step", "told"), [(-16.0, "went back by 16.0"), (16.0, "forward by 16.0")]
)
def test_a_clock_that_is_set_is_told_and_hides_no_silence(
    bench: NodeBench, predictor: Predictor, step: float, told: str
) -> None:
    bench.spin(1.5)  # the node has seen its clock
    predictor.runs()
    set_clock(predictor.node, step)
    bench.spin(1.2)
    assert bench.says("predictor: time", WARN, told, seconds=3.0)
    assert predictor.channels[-1].channels[0].stale
    assert bench.says("predictor: people", STALE)


def test_beams_turn_stale_when_the_predictor_is_gone(bench: NodeBench, small_site: Path) -> None:
    bench.active(BeamSelector, "selector", site=str(small_site), **LIVE)
    beams = bench.heard(BeamDecisions, "beams")
    channels = bench.publisher(LinkChannels, "channels")
    paths = bench.publisher(ChannelPaths, "channel_paths")
    now = time.time_ns()
    links = [LinkChannel(tx="ap", rx="standing")]
    channels.publish(channels_message(made, now, "world", links))
    paths.publish(
        channel_paths_message(made, now, "world", [link_paths(made, ("ap", "standing"), [])])
    )
    assert bench.until(lambda: beams and not beams[-1].stale)
    bench.spin(1.0)
    assert beams[-1].stale
    assert stamp_ns(beams[-1].header.stamp) == now
    assert bench.says("selector: beams", STALE, "no channels for")


def test_beams_of_old_channels_are_stale(bench: NodeBench, small_site: Path) -> None:
    bench.active(BeamSelector, "selector", site=str(small_site), **LIVE)
    beams = bench.heard(BeamDecisions, "beams")
    channels = bench.publisher(LinkChannels, "channels")
    paths = bench.publisher(ChannelPaths, "channel_paths")
    then = time.time_ns() - 2 * SECOND
    channels.publish(channels_message(made, then, "world", []))
    paths.publish(channel_paths_message(made, then, "world", []))
    assert bench.until(lambda: beams)
    assert all(message.stale for message in beams)


def boxes(stamp: int) -> Detections:
    message = Detections(camera="view1", detector="yolo", image_width=768, image_height=576)
    message.header = header(made, stamp, "view1_optical_frame")
    box = Detection(track_id="1", score=0.9, x=380.0, y=300.0, width=30.0, height=75.0)
    message.detections = [box]
    return message


def test_a_backlog_after_a_pause_is_tracked_and_never_fresh(bench: NodeBench) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=SITE, **LIVE)
    heard = bench.heard(TrackedPeople, "people")
    sent = bench.publisher(Detections, "view1/detections", SENSOR_QOS)
    began = time.time_ns() - 30 * SECOND
    for k in range(20):
        sent.publish(boxes(began + k * SECOND // 7))
        bench.spin(0.03)
    assert bench.says("tracker: view1", WARN, "is late by 2")
    assert heard and all(message.stale for message in heard)
    heard.clear()
    for _ in range(12):
        sent.publish(boxes(time.time_ns()))
        bench.spin(0.1)
    assert bench.says("tracker: view1", OK)
    assert heard and not heard[-1].stale


# Pictures.


@pytest.fixture
def images(bench: NodeBench) -> Any:
    bench.active(PeopleDetector, "detector", site=SITE, detector="motion", **LIVE)
    return bench.publisher(Image, "image_raw", SENSOR_QOS)


def picture(pixels: NDArray[np.uint8], age: float = 0.0) -> Image:
    stamp = time.time_ns() - round(age * SECOND)
    return image_message(made, pixels, stamp, "view1_optical_frame")


@pytest.mark.parametrize(("level", "told"), [(3, "black"), (250, "white"), (120, "of one tone")])
def test_a_covered_or_blinded_lens_is_named_and_sees_nobody(
    bench: NodeBench, images: Any, level: int, told: str
) -> None:
    found = bench.heard(Detections, "detections", SENSOR_QOS)
    noise = np.random.default_rng(0).integers(-1, 2, (SIZE[1], SIZE[0], 3))
    images.publish(picture((level + noise).astype(np.uint8)))
    assert bench.says("detector: images", ERROR, told)
    assert found == []
    images.publish(picture(a_scene(SIZE)))
    assert bench.says("detector: images", OK)


def test_a_picture_that_repeats_is_named_within_two_seconds(bench: NodeBench, images: Any) -> None:
    found = bench.heard(Detections, "detections", SENSOR_QOS)
    for k in range(10):
        images.publish(picture(a_scene(SIZE, shift=4 * k)))
        bench.spin(0.05)
    assert bench.says("detector: images", OK)
    since = time.time_ns()
    for _ in range(16):
        images.publish(picture(a_scene(SIZE)))
        bench.spin(0.1)
    assert bench.says("detector: images", ERROR, "the same picture comes for")
    images.publish(picture(a_scene(SIZE)))
    bench.spin(0.3)
    # From the first repeat on nothing new was seen.
    assert sum(stamp_ns(message.header.stamp) > since for message in found) <= 1


def test_images_half_a_minute_old_are_told(bench: NodeBench, images: Any) -> None:
    images.publish(picture(a_scene(SIZE), age=30.0))
    assert bench.says("detector: images", WARN, "images are 30.")
