"""Bad boxes, people and clocks end in a clear word on /diagnostics: no invented person or channel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from node_bench import OK, SENSOR_QOS, STALE, WARN, NodeBench
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import (
    BeamDecisions,
    ChannelPaths,
    Detection,
    Detections,
    LinkChannels,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, Pose
from visrftwin_ros.site.loading import load_site

SITE = "pets_campus"
SECOND = 1_000_000_000


# Detections.


class Walker:
    """Detections of somebody who walks over the crossing, as the site's camera sees them."""

    def __init__(self, bench: NodeBench) -> None:
        self._camera = fixed_camera(load_site(SITE).camera())
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
        message = Detections(
            camera="view1", detector="yolo", detections=boxes, image_width=768, image_height=576
        )
        message.header.stamp = stamp_message(made, stamp)
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
    message.header.stamp = stamp_message(made, stamp)
    return message


class Predictor:
    """A predictor on the small site, asked with `people` messages."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        self._bench = bench
        cache = str(site.parent / "cache")
        self.node = bench.active(ChannelPredictor, "predictor", site=str(site), cache=cache)
        self.channels = bench.heard(LinkChannels, "channels")
        self._paths = bench.heard(ChannelPaths, "channel_paths")
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

    def paths(self, message: TrackedPeople) -> dict[str, Any]:
        """The paths of the same stamp, by receiver."""
        self.answer(message)
        stamp = message.header.stamp
        assert self._bench.until(lambda: self._paths and self._paths[-1].header.stamp == stamp)
        return {link.rx: link.paths for link in self._paths[-1].links}


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
    earlier = people(now - 100 * SECOND, person("2", -1.5, -6.0))
    back = predictor.answer(earlier)["standing"]
    assert not back.stale
    np.testing.assert_allclose(numbers_of(back), numbers_of(before))
    assert predictor.paths(earlier)["standing"][0].blocked_by == ["2"]


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
    now = people(time.time_ns())
    links = predictor.answer(now)
    missing = links["roving"]
    assert "roving" in missing.reason
    assert predictor.paths(now)["roving"] == []
    assert missing.path_count == 0
    assert np.isnan(numbers_of(missing)).all()
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
        frames = [transform_message(made, "world", "roving/base_link", now, pose)]
        transforms.publish(TFMessage(transforms=frames))
        bench.spin(0.1)
        found = predictor.answer(people(now))["roving"]
        return not found.reason and found.path_count > 0

    assert bench.until(appeared, 40.0), "no channel after TF came"
    later = people(time.time_ns())
    found = predictor.answer(later)["roving"]
    assert np.isfinite([found.path_loss_db, found.shadow_loss_db]).all()
    end = predictor.paths(later)["roving"][0].vertices[-1]
    assert (end.x, end.y) == pytest.approx((2, -2))
    assert bench.says("predictor: links", OK)
    assert bench.until(
        lambda: {d.rx for d in decisions[-1].decisions} == {"standing", "roving"}, 5.0
    )
    assert bench.says("beams: links", OK)
