"""campaign_replay as a node: what it publishes, when, and what it says of bad bags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_campaign import SECOND, STAMP, made_site, write_campaign
from node_bench import ERROR, OK, WARN, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, PointCloud2
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import ChannelSnapshot, LinkChannels, TrackedPeople
from visrftwin_ros.nodes.campaign_replay import CLOCK_QOS, CampaignReplay
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, STATIC_QOS
from visrftwin_ros.nodes.shared.twin_node import SENSOR_QOS


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_campaign(tmp_path / "bag", made_site(tmp_path / "site"))


def clock_ns(message: Clock) -> int:
    return int(stamp_ns(message.clock))


def replay(bench: NodeBench, bag: Path, **values: object) -> Any:
    return bench.node(CampaignReplay, "campaign_replay", bag=str(bag), **values)


def start_heard(bench: NodeBench, node: Any, *topics: str) -> None:
    """Once those who listen to these topics are found."""
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    mine = [p for p in node.publishers if p.topic_name in topics]
    assert len(mine) == len(topics)
    assert bench.until(lambda: all(p.get_subscription_count() for p in mine))
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS


def start(node: Any) -> None:
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS


def refusal(bench: NodeBench, node: Any) -> str:
    """What a node that does not configure says."""
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("campaign_replay: configure", ERROR)
    return bench.statuses["campaign_replay: configure"][1]


def test_every_message_comes_as_it_was_recorded(bench: NodeBench, bag: Path) -> None:
    heard = {
        "snapshots": bench.heard(ChannelSnapshot, "/sounder/snapshots", MOVING_QOS),
        "images": bench.heard(CompressedImage, "/cam/image_raw/compressed", SENSOR_QOS),
        "clouds": bench.heard(PointCloud2, "/lidar/points", SENSOR_QOS),
        "truth": bench.heard(TrackedPeople, "/truth/people"),
    }
    clock = bench.heard(Clock, "/clock", CLOCK_QOS)
    node = replay(bench, bag, rate=2.0)
    start_heard(bench, node, "/sounder/snapshots", "/cam/image_raw/compressed", "/lidar/points")
    assert bench.says("campaign_replay: bag", OK, "has ended")
    stamps = [STAMP + k * SECOND // 2 for k in range(5)]
    for name in ("snapshots", "images", "clouds"):
        assert [stamp_ns(m.header.stamp) for m in heard[name]] == stamps, name
    assert heard["truth"] == []
    assert [len(m.paths) for m in heard["snapshots"]] == [4] * 5
    assert image_from_message(heard["images"][0]).shape == (48, 64, 3)
    cloud = cloud_from_message(heard["clouds"][0])
    assert len(cloud) == 30 and cloud.ring is not None and cloud.seconds is not None
    assert cloud.seconds[10] == pytest.approx(1e-5)
    times = [clock_ns(m) for m in clock]
    assert times == sorted(times) and len(times) > 20
    assert times[0] >= STAMP and abs(times[-1] - STAMP - 2 * SECOND) < SECOND // 5


def test_who_comes_late_still_gets_the_static_frames(bench: NodeBench, bag: Path) -> None:
    start(replay(bench, bag, rate=20.0, start=1.0))
    assert bench.says("campaign_replay: bag", OK, "has ended")
    frames = bench.heard(TFMessage, "/tf_static", STATIC_QOS)
    facts = bench.heard(String, "/campaign", STATIC_QOS)
    assert bench.until(lambda: frames and facts)
    names = {t.child_frame_id for m in frames for t in m.transforms}
    assert names == {"cam_optical_frame", "mast"}


def test_truth_and_a_choice_of_topics_on_request(bench: NodeBench, bag: Path) -> None:
    truth = bench.heard(LinkChannels, "/truth/channels", MOVING_QOS)
    snapshots = bench.heard(ChannelSnapshot, "/sounder/snapshots")
    node = replay(bench, bag, truth=True, topics=["/truth/*"], rate=2.0)
    start_heard(bench, node, "/truth/channels")
    assert bench.says("campaign_replay: bag", OK, "has ended")
    assert len(truth) == 21 and snapshots == []
    assert truth[0].channels[0].shadow_loss_db == pytest.approx(2.5)


def test_it_pauses_goes_on_seeks_and_changes_its_rate(bench: NodeBench, bag: Path) -> None:
    clock = bench.heard(Clock, "/clock", CLOCK_QOS)
    node = replay(bench, bag, rate=0.05)
    start(node)
    assert bench.until(lambda: len(clock) > 3)
    assert ask(bench, "pause") == (True, "paused")
    bench.spin(0.2)
    stands = clock_ns(clock[-1])
    bench.spin(0.5)
    assert clock_ns(clock[-1]) == stands and len(clock) > 10
    node.set_parameters([Parameter("seek", value=1.5)])
    assert bench.until(lambda: clock_ns(clock[-1]) == STAMP + 3 * SECOND // 2)
    (answer,) = node.set_parameters([Parameter("seek", value=77.0)])
    assert not answer.successful and "2.0 s only" in answer.reason
    node.set_parameters([Parameter("seek", value=0.5)])
    assert bench.until(lambda: clock_ns(clock[-1]) == STAMP + SECOND // 2)  # back
    node.set_parameters([Parameter("rate", value=20.0)])
    assert ask(bench, "toggle_paused") == (True, "playing")
    assert bench.says("campaign_replay: bag", OK, "has ended", seconds=3.0)
    node.set_parameters([Parameter("seek", value=0.0)])
    assert bench.until(lambda: clock_ns(clock[-1]) < STAMP + SECOND, 2.0)  # and plays again


def ask(bench: NodeBench, service: str) -> tuple[bool, str]:
    answer = bench.answer(Trigger, f"/campaign_replay/{service}", Trigger.Request())
    return answer.success, answer.message


def test_it_loops_and_its_clock_jumps_back(bench: NodeBench, bag: Path) -> None:
    clock = bench.heard(Clock, "/clock", CLOCK_QOS)
    start(replay(bench, bag, rate=8.0, loop=True))

    def jumps() -> int:
        return int(np.count_nonzero(np.diff([clock_ns(m) for m in clock]) < -SECOND))

    assert bench.until(lambda: jumps() >= 2)


def test_its_process_ends_with_the_bag_where_that_is_asked_for(bench: NodeBench, bag: Path) -> None:
    node = replay(bench, bag, rate=20.0, exit_at_end=True)
    start(node)
    assert bench.until(node.finished.done)


def test_it_waits_for_the_nodes_that_it_feeds(
    bench: NodeBench, bag: Path, small_site: Path
) -> None:
    clock = bench.heard(Clock, "/clock", CLOCK_QOS)
    start(replay(bench, bag, rate=20.0, wait_for=["people_tracker"]))
    assert bench.says("campaign_replay: bag", OK, "waits for people_tracker")
    bench.spin(0.5)
    assert {clock_ns(m) for m in clock} == {STAMP}
    bench.active(PeopleTrackerNode, "people_tracker", site=str(small_site), use_sim_time=True)
    assert bench.says("campaign_replay: bag", OK, "has ended")


def test_bad_bags_are_named(bench: NodeBench, tmp_path: Path, bag: Path) -> None:
    file = bag / "bag.mcap"
    file.write_bytes(file.read_bytes()[:-9])
    assert "cut off at byte" in refusal(bench, replay(bench, bag))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"bag": ""}, "parameter 'bag' is empty"),
        ({"bag": "/nowhere"}, "no bag at '/nowhere'"),
        ({"topics": ["/left/*"]}, "no messages of topic /left/*"),
        ({"start": 99.0}, "behind the end of the bag, 2.0 s"),
    ],
)
def test_bad_parameters_are_named(
    bench: NodeBench, bag: Path, values: dict[str, Any], named: str
) -> None:
    assert named in refusal(
        bench, bench.node(CampaignReplay, "campaign_replay", **{"bag": str(bag), **values})
    )


def test_damage_in_the_middle_stops_the_replay_and_is_told(
    bench: NodeBench, tmp_path: Path
) -> None:
    bag = write_campaign(tmp_path / "bag", made_site(tmp_path / "site"), seconds=200.0)
    file = bag / "bag.mcap"
    data = bytearray(file.read_bytes())
    place = len(data) * 3 // 8  # amid a chunk, not in the index behind one
    data[place : place + 4000] = b"\xff" * 4000
    file.write_bytes(data)
    start(replay(bench, bag, rate=20.0, start=60.0))
    assert bench.says("campaign_replay: bag", ERROR, "damaged after log time")


@pytest.mark.parametrize("name", ["talker.mcap", "wbag_0.mcap"])
def test_recordings_of_others_play(bench: NodeBench, test_data: Path, name: str) -> None:
    node = replay(bench, test_data / "mcap" / name, rate=20.0)
    start(node)
    assert bench.says("campaign_replay: bag", OK, "has ended")
    assert int(bench.statuses["campaign_replay: bag"][2]["messages"]) > 0


def test_a_recording_of_nothing_that_is_installed_is_refused(
    bench: NodeBench, test_data: Path
) -> None:
    said = refusal(bench, replay(bench, test_data / "mcap" / "cdr_test_0.mcap"))
    assert "cdr_test_0.mcap: no topic can be played" in said
    assert "test_msgs/msg/BasicTypes is not installed" in said


def test_unknown_and_changed_types_are_left_out(bench: NodeBench, tmp_path: Path) -> None:
    """Bytes of another layout would end the processes that subscribe to them."""
    foreign = get_typestore(Stores.ROS2_JAZZY)
    foreign.register(get_types_from_msg("float64 gain", "sounder_x/msg/Agc"))
    changed = get_typestore(Stores.EMPTY)
    changed.register(
        get_types_from_msg("float64 path_loss\nstring tx", "visrftwin_ros/msg/LinkChannel")
    )
    text = "std_msgs/msg/String"
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, kind, store, values in (
            ("/agc", "sounder_x/msg/Agc", foreign, {"gain": 1.0}),
            ("/link", "visrftwin_ros/msg/LinkChannel", changed, {"path_loss": 1.0, "tx": "ap"}),
            ("/word", text, foreign, {"data": "hello"}),
        ):
            connection = writer.add_connection(topic, kind, typestore=store)
            data = store.serialize_cdr(store.types[kind](**values), kind)
            writer.write(connection, STAMP, data)
    words = bench.heard(String, "/word")
    node = replay(bench, tmp_path / "bag")
    start_heard(bench, node, "/word")
    assert bench.says(
        "campaign_replay: topics", WARN, "/agc: message type sounder_x/msg/Agc is not"
    )
    assert (
        "/link: message type visrftwin_ros/msg/LinkChannel was another one"
        in (bench.statuses["campaign_replay: topics"][1])
    )
    assert bench.says("campaign_replay: bag", OK, "has ended")
    assert bench.until(lambda: words)


def test_a_replay_in_a_namespace_speaks_there_alone(bench: NodeBench, bag: Path) -> None:
    here = bench.heard(ChannelSnapshot, "/hall/sounder/snapshots", MOVING_QOS)
    outside = bench.heard(ChannelSnapshot, "/sounder/snapshots", MOVING_QOS)
    bench.active(CampaignReplay, "campaign_replay", "/hall", bag=str(bag))
    assert bench.until(lambda: here)
    assert outside == []
