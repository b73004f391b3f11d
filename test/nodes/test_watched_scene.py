"""Furniture that is moved while the twin runs: seen in clouds, taken over by the channels."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cloud_messages import xyz_message
from furnished_room import CABINET, furnished_room, moved, rebuilt
from node_bench import OK, SENSOR_QOS, STALE, WARN, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from room_lidar import MAST, sweep
from sensor_msgs.msg import PointCloud2

from visrftwin_ros.messages.scene_changes import changes_from_message, surface_changes_message
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import LinkChannels, SurfaceChanges, TrackedPeople
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.scene_watcher import SceneWatcherNode
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS
from visrftwin_ros.scene.changes import SeenChange, all_of
from visrftwin_ros.site.loading import write_site
from visrftwin_ros.site.model import Box, Lidar

QUICK = {"max_depth": 1, "samples": 3000, "diffuse": False, "diffraction": False}
ROOM = furnished_room(propagation=QUICK)
PUT = moved(ROOM, CABINET, (2.6, 4.3), 0.0)
"""Between an access point and a robot."""
CRATE = Box(name="crate", kind="box", center=(5, 2, 0.3), size=(0.9, 0.6, 0.6), material="wood")


@pytest.fixture
def room(tmp_path: Path) -> Path:
    lidar = Lidar(name="mast", position=tuple(MAST.tolist()))
    folder = tmp_path / "room"
    folder.mkdir()
    write_site(ROOM.model_copy(update={"lidars": [lidar]}), folder)
    return folder / "site.yaml"


def people(stamp: int) -> TrackedPeople:
    return TrackedPeople(header=header(made, stamp, "world"))


def loss_db(channels: LinkChannels) -> dict[str, float]:
    return {f"{one.tx}-{one.rx}": one.path_loss_db for one in channels.channels}


def test_a_cabinet_that_is_moved_changes_the_links_within_three_seconds_of_standing(
    bench: NodeBench, room: Path, tmp_path: Path
) -> None:
    watcher = bench.active(SceneWatcherNode, "scene_watcher", site=str(room))
    given = {"site": str(room), "cache": str(tmp_path), "stale_after": 10.0}
    bench.active(ChannelPredictor, "channel_predictor", **given)
    told = bench.heard(SurfaceChanges, "surface_changes", LATCHED_QOS)
    channels = bench.heard(LinkChannels, "channels")
    clouds = bench.publisher(PointCloud2, "mast/points", SENSOR_QOS)
    tracked = bench.publisher(TrackedPeople, "people")
    now, begun = time.time_ns(), -1.0

    def shown(seconds: float, site: object) -> None:
        nonlocal now
        for _ in range(round(seconds / 0.25)):
            now += 250_000_000
            tracked.publish(people(now))
            clouds.publish(xyz_message(sweep(site, now % 2**31) - MAST, now, "mast"))
            assert bench.until(lambda stamp=now: watcher.looked_ns == stamp)

    shown(1.5, ROOM)
    assert bench.until(lambda: channels and told)
    assert told[0].changes == [] and told[0].header.frame_id == "world"
    before = loss_db(channels[-1])
    begun = now
    shown(3.0, rebuilt(ROOM, PUT))
    assert bench.until(lambda: told[-1].changes)
    seen = all_of(changes_from_message(told[-1], "world"))
    assert set(seen.moved) == {"cabinet"}
    assert (told[-1].header.stamp.sec - begun // 10**9) <= 3
    assert bench.says("channel_predictor: scene", OK, "cabinet moved", 60.0)
    assert bench.until(lambda: loss_db(channels[-1])["ap_a-r3"] != before["ap_a-r3"], 30.0)
    # The same place again is no news.
    count = len(told)
    shown(0.5, rebuilt(ROOM, PUT))
    assert len(told) == count


def test_without_a_lidar_or_people_it_says_so_and_changes_nothing(
    bench: NodeBench, room: Path
) -> None:
    watcher = bench.active(SceneWatcherNode, "scene_watcher", site=str(room))
    told = bench.heard(SurfaceChanges, "surface_changes", LATCHED_QOS)
    assert bench.says("scene_watcher: clouds", STALE, "nothing changes")
    clouds = bench.publisher(PointCloud2, "mast/points", SENSOR_QOS)
    now = time.time_ns()
    clouds.publish(xyz_message(sweep(ROOM, 1) - MAST, now, "mast"))
    assert bench.until(lambda: watcher.looked_ns == now)
    assert bench.says("scene_watcher: people", WARN, "nobody tracks people")
    assert bench.until(lambda: told) and told[0].changes == []


def test_a_site_without_a_lidar_cannot_be_watched(bench: NodeBench, small_site: Path) -> None:
    node = bench.node(SceneWatcherNode, "scene_watcher", site=str(small_site))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("scene_watcher: configure", 2, "has no LiDARs")


def a_message(*seen: SeenChange) -> SurfaceChanges:
    return surface_changes_message(made, time.time_ns(), "world", seen)


def crate() -> SurfaceChanges:
    return a_message(SeenChange("crate", 10**9, 0.9, ("mast",), box=CRATE))


def of_another_frame() -> SurfaceChanges:
    message = crate()
    message.header.frame_id = "map"
    return message


def no_box() -> SurfaceChanges:
    message = crate()
    message.changes[0].mesh.vertices[3].x += 0.2
    return message


def of_what_is_not_there() -> SurfaceChanges:
    return a_message(SeenChange("sofa", 10**9, 0.9, ("mast",)))


def without_rotation() -> SurfaceChanges:
    message = a_message(SeenChange("cabinet", 10**9, 0.9, (), motion=PUT.moved["cabinet"]))
    message.changes[0].motion.rotation.w = 0.0
    message.changes[0].motion.rotation.z = 0.0
    return message


def of_no_number() -> SurfaceChanges:
    message = crate()
    message.changes[0].mesh.vertices[0].z = float("nan")
    return message


BAD: tuple[tuple[Callable[[], SurfaceChanges], str], ...] = (
    (of_another_frame, "changes in frame 'map'"),
    (no_box, "no upright box"),
    (of_what_is_not_there, "no surface sofa; the site has floor"),
)
REFUSED: tuple[tuple[Callable[[], SurfaceChanges], str], ...] = (
    (without_rotation, "quaternion of length 0"),
    (of_no_number, "not finite"),
)


def test_bad_changes_are_refused_by_name_and_the_next_good_one_is_taken(
    bench: NodeBench, room: Path, tmp_path: Path
) -> None:
    given = {"site": str(room), "cache": str(tmp_path)}
    predictor = bench.active(ChannelPredictor, "channel_predictor", **given)
    changes = bench.publisher(SurfaceChanges, "surface_changes", LATCHED_QOS)
    for make, words in BAD:
        changes.publish(make())
        assert bench.says("channel_predictor: scene", WARN, words)
    for make, words in REFUSED:
        changes.publish(make())
        assert bench.until(
            lambda words=words: any(words in text for _, text, _ in bench.statuses.values())
        )
    changes.publish(crate())
    assert bench.says("channel_predictor: scene", OK, "crate came")
    changes.publish(a_message())
    assert bench.says("channel_predictor: scene", OK, "all is as in the site")
    assert not predictor.faults


def test_changes_travel_as_they_are() -> None:
    motion = PUT.moved["cabinet"]
    box = CRATE.model_copy(update={"yaw": 0.4})
    sent = (
        SeenChange("cabinet", 2 * 10**9, 0.5, ("mast",), motion=motion),
        SeenChange("table_top", 3 * 10**9, 0.25, ("mast", "rover")),
        SeenChange("crate", 4 * 10**9, 1.0, (), box=box),
    )
    came = changes_from_message(a_message(*sent), "world")
    assert [one.surface for one in came] == ["cabinet", "table_top", "crate"]
    assert [one.since_ns for one in came] == [2 * 10**9, 3 * 10**9, 4 * 10**9]
    assert came[0].motion is not None and came[2].box is not None
    np.testing.assert_allclose(came[0].motion.position, motion.position)
    np.testing.assert_allclose(came[0].motion.rotation.as_matrix(), motion.rotation.as_matrix())
    assert came[1].motion is None and came[1].box is None and came[1].confidence == 0.25
    np.testing.assert_allclose(came[2].box.center, box.center, atol=1e-9)
    turned = (came[2].box.yaw - box.yaw) % (np.pi / 2)
    assert min(turned, np.pi / 2 - turned) < 1e-9
    assert came[2].box.material == "wood" and came[1].seen_by == ("mast", "rover")
