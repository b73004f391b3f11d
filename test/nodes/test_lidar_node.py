"""The LiDAR node: people out, and a clear word on whatever comes that is no sweep of its own."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from cloud_messages import cloud_message, xyz_message
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage

from visrftwin_ros.benchmarks.simulated.lidar import SimulatedLidar, Walker
from visrftwin_ros.benchmarks.simulated.spinning_lidar import SpinningLidar
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.stamps import header, stamp_ns
from visrftwin_ros.msg import Detections, LidarPeople, TrackedPeople
from visrftwin_ros.nodes.lidar_people import LidarPeopleNode
from visrftwin_ros.nodes.messages.lidar_messages import measurements_from_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, Pose

LIDAR = SimulatedLidar(np.array([-8.0, -6.0, 2.5]), beams=64)
PERSON = Walker(np.array([-3.0, -4.0]), heading=0.5, phase=0.7)
RNG = np.random.default_rng(0)


@pytest.fixture
def lidar_site(small_site: Path) -> Path:
    """With a LiDAR that stands at (-8, -6, 2.5), and one that TF places."""
    content = yaml.safe_load(small_site.read_text())
    content["lidars"] = [
        {"name": "mast", "position": [-8, -6, 2.5], "rpy": [0, 0, 0]},
        {"name": "rover", "frame": "rover/lidar"},
    ]
    small_site.write_text(yaml.safe_dump(content))
    return small_site


def sweep(walkers: list[Walker] | None = None) -> np.ndarray:
    return LIDAR.sweep([PERSON] if walkers is None else walkers, [], RNG)[0]


def good(frame: str = "mast") -> PointCloud2:
    return xyz_message(sweep(), time.time_ns(), frame)


def start(
    bench: NodeBench,
    site: Path,
    lidar: str = "mast",
    learning_time: float = 0.0,
    repeats: bool = False,
) -> tuple[Any, list]:
    content = yaml.safe_load(site.read_text())
    for entry in content["lidars"]:
        entry["learning_time"] = learning_time
    site.write_text(yaml.safe_dump(content))
    given = {"site": str(site), "lidar": lidar, "repeats": repeats}
    bench.active(LidarPeopleNode, "finder", f"/{lidar}", **given)
    heard = bench.heard(LidarPeople, f"/{lidar}/people", SENSOR_QOS)
    return bench.publisher(PointCloud2, f"/{lidar}/points", SENSOR_QOS), heard


def test_people_come_out_in_the_world_frame_with_the_sweep_s_stamp(
    bench: NodeBench, lidar_site: Path
) -> None:
    clouds, heard = start(bench, lidar_site)
    message = good()
    clouds.publish(message)
    assert bench.until(lambda: heard)
    assert (heard[0].lidar, heard[0].header.frame_id) == ("mast", "world")
    assert heard[0].header.stamp == message.header.stamp
    assert 0 < heard[0].latency < 5
    measured = measurements_from_message(heard[0])
    assert len(measured) == 1
    assert np.hypot(*(measured.position[0] - PERSON.position)) < 0.1
    assert np.allclose(measured.origin, [-8, -6])
    assert abs(measured.height[0] - PERSON.height) < 0.15
    assert measured.clean()[1] == 0
    assert bench.says("mast/finder: clouds", OK, "clouds arrive")


def without_z() -> PointCloud2:
    ones = np.ones(4, "f4")
    return cloud_message({"x": ones, "y": ones}, time.time_ns(), "mast")


def empty() -> PointCloud2:
    return xyz_message(np.zeros((0, 3)), time.time_ns(), "mast")


def without_fields() -> PointCloud2:
    return PointCloud2(header=good().header)


def all_nan() -> PointCloud2:
    return xyz_message(np.full((64, 32, 3), np.nan), time.time_ns(), "mast")


def all_zero() -> PointCloud2:
    return xyz_message(np.zeros((64, 32, 3)), time.time_ns(), "mast")


def another_frame() -> PointCloud2:
    return good("kitchen")


@pytest.mark.parametrize(
    ("broken", "level", "named"),
    [
        (without_z, ERROR, "no field z"),
        (without_fields, ERROR, "no field x, y, z"),
        (empty, ERROR, "0 points holds no valid return"),
        (all_nan, ERROR, "2048 points holds no valid return"),
        (all_zero, ERROR, "no return of 2048 comes from further than 0.5 m"),
        (another_frame, ERROR, "'kitchen'"),
    ],
)
def test_a_broken_cloud_is_named_and_the_next_good_one_is_taken(
    bench: NodeBench,
    lidar_site: Path,
    broken: Callable[[], PointCloud2],
    level: int,
    named: str,
) -> None:
    clouds, heard = start(bench, lidar_site)
    clouds.publish(broken())
    assert bench.says("mast/finder: clouds", level, named)
    assert not heard
    clouds.publish(good())
    assert bench.until(lambda: heard)
    assert bench.says("mast/finder: clouds", OK)


def test_a_sweep_that_comes_again_is_named_and_finds_nobody(
    bench: NodeBench, lidar_site: Path
) -> None:
    clouds, heard = start(bench, lidar_site)
    points = sweep()
    clouds.publish(xyz_message(points, time.time_ns(), "mast"))
    assert bench.until(lambda: heard)
    for _ in range(3):
        clouds.publish(xyz_message(points, time.time_ns(), "mast"))
        bench.spin(0.1)
    assert bench.says("mast/finder: clouds", ERROR, "the same sweep comes again")
    assert len(heard) == 1
    clouds.publish(good())
    assert bench.until(lambda: len(heard) == 2)
    assert bench.says("mast/finder: clouds", OK)


def test_a_lidar_without_tf_waits_for_it_by_name(bench: NodeBench, lidar_site: Path) -> None:
    clouds, heard = start(bench, lidar_site, "rover")
    clouds.publish(good("rover/lidar"))
    assert bench.says("rover/finder: clouds", ERROR, "TF has no frame 'rover/lidar'")
    assert not heard
    frames = bench.publisher(TFMessage, "/tf", MOVING_QOS)
    now = time.time_ns()
    pose = Pose(LIDAR.position, Rotation.identity())
    frames.publish(
        TFMessage(transforms=[transform_message(made, "world", "rover/lidar", now, pose)])
    )
    bench.spin(0.2)
    clouds.publish(xyz_message(sweep(), now, "rover/lidar"))
    assert bench.until(lambda: heard)
    assert len(heard[0].people) == 1
    # A second later the pose is another's.
    clouds.publish(xyz_message(sweep(), now + 1_000_000_000, "rover/lidar"))
    assert bench.says("rover/finder: clouds", ERROR, "1.00 s away")


def test_people_are_in_their_place_though_the_lidar_drives_while_it_sweeps(
    bench: NodeBench, lidar_site: Path
) -> None:
    clouds, heard = start(bench, lidar_site, "rover")
    frames = bench.publisher(TFMessage, "/tf", MOVING_QOS)
    began = time.time_ns()

    def driving(seconds: float) -> Pose:
        place = np.array([-8.0 + 4.0 * seconds, -6.0, 1.8])
        return Pose(place, Rotation.from_euler("Z", 1.0 * seconds))

    for seconds in np.arange(-0.1, 0.3, 0.02):
        stamp = began + round(1e9 * seconds)
        pose = transform_message(made, "world", "rover/lidar", stamp, driving(seconds))
        frames.publish(TFMessage(transforms=[pose]))
    bench.spin(0.3)
    cloud, _ = SpinningLidar(LIDAR, driving).sweep(0.0, lambda _: [PERSON], [], RNG)
    assert cloud.seconds is not None
    columns = {name: cloud.points[:, axis] for axis, name in enumerate("xyz")}
    columns["t"] = np.rint(1e9 * cloud.seconds).astype(np.uint32)
    clouds.publish(cloud_message(columns, began, "rover/lidar"))
    assert bench.until(lambda: heard)
    (person,) = heard[0].people
    place = np.array([person.centroid.x, person.centroid.y])
    assert np.hypot(*(place - PERSON.position)) < 0.1
    assert abs(stamp_ns(heard[0].header.stamp) - began - 0.05e9) < 0.03e9


def test_a_silent_lidar_is_said_to_be(bench: NodeBench, lidar_site: Path) -> None:
    start(bench, lidar_site)
    assert bench.says("mast/finder: clouds", STALE, "no cloud arrives")


def test_a_clock_that_jumps_back_drops_the_background(bench: NodeBench, lidar_site: Path) -> None:
    clouds, heard = start(bench, lidar_site, learning_time=0.2)
    now = time.time_ns()

    def send(stamp: int, walkers: list[Walker]) -> Any:
        count = len(heard)
        clouds.publish(xyz_message(sweep(walkers), stamp, "mast"))
        assert bench.until(lambda: len(heard) > count)
        return heard[-1]

    for k in range(4):
        answer = send(now + k * 100_000_000, [])
    assert not answer.learning
    assert send(now + 400_000_000, [PERSON]).people[0].score > 0.5
    answer = send(now - 10_000_000_000, [PERSON])
    assert bench.says("mast/finder: clock", WARN, "jumped back by 10.4 s")
    assert answer.learning
    assert all(person.score < 0.4 for person in answer.people)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"lidar": "attic"}, "no LiDAR 'attic'; it has: mast, rover"),
        ({"lidar": ""}, "it has: mast, rover"),
        ({"site": "pets_campus"}, "has no LiDARs"),
    ],
)
def test_a_lidar_that_the_site_does_not_know_is_named(
    bench: NodeBench, lidar_site: Path, values: dict[str, str], named: str
) -> None:
    node = bench.node(LidarPeopleNode, "finder", **{"site": str(lidar_site), **values})
    assert bench.until(lambda: node.count_subscribers("/diagnostics"))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("finder: configure", ERROR, named)


def test_a_crowd_and_bad_clouds_leave_memory_flat(bench: NodeBench, lidar_site: Path) -> None:
    clouds, heard = start(bench, lidar_site, repeats=True)
    places = np.stack(np.meshgrid(np.arange(-25, 15, 2.0), np.arange(-14, 6, 2.0)), -1)
    crowd = [Walker(place + RNG.uniform(-0.4, 0.4, 2)) for place in places.reshape(-1, 2)]
    assert len(crowd) == 200
    stamp = time.time_ns()
    message = xyz_message(sweep(crowd), stamp, "mast")

    def send(times: int) -> int:
        for _ in range(times):
            count = len(heard)
            clouds.publish(message)
            assert bench.until(lambda count=count: len(heard) > count)
            clouds.publish(without_z())
            bench.spin(0.02)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    send(5)
    before = send(5)
    assert send(25) - before < 20_000  # kB
    # Who stands in front hides others; those found stand where somebody does.
    measured = measurements_from_message(heard[-1])
    truth = np.array([walker.position for walker in crowd])
    gap = np.hypot(*(measured.position[:, None] - truth[None]).transpose(2, 0, 1)).min(axis=1)
    sure = measured.score > 0.5
    assert np.sum(sure) > 50
    assert np.mean(gap[sure] < 0.3) > 0.95


def test_the_tracker_follows_who_only_the_lidar_sees(bench: NodeBench, lidar_site: Path) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=str(lidar_site))
    clouds, _ = start(bench, lidar_site, learning_time=0.3)
    heard = bench.heard(TrackedPeople, "/people")
    assert bench.until(lambda: clouds.get_subscription_count() > 0)
    began = time.time_ns()
    step = np.array([0.13, 0.02])
    for k in range(16):
        walkers = [Walker(PERSON.position + (k - 6) * step, 0.15, 0.6 * k)] if k > 5 else []
        clouds.publish(xyz_message(sweep(walkers), began + k * 100_000_000, "mast"))
        bench.spin(0.1)
    assert bench.until(lambda: heard and heard[-1].people)
    last = next(message for message in reversed(heard) if not message.stale)
    assert [person.seen_by for person in last.people] == [["mast"]]
    person = last.people[0]
    assert np.hypot(*(np.array([person.position.x, person.position.y]) - walkers[0].position)) < 0.2
    assert 0.8 < np.hypot(person.velocity.x, person.velocity.y) < 1.9


def test_people_in_another_frame_are_not_tracked(bench: NodeBench, lidar_site: Path) -> None:
    bench.active(PeopleTrackerNode, "tracker", site=str(lidar_site))
    people = bench.publisher(LidarPeople, "/mast/people", SENSOR_QOS)
    message = LidarPeople(lidar="mast")
    message.header = header(made, time.time_ns(), "kitchen")
    people.publish(message)
    assert bench.says("tracker: mast", ERROR, "'kitchen'")
    boxes = bench.publisher(Detections, "/view1/detections", SENSOR_QOS)
    assert boxes is not None, "the cameras go on"
