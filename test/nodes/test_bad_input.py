"""Bad input ends in a clear word on /diagnostics: no crash, no invented person or channel."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from numpy.typing import NDArray
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from visrftwin_ros.msg import (
    BeamDecisions,
    Detection,
    Detections,
    LinkChannels,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.camera_replay import CameraReplay
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.conversions import image_message, stamp_message, stamp_ns
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.transforms import MOVING_QOS, Pose, transform_message
from visrftwin_ros.nodes.twin_node import TwinNode
from visrftwin_ros.nodes.twin_viewer import TwinViewer
from visrftwin_ros.perception.camera import PinholeCamera
from visrftwin_ros.site.loading import load_site

SITE = "pets_campus"
SIZE = (768, 576)
SECOND = 1_000_000_000
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
    pixels = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    return image_message(pixels, time.time_ns(), "view1_optical_frame")


def other_size() -> Image:
    return image_message(np.zeros((240, 320, 3), np.uint8), time.time_ns(), "view1_optical_frame")


def too_short() -> Image:
    message = plain_image()
    message.data = message.data[:1000]
    return message


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
        (Image, "0 x 0"),
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


# Detections.


class Walker:
    """Detections of somebody who walks over the crossing, as the site's camera sees them."""

    def __init__(self, bench: NodeBench) -> None:
        self._camera = PinholeCamera.from_site(load_site(SITE).camera())
        self._bench = bench
        self._publisher = bench.publisher(Detections, "view1/detections", SENSOR_QOS)
        self.people = bench.heard(TrackedPeople, "people")

    def boxes(self, seconds: float) -> list[Detection]:
        foot = np.array([-6.0 + 0.8 * seconds, -8.0, 0.0])
        pixels, _ = self._camera.project(np.stack([foot, foot + [0, 0, 1.75]]))
        (u, bottom), (_, top) = pixels
        size = {"width": 0.4 * (bottom - top), "height": bottom - top}
        return [Detection(track_id="1", score=0.9, x=u, y=(top + bottom) / 2, **size)]

    def send(self, stamp: int, boxes: list[Detection]) -> TrackedPeople:
        """What the tracker answers."""
        message = Detections(camera="view1", detector="yolo", detections=boxes)
        message.header.stamp = stamp_message(stamp)
        self._publisher.publish(message)
        assert self._bench.until(lambda: self.answers(stamp), 3.0), "the tracker does not answer"
        return self.answers(stamp)[-1]

    def answers(self, stamp: int) -> list[TrackedPeople]:
        return [m for m in self.people if stamp_ns(m.header.stamp) == stamp and not m.stale]

    def walk(self, start: int, steps: int) -> TrackedPeople:
        for step in range(steps):
            answer = self.send(start + step * SECOND // 7, self.boxes(step / 7))
        return answer


def finite(person: TrackedPerson) -> bool:
    numbers = [person.position.x, person.position.y, person.velocity.x, person.velocity.y]
    return bool(np.isfinite([*numbers, *person.covariance, person.height, person.heading]).all())


def test_boxes_with_nan_or_without_extent_change_nothing(bench: NodeBench) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=SITE)
    walker = Walker(bench)
    start = time.time_ns()
    assert len(walker.walk(start, 8).people) == 1
    nan, inf = float("nan"), float("inf")
    bad = [
        Detection(score=0.9, x=nan, y=300.0, width=40.0, height=100.0),
        Detection(score=nan, x=300.0, y=300.0, width=40.0, height=100.0),
        Detection(score=0.9, x=300.0, y=300.0, width=inf, height=100.0),
        Detection(score=0.9, x=300.0, y=300.0, width=0.0, height=-5.0),
    ]
    for step in range(8, 16):
        boxes = walker.boxes(step / 7) + bad
        answer = walker.send(start + step * SECOND // 7, boxes)
        assert len(answer.people) == 1
        assert finite(answer.people[0])
    assert answer.people[0].position.x == pytest.approx(-6.0 + 0.8 * 15 / 7, abs=0.1)
    assert bench.until(
        lambda: int(bench.statuses["tracker: view1"][2]["invalid_boxes"]) == 4 * 8, 3.0
    )


def test_time_that_jumps_back_starts_over_and_says_so(bench: NodeBench) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=SITE)
    walker = Walker(bench)
    start = time.time_ns()
    before = walker.walk(start, 8).people
    assert [person.id for person in before] == ["1"]
    answer = walker.send(start - 100 * SECOND, walker.boxes(0.0))
    assert "1" not in [person.id for person in answer.people]  # nobody comes from the future
    assert bench.says("tracker: clock", WARN, "jumped back by 10")
    after = walker.walk(start - 100 * SECOND + SECOND // 7, 8).people
    assert len(after) == 1
    assert after[0].id != "1"  # a name is never used twice
    assert bench.says("tracker: clock", OK)


def test_people_of_a_detector_that_stops_turn_stale(bench: NodeBench) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=SITE)
    walker = Walker(bench)
    walker.walk(time.time_ns(), 8)
    heard = len(walker.people)
    assert bench.says("tracker: detections", STALE, "no detections for", seconds=2.0)
    assert bench.until(lambda: len(walker.people) >= heard + 4, 3.0)
    silent = walker.people[heard:]
    assert all(message.stale for message in silent)
    assert (np.diff([message.age for message in silent]) > 0).all()
    assert silent[0].age < 1.0


def test_boxes_for_another_image_size_are_not_taken_for_people(bench: NodeBench) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=SITE)
    walker = Walker(bench)
    far_out = [Detection(score=0.9, x=5000.0, y=9000.0, width=100.0, height=260.0)]
    for step in range(8):
        answer = walker.send(time.time_ns() + step * SECOND // 7, far_out)
        assert answer.people == []


# Channels.


def person(name: str, x: float, y: float) -> TrackedPerson:
    one = TrackedPerson(id=name, height=1.75, width=0.5, depth=0.3)
    one.position.x, one.position.y = x, y
    one.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    return one


def people(stamp: int, *everybody: TrackedPerson) -> TrackedPeople:
    message = TrackedPeople(people=list(everybody))
    message.header.stamp = stamp_message(stamp)
    return message


class Predictor:
    """A predictor on the small site, asked with `people` messages."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        self._bench = bench
        cache = str(site.parent / "cache")
        self.node = bench.active(ChannelPredictor, "predictor", site=str(site), cache=cache)
        self.channels = bench.heard(LinkChannels, "channels")
        self._publisher = bench.publisher(TrackedPeople, "people")

    def answer(self, message: TrackedPeople) -> dict[str, Any]:
        """The channels of the same stamp, by receiver."""
        stamp = message.header.stamp
        self._publisher.publish(message)
        found: list[LinkChannels] = []

        def answered() -> bool:
            found[:] = [m for m in self.channels if m.header.stamp == stamp]
            return bool(found)

        assert self._bench.until(answered, 5.0), "the predictor does not answer"
        return {link.rx: link for link in found[-1].channels}


def numbers_of(link: Any) -> NDArray[np.float64]:
    return np.array([link.path_loss_db, link.shadow_loss_db, link.k_factor_db])


def test_before_any_people_the_channels_are_stale(bench: NodeBench, small_site: Path) -> None:
    predictor = Predictor(bench, small_site)
    assert bench.says("predictor: people", STALE, "no people message has come yet")
    assert bench.until(lambda: predictor.channels)
    for link in predictor.channels[-1].channels:
        assert link.stale
        assert link.age == np.inf


def test_a_person_with_a_broken_pose_is_left_out_and_named(
    bench: NodeBench, small_site: Path
) -> None:
    predictor = Predictor(bench, small_site)
    now = time.time_ns()
    alone = predictor.answer(people(now, person("7", -1.5, -6.0)))
    assert alone["standing"].shadow_loss_db > 3.0
    nan = float("nan")
    broken = people(now + SECOND // 10, person("7", -1.5, -6.0), person("8", nan, -6.0))
    both = predictor.answer(broken)
    assert bench.says("predictor: bodies", WARN, "8")
    np.testing.assert_allclose(numbers_of(both["standing"]), numbers_of(alone["standing"]))
    assert not both["standing"].stale
    predictor.answer(people(now + SECOND // 5))
    assert bench.says("predictor: bodies", OK)


def test_people_whose_clock_jumps_back_still_get_their_channels(
    bench: NodeBench, small_site: Path
) -> None:
    predictor = Predictor(bench, small_site)
    now = time.time_ns()
    before = predictor.answer(people(now, person("1", -1.5, -6.0)))["standing"]
    back = predictor.answer(people(now - 100 * SECOND, person("2", -1.5, -6.0)))["standing"]
    assert not back.stale
    np.testing.assert_allclose(numbers_of(back), numbers_of(before))
    assert back.paths[0].blocked_by == ["2"]


def test_people_that_are_stale_are_not_taken_for_fresh(bench: NodeBench, small_site: Path) -> None:
    predictor = Predictor(bench, small_site)
    now = time.time_ns()
    shadowed = predictor.answer(people(now, person("1", -1.5, -6.0)))["standing"]
    silent = people(now + SECOND // 10)  # a prediction in which everybody has faded away
    silent.stale = True
    predictor._publisher.publish(silent)
    heard = len(predictor.channels)
    assert bench.until(lambda: len(predictor.channels) >= heard + 3, 4.0)
    for message in predictor.channels[heard:]:
        link = {link.rx: link for link in message.channels}["standing"]
        assert link.stale
        assert link.shadow_loss_db == pytest.approx(shadowed.shadow_loss_db)


def test_a_robot_without_tf_has_no_channel_until_its_tf_comes(
    bench: NodeBench, small_site: Path
) -> None:
    bench.active(BeamSelector, "beams", site=str(small_site))
    decisions = bench.heard(BeamDecisions, "beams")
    predictor = Predictor(bench, small_site)
    links = predictor.answer(people(time.time_ns()))
    missing = links["roving"]
    assert "roving" in missing.reason
    assert missing.paths == []
    assert missing.path_count == 0
    assert not np.isfinite(numbers_of(missing)).any()
    assert links["standing"].reason == ""
    assert np.isfinite(numbers_of(links["standing"])).all()
    assert bench.says("predictor: links", WARN, "TF has no frame 'roving/base_link'")
    assert bench.says("beams: links", WARN, "TF has no frame 'roving/base_link'")
    assert bench.until(lambda: decisions)
    assert {d.rx for d in decisions[-1].decisions} == {"standing"}

    transforms = bench.publisher(TFMessage, "/tf", MOVING_QOS)
    pose = Pose(np.array([2.0, -2.0, 0.0]), Rotation.from_euler("Z", 0.5))

    def appeared() -> bool:
        now = time.time_ns()
        frames = [transform_message("world", "roving/base_link", now, pose)]
        transforms.publish(TFMessage(transforms=frames))
        bench.spin(0.1)
        found = predictor.answer(people(now))["roving"]
        return not found.reason and len(found.paths) > 0

    assert bench.until(appeared, 40.0), "no channel after TF came"
    found = predictor.answer(people(time.time_ns()))["roving"]
    assert np.isfinite([found.path_loss_db, found.shadow_loss_db]).all()
    assert (found.paths[0].vertices[-1].x, found.paths[0].vertices[-1].y) == pytest.approx((2, -2))
    assert bench.says("predictor: links", OK)
    assert bench.until(
        lambda: {d.rx for d in decisions[-1].decisions} == {"standing", "roving"}, 5.0
    )
    assert bench.says("beams: links", OK)
