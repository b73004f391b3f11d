"""A site made over ROS while a robot drives, stopped and gone on with, or of a recording."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from action_msgs.msg import GoalStatus
from cloud_messages import xyz_message
from node_bench import ERROR, OK, SENSOR_QOS, STALE, WARN, NodeBench
from rclpy.action import ActionClient
from rclpy.lifecycle import TransitionCallbackReturn
from scanned_room import PLACES, SIZE, room_ply, sweep_returns
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image, PointCloud2
from tf2_msgs.msg import TFMessage

from visrftwin_ros.action import BuildMap
from visrftwin_ros.lab import shipped
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.images import image_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.scene_mapper import SceneMapper
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, Pose
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.vision.material_reader import ReaderChoice
from visrftwin_ros.vision.visible_classes import NAMES

RAYS = 6000
PERIOD = 0.05


class Brick:
    """Takes all that it sees for brick."""

    name, side = "brick", 8

    def image_embeddings(self, crops: Any) -> np.ndarray:
        return np.zeros((len(crops), 1))

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        return np.tile(
            np.array([9.0 if name == "brick" else 0.0 for name in NAMES]), (len(embeddings), 1)
        )


class Drive:
    """An active mapper of the room's site, its sensors, and who asks it."""

    def __init__(self, bench: NodeBench, folder: Path, **values: object) -> None:
        self.bench, self.out = bench, folder / "mapped"
        content = {
            "name": "room",
            "scene": [{"name": "floor", "kind": "ground", "size": [9, 9], "material": "concrete"}],
            "access_points": [{"name": "ap", "position": [1.0, 1.5, 2.1], "tx_power_dbm": 7.0}],
            "robots": [
                {"name": "rover", "chassis": {"size": [0.4, 0.4, 0.3], "material": "shell"}}
            ],
            "materials": {"shell": {"relative_permittivity": 3.0, "conductivity": 0.1}},
            "lidars": [{"name": "mast"}],
            "cameras": [
                {"name": "dome", "model": "equirectangular", "image_width": 128, "image_height": 64}
            ],
        }
        file = folder / "room" / "site.yaml"
        file.parent.mkdir()
        file.write_text(yaml.safe_dump(content))
        settings: dict[str, object] = {"period": PERIOD, "picture_period": PERIOD, **values}
        self.node = bench.active(SceneMapper, "mapper", site=str(file), **settings)
        self.transforms = bench.publisher(TFMessage, "/tf", MOVING_QOS)
        self.clouds = bench.publisher(PointCloud2, "mast/points", SENSOR_QOS)
        self.client = ActionClient(bench._probe, BuildMap, "build_map")
        assert bench.until(self.client.server_is_ready)
        self.feedback: list[Any] = []

    def begin(self, **goal: Any) -> Any:
        """The handle of a goal, accepted or not."""
        goal = {"site_out": str(self.out), **goal}
        self.feedback.clear()
        sent = self.client.send_goal_async(
            BuildMap.Goal(**goal), lambda m: self.feedback.append(m.feedback)
        )
        assert self.bench.until(sent.done)
        return sent.result()

    def ended(self, handle: Any) -> tuple[int, Any]:
        """Status and result of a goal."""
        result = handle.get_result_async()
        assert self.bench.until(result.done, 120)
        return result.result().status, result.result().result

    def outcome(self, **goal: Any) -> tuple[int, Any]:
        return self.ended(self.begin(**goal))

    def sweep(self, number: int, placed: bool = True, away: float = 0.0) -> int:
        """Sends a sweep of the room, and where it was taken, and waits until it is kept; its stamp.

        away: m that the world's origin is off."""
        before = self.feedback[-1].clouds if self.feedback else 0
        self.bench.spin(PERIOD)  # a sensor is not listened to more often
        stamp = time.time_ns()
        if placed:
            self.stand(PLACES[number] + [away, 0.0, 0.0], stamp)
        points = sweep_returns(np.random.default_rng(number), number, RAYS, walker=False)
        self.clouds.publish(xyz_message(points, stamp, "mast"))
        if placed:
            assert self.told("clouds", before + 1)
        return stamp

    def stand(self, place: np.ndarray, stamp: int) -> None:
        mast = transform_message(made, "world", "mast", stamp, Pose(place, Rotation.identity()))
        level = Rotation.from_matrix([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # optical, ahead along x
        dome = transform_message(made, "world", "dome_optical_frame", stamp, Pose(place, level))
        self.transforms.publish(TFMessage(transforms=[mast, dome]))

    def told(self, what: str, count: int) -> bool:
        """Whether the feedback comes to say so."""
        return self.bench.until(
            lambda: bool(self.feedback) and getattr(self.feedback[-1], what) == count, 60
        )


@pytest.fixture
def drive(bench: NodeBench, tmp_path: Path) -> Any:
    found = Drive(bench, tmp_path, embedder="none")
    yield found
    found.client.destroy()


def test_what_is_seen_until_it_is_cancelled_becomes_a_site(
    bench: NodeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReaderChoice, "load", lambda self: (Brick(), Brick()))
    drive = Drive(bench, tmp_path)
    images = bench.publisher(Image, "dome/image_raw", SENSOR_QOS)
    handle = drive.begin()
    assert handle.accepted
    assert not drive.begin().accepted
    for number in range(len(PLACES)):
        stamp = drive.sweep(number)
        view = np.full((64, 128, 3), 40 * number, np.uint8)
        images.publish(image_message(made, view, stamp, "dome_optical_frame"))
        assert drive.told("pictures", number + 1)
    told = drive.feedback[-1]
    steps = np.linalg.norm(np.diff(PLACES, axis=0), axis=1)
    assert told.driven == pytest.approx(steps.sum(), abs=1e-3)
    # Squares of half a metre; noise carries a wall's returns into those beyond it.
    assert SIZE[0] * SIZE[1] <= told.seen <= (SIZE[0] + 1) * (SIZE[1] + 1)
    assert math.isnan(told.progress) and "listening" in told.phase
    handle.cancel_goal_async()
    status, result = drive.ended(handle)
    assert (status, result.success) == (GoalStatus.STATUS_CANCELED, True), result.message
    assert (result.site, result.frames) == (str(drive.out), 2 * len(PLACES))
    assert f"{result.surfaces} surfaces of 6 sweeps or frames and 6 pictures" in result.message
    assert "writing the site" in {one.phase for one in drive.feedback}
    site = load_site(result.site)
    assert len(site.scene) == result.surfaces
    assert (site.access_points[0].tx_power_dbm, site.lidars[0].name) == (7.0, "mast")
    assert site.materials["shell"].relative_permittivity == 3.0
    walls = {s.material for s in site.scene if s.name.startswith("wall")}
    assert "seen_brick" in walls
    assert not drive.out.with_name("mapped.drive").exists()
    status, result = drive.outcome()
    assert (status, result.success) == (GoalStatus.STATUS_ABORTED, False)
    assert "exists: give another path" in result.message
    drive.client.destroy()


def test_a_drive_that_was_stopped_is_gone_on_with(drive: Drive, bench: NodeBench) -> None:
    kept = drive.out.with_name("mapped.drive")
    handle = drive.begin(duration=600.0)
    for number in range(3):
        drive.sweep(number)
    assert 0 <= drive.feedback[-1].progress < 0.5
    handle.cancel_goal_async()
    status, result = drive.ended(handle)
    assert (status, result.success) == (GoalStatus.STATUS_CANCELED, False)
    assert f"what was seen is in {kept}: resume goes on with it" in result.message
    assert kept.exists() and not drive.out.exists()
    status, result = drive.outcome(duration=600.0)
    assert status == GoalStatus.STATUS_ABORTED
    assert "holds 3 sweeps of an interrupted map: resume goes on with it" in result.message
    handle = drive.begin(resume=True)
    assert drive.told("clouds", 3)
    for number in range(3, len(PLACES)):
        drive.sweep(number)
    handle.cancel_goal_async()
    status, result = drive.ended(handle)
    assert (status, result.success) == (GoalStatus.STATUS_CANCELED, True), result.message
    assert result.frames == len(PLACES)
    assert [p.name for p in drive.out.parent.iterdir() if "mapped" in p.name] == ["mapped"]


def test_what_makes_no_map_is_told_and_leaves_nothing(drive: Drive, bench: NodeBench) -> None:
    status, result = drive.outcome(duration=0.3)
    assert (status, "could be used: none came" in result.message) == (
        GoalStatus.STATUS_ABORTED,
        True,
    )
    handle = drive.begin()
    drive.sweep(0, placed=False)
    assert bench.says("mapper: clouds", WARN, "left out", 60)
    handle.cancel_goal_async()
    status, result = drive.ended(handle)
    assert "where the cloud's frame 'mast' is in 'world' is not known" in result.message
    assert [p.name for p in drive.out.parent.iterdir() if "mapped" in p.name] == []
    handle = drive.begin()
    assert bench.says("mapper: clouds", STALE, "no cloud arrives on mast/points", 60)
    drive.sweep(0)
    assert bench.says("mapper: clouds", OK, "", 60)
    handle.cancel_goal_async()
    _, result = drive.ended(handle)
    assert "1 of its views can be used; a map takes two or more" in result.message
    handle = drive.begin(resume=True)
    assert drive.told("clouds", 1)
    drive.sweep(1, away=40.0)
    handle.cancel_goal_async()
    _, result = drive.ended(handle)
    assert "% of the place is seen in two views" in result.message
    assert not drive.out.exists()


def test_a_goal_can_be_cancelled_while_the_time_of_a_replay_stands(
    bench: NodeBench, tmp_path: Path
) -> None:
    drive = Drive(bench, tmp_path, embedder="none", use_sim_time=True)
    handle = drive.begin()
    handle.cancel_goal_async()
    status, result = drive.ended(handle)
    assert (status, result.success) == (GoalStatus.STATUS_CANCELED, False)
    assert "could be used: none came" in result.message
    drive.client.destroy()


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"site_out": ""}, "give the new site's folder as a path from / on"),
        ({"site_out": "/tmp/My Room"}, "the folder is named as the site"),
        ({"duration": float("nan")}, "expected up to 3600 s"),
        ({"resume": True}, "nothing to resume"),
        ({"site_out": "/proc/room"}, "/proc/room.drive"),
        ({"source": "/nowhere"}, "nothing at /nowhere"),
        ({"source": "/nowhere", "resume": True}, "resume is for live maps"),
    ],
)
def test_a_goal_that_means_nothing_is_aborted_with_the_reason(
    drive: Drive, goal: dict[str, Any], said: str
) -> None:
    status, result = drive.outcome(**goal)
    assert status == GoalStatus.STATUS_ABORTED
    assert said in result.message


def test_a_mesh_becomes_a_site_with_the_devices_of_the_nodes(drive: Drive, tmp_path: Path) -> None:
    file = room_ply(tmp_path, (5.0, 4.0, 2.5))
    status, result = drive.outcome(source=str(file))
    assert (status, result.success) == (GoalStatus.STATUS_SUCCEEDED, True), result.message
    assert {s.material for s in load_site(result.site).scene} == {"unknown"}
    assert load_site(result.site).access_points[0].name == "ap"


def test_a_bag_becomes_a_site_by_its_sweeps_alone(bench: NodeBench, tmp_path: Path) -> None:
    drive = Drive(bench, tmp_path, embedder="none", poses="lidar")
    status, result = drive.outcome(source=str(shipped.BAG))
    assert (status, result.success) == (GoalStatus.STATUS_SUCCEEDED, True), result.message
    assert result.surfaces > 10 and load_site(result.site).access_points[0].name == "ap"
    drive.client.destroy()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"poses": "guess"}, "parameter 'poses': 'guess'; expected tf or lidar"),
        ({"lidar": "nose"}, "parameter 'lidar': site 'pets_campus' has no LiDAR 'nose'"),
        ({"embedder": "clip"}, "embedder 'clip': expected one of packaged"),
        ({"embedder": "dinov2"}, "it needs weights, head as well"),
    ],
)
def test_a_mapper_that_cannot_be_says_why(
    bench: NodeBench, values: dict[str, str], said: str
) -> None:
    node = bench.node(SceneMapper, "mapper", site="pets_campus", **values)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("mapper: configure", ERROR, said)


def test_without_a_lidar_recordings_alone_are_mapped(bench: NodeBench, tmp_path: Path) -> None:
    bench.active(SceneMapper, "mapper", site="pets_campus", embedder="none")
    client = ActionClient(bench._probe, BuildMap, "build_map")
    assert bench.until(client.server_is_ready)
    sent = client.send_goal_async(BuildMap.Goal(site_out=str(tmp_path / "mapped")))
    assert bench.until(sent.done)
    result = sent.result().get_result_async()
    assert bench.until(result.done)
    assert "site 'pets_campus' has no LiDARs: add one" in result.result().result.message
    client.destroy()
