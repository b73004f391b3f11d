"""The nodes on a replay's time: silence is the replay's, and time may go back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from made_campaign import SECOND, STAMP, person
from made_pictures import a_scene
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from visrftwin_ros.messages.images import image_message
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import Detection, Detections, LinkChannels, TrackedPeople
from visrftwin_ros.nodes.camera_replay import CameraReplay
from visrftwin_ros.nodes.campaign_replay import CLOCK_QOS
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.conversions import people_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.perception.tracking.people import People


def hands_of(bench: NodeBench) -> Callable[[float], int]:
    """Sets /clock to so many seconds, and gives the stamp of then."""
    clock = bench.publisher(Clock, "/clock", CLOCK_QOS)

    def at(seconds: float) -> int:
        stamp = STAMP + round(seconds * SECOND)
        clock.publish(Clock(clock=stamp_message(made, stamp)))
        bench.spin(0.05)
        return stamp

    return at


def people(stamp: int) -> TrackedPeople:
    bodies = person(0.0)
    return people_message(
        People(
            stamp_ns=stamp,
            ids=bodies.ids,
            position=bodies.position[:, :2],
            velocity=bodies.velocity[:, :2],
            covariance=np.eye(4)[None] * 0.01,
            height=bodies.height,
            heading=bodies.heading,
            existence=np.ones(1),
            score=np.ones(1),
            seen_by=(("cam",),),
        ),
        "world",
    )


def test_the_predictor_starts_again_when_time_goes_back(bench: NodeBench, small_site: Path) -> None:
    """Nobody is fresh from the future: channels are stale until people come again."""
    channels = bench.heard(LinkChannels, "channels")
    bench.active(ChannelPredictor, "channel_predictor", site=str(small_site), use_sim_time=True)
    sent, at = bench.publisher(TrackedPeople, "people"), hands_of(bench)
    for k in range(5):
        sent.publish(people(at(100 + k / 10)))
        bench.spin(0.1)
    assert bench.until(lambda: channels and not channels[-1].channels[0].stale)
    latency = channels[-1].latency
    assert 0 <= latency < 0.5  # in the replay's time
    channels.clear()
    for k in range(12):
        at(1 + k / 10)  # 99 s back
    assert bench.says("channel_predictor: time", WARN, "went back by 9")
    assert bench.until(lambda: channels)
    assert all(link.stale for message in channels for link in message.channels)
    assert bench.says("channel_predictor: people", STALE, "no people message")
    channels.clear()
    sent.publish(people(at(3.0)))
    assert bench.until(lambda: any(not m.channels[0].stale for m in channels))
    assert stamp_ns(channels[-1].header.stamp) == STAMP + 3 * SECOND


def test_silence_is_told_in_the_replays_time(bench: NodeBench, small_site: Path) -> None:
    """Paused is not silent; a second of the replay without people is."""
    channels = bench.heard(LinkChannels, "channels")
    bench.active(ChannelPredictor, "channel_predictor", site=str(small_site), use_sim_time=True)
    sent, at = bench.publisher(TrackedPeople, "people"), hands_of(bench)
    for k in range(5):
        sent.publish(people(at(k / 10)))
        bench.spin(0.1)
    assert bench.until(lambda: channels and not channels[-1].channels[0].stale)
    count = len(channels)
    for _ in range(20):
        at(0.4)  # paused for a second of wall time
    assert len(channels) == count
    for k in range(8):
        at(0.4 + k / 4)
    assert channels[-1].channels[0].stale and channels[-1].channels[0].age > 1.0


def boxes(stamp: int) -> Detections:
    """One person in the middle of the picture of PETS."""
    message = Detections(camera="view1", detector="yolo", image_width=768, image_height=576)
    message.header.stamp = stamp_message(made, stamp)
    message.header.frame_id = "view1_optical_frame"
    box = Detection(track_id="1", score=0.9, x=380.0, y=300.0, width=30.0, height=75.0)
    message.detections = [box]
    return message


def test_the_tracker_forgets_who_comes_later_when_time_goes_back(
    bench: NodeBench, small_site: Path
) -> None:
    bench.active(PeopleTrackerNode, "people_tracker", site=str(small_site), use_sim_time=True)
    sent, at = bench.publisher(Detections, "view1/detections", SENSOR_QOS), hands_of(bench)
    heard = bench.heard(TrackedPeople, "people")
    for k in range(10):
        sent.publish(boxes(at(50 + k / 10)))
        bench.spin(0.05)
    assert bench.until(lambda: heard and heard[-1].people)
    before = {p.id for p in heard[-1].people}
    heard.clear()
    at(2.0)
    assert bench.says("people_tracker: time", WARN, "went back by 48.9")
    bench.spin(0.5)
    assert heard == []  # nothing is known of now
    sent.publish(boxes(STAMP + 51 * SECOND))  # was on its way
    bench.spin(0.3)
    assert heard == []
    for k in range(10):
        sent.publish(boxes(at(2.1 + k / 10)))
        bench.spin(0.05)
    assert bench.until(lambda: heard and heard[-1].people)
    after = {p.id for p in heard[-1].people}
    assert after and not after & before
    assert all(stamp_ns(m.header.stamp) < STAMP + 4 * SECOND for m in heard)
    assert all(not m.stale and 0 <= m.latency < 1 for m in heard)
    for k in range(8):
        at(3.2 + k / 4)
    assert bench.says("people_tracker: detections", STALE, "no detections for")
    assert heard[-1].stale
    assert bench.says("people_tracker: time", OK, "goes on")


def test_detections_of_a_moving_camera_do_not_wait_for_a_past_that_is_over(
    bench: NodeBench, small_site: Path
) -> None:
    """They wait for their TF in the replay's time; wound back, that time would not come."""
    content = yaml.safe_load(small_site.read_text())
    for field in ("rvec", "t"):
        del content["cameras"][0][field]
    small_site.write_text(yaml.safe_dump(content))
    bench.active(PeopleTrackerNode, "people_tracker", site=str(small_site), use_sim_time=True)
    sent, at = bench.publisher(Detections, "view1/detections", SENSOR_QOS), hands_of(bench)
    sent.publish(boxes(at(50.0)))
    bench.spin(0.1)
    for k in range(6):
        stamp = at(1 + k / 4)
        sent.publish(boxes(stamp))
    # The newer ones were given up in their turn, which is said; the oldest does not hold them up.
    assert bench.says("people_tracker: view1", ERROR, "TF")


def test_a_detector_on_a_standing_clock_does_not_call_its_camera_silent(
    bench: NodeBench, small_site: Path
) -> None:
    values: dict[str, Any] = {"camera": "view1", "detector": "motion", "use_sim_time": True}
    bench.active(PeopleDetector, "people_detector", site=str(small_site), **values)
    sent, at = bench.publisher(Image, "image_raw", SENSOR_QOS), hands_of(bench)
    sent.publish(image_message(made, a_scene((768, 576)), at(1.0), "view1_optical_frame"))
    assert bench.says("people_detector: images", OK, "images arrive")
    for _ in range(40):
        at(1.0)  # two seconds of wall time
    assert bench.statuses["people_detector: images"][0] == OK
    for k in range(10):
        at(1.0 + k / 4)
    assert bench.says("people_detector: images", STALE, "no image arrives")


def test_a_replayed_video_follows_the_time_that_is_given(
    bench: NodeBench, small_site: Path, test_data: Path
) -> None:
    values: dict[str, Any] = {"camera": "view1", "use_sim_time": True}
    values["video"] = str(test_data / "pets" / "vtest.avi")
    infos = bench.heard(CameraInfo, "camera_info", SENSOR_QOS)
    bench.active(CameraReplay, "camera_replay", site=str(small_site), **values)
    at = hands_of(bench)
    for k in range(20):
        at(10 + k / 10)
    stamps = [stamp_ns(m.header.stamp) - STAMP for m in infos]
    # 7 frames a second for 1.9 s, not all frames since 1970; the first timer tick comes a period late
    assert 10 <= len(stamps) <= 14
    assert stamps[0] >= 10 * SECOND and stamps[-1] <= 12 * SECOND
    infos.clear()
    for k in range(10):
        at(2 + k / 10)
    assert bench.says("camera_replay: time", WARN, "went back")
    stamps = [stamp_ns(m.header.stamp) - STAMP for m in infos]
    assert len(stamps) >= 4 and max(stamps) <= 3 * SECOND
