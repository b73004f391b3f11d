"""A LiDAR is followed by its sweeps: through a made-up hall whose distances are known, and in a bag without TF to a
world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.mapping.lidar_odometry import Track, followed
from visrftwin_ros.mapping.map_source import MapSource
from visrftwin_ros.messages.bag_transforms import bag_transforms
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.site.loading import load_site

BOXES = np.array(
    [
        [[0.0, 0.0, 0.0], [9.0, 6.0, 3.0]],
        [[2.0, 1.5, 0.0], [2.4, 1.9, 3.0]],
        [[6.0, 4.0, 0.0], [7.5, 4.6, 1.2]],
        [[5.0, 0.3, 0.0], [5.6, 0.9, 2.0]],
    ]
)
"""The hall, seen from inside, and what stands in it: lowest and highest corners, m."""
COLUMNS, RINGS, TURN = 480, 24, 0.1
"""Of a sweep, and s that it takes."""

Place = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Positions (T, 3) and yaws (T,) at times (T,)."""


def drive(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Around the hall at up to 1.5 m/s, always turning, and back after 10 s."""
    turned = 2 * np.pi * time / 10.0
    x, y = 4.5 + 2.4 * np.cos(turned), 3.0 + 1.0 * np.sin(turned)
    return np.column_stack([x, y, np.full_like(x, 1.0)]), turned + 0.4 * np.sin(3 * turned)


def distances(place: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """m along each ray to what it meets first."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (
            (BOXES[:, k] - place[:, None]) / ray[:, None] for k in (0, 1)
        )  # (rays, boxes, 3)
    enters, leaves = np.minimum(low, high).max(axis=2), np.maximum(low, high).min(axis=2)
    met = np.where((enters < leaves) & (enters > 0), enters, np.inf)
    met[:, 0] = leaves[:, 0]
    return np.asarray(met.min(axis=1))


def sweep(begin: float, at: Place, seed: int, turn: float = TURN) -> PointCloud:
    """Of a sensor that moves while it turns; its stamp is that of the first return."""
    rng = np.random.default_rng(seed)
    column, ring = (each.ravel() for each in np.mgrid[:COLUMNS, :RINGS])
    time = begin + turn * column / COLUMNS
    up = np.radians(np.linspace(-30, 30, RINGS))[ring]
    around = 2 * np.pi * column / COLUMNS
    ray = np.column_stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])
    place, yaw = at(time)
    turned = Rotation.from_euler("Z", yaw[:, None]).apply(ray)
    away = distances(place, turned) + rng.normal(0, 0.01, len(ray))
    return PointCloud(round(1e9 * (1 + begin)), "lidar", ray * away[:, None], seconds=time - begin)


def sweeps(seconds: float, at: Place = drive, step: float = TURN) -> Iterator[PointCloud]:
    for number, begin in enumerate(np.arange(0.0, seconds, step)):
        yield sweep(float(begin), at, number)


def follow(clouds: Iterator[PointCloud]) -> Track:
    return followed(clouds, 0.3, 30.0, lambda done: None)


def off(track: Track, at: Place = drive) -> tuple[float, float]:
    """m and rad, the most of the poses after the first."""
    time = np.array(track.stamp_ns) * 1e-9 - 1
    place, yaw = at(time)
    start = Rotation.from_euler("Z", yaw[0])
    found = np.array([start.apply(pose.position) + place[0] for pose in track.poses])
    turned = [
        (start * pose.rotation * Rotation.from_euler("Z", -y)).magnitude()
        for pose, y in zip(track.poses, yaw, strict=True)
    ]
    return float(np.linalg.norm(found - place, axis=1).max()), float(np.max(turned))


def test_a_fast_sensor_is_followed_around_a_hall_and_back() -> None:
    heard: list[int] = []
    track = followed(sweeps(10.0), 0.3, 30.0, heard.append)
    assert len(track.poses) == 100 and not track.left_out and heard == list(range(1, 101))
    away, turned = off(track)
    assert away < 0.04 and np.degrees(turned) < 0.6


def test_a_sweep_is_taken_apart_from_its_own_motion() -> None:
    """Without the times of its returns, at up to 1.5 m/s and 1.4 rad/s, each is up to 15 cm and 8 degrees of one
    piece."""
    torn = (PointCloud(c.stamp_ns, c.frame, c.points) for c in sweeps(3.0))
    whole = off(follow(sweeps(3.0)))
    assert off(follow(torn))[0] > 2 * whole[0]


def test_one_that_stands_stays_where_it_is() -> None:
    def there(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.tile([3.0, 3.0, 1.0], (len(time), 1)), np.full(len(time), 0.3)

    away, turned = off(follow(sweeps(2.0, there)), there)
    assert away < 0.005 and np.degrees(turned) < 0.1


def test_what_cannot_be_followed_is_named_and_the_others_go_on() -> None:
    whole = list(sweeps(2.0))
    covered = PointCloud(whole[5].stamp_ns, "lidar", np.full((50, 3), 0.1))
    nothing = PointCloud(whole[7].stamp_ns, "lidar", np.full((500, 3), np.nan))
    track = follow(iter([*whole[:5], covered, whole[6], nothing, whole[3], *whole[8:]]))
    assert len(track.poses) == len(whole) - 2
    first, second, third = track.left_out
    assert first == "sweep 5: 0 returns are too few to follow" and second.startswith("sweep 7: 0")
    assert third == "sweep 8: its stamp is not after that of the one before"
    assert off(track)[0] < 0.04


def test_a_lidar_of_one_ring_and_one_that_jumps_are_refused() -> None:
    ring = next(sweeps(0.1))
    flat = PointCloud(ring.stamp_ns, "lidar", ring.points[11::RINGS] * [1, 1, 0])
    with pytest.raises(TwinError, match=r"within 0\.00 m of a plane: a LiDAR of one ring"):
        follow(iter([flat]))

    clouds = [
        c if number < 10 else c.moved(c.points * [0.6, 1.5, 1.0])  # as of another room
        for number, c in enumerate(sweeps(2.0))
    ]
    with pytest.raises(TwinError, match=r"10 sweeps in a row from 2\.000 s on fit nowhere"):
        follow(iter(clouds))


def test_the_shipped_drive_is_where_its_localisation_has_it() -> None:
    """Four sweeps of 16 beams, half a metre apart, against TF that errs by a centimetre and 0.17 degrees."""
    poses, left_out = MapSource(shipped.BAG, poses="lidar").followed(lambda done, total: None)
    assert poses is not None and not left_out
    with open_bag(shipped.BAG) as bag:
        tf = bag_transforms(bag)
    base = "sounder_robot/base_link"
    stamps = [1_750_000_000_000_000_000 + k * 2_000_000_000 for k in range(4)]
    first = tf.lookup("world", base, stamps[0]).inverse()
    for stamp in stamps:
        known = first @ tf.lookup("world", base, stamp)
        found = poses.lookup("world", base, stamp)
        assert np.linalg.norm(found.position - known.position) < 0.05
        assert np.degrees((known.rotation.inv() * found.rotation).magnitude()) < 1.0
    # What the robot carries has a place in the new map, what hangs in the old world has none.
    poses.lookup("world", "panorama_optical_frame", stamps[1])
    with pytest.raises(TwinError, match="no frame 'cctv_southwest_optical_frame'"):
        poses.lookup("world", "cctv_southwest_optical_frame", stamps[1])


def test_a_lidar_that_tf_says_stands_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    standing = TransformBuffer()
    standing.fix("lidar_top", "world", Pose(np.zeros(3), Rotation.identity()))
    monkeypatch.setattr(
        "visrftwin_ros.mapping.sources.bag_clouds.bag_transforms", lambda bag: standing
    )
    with pytest.raises(TwinError, match="'lidar_top' from 'world': it stands there"):
        MapSource(shipped.BAG, poses="lidar").followed(lambda done, total: None)


def test_a_bag_becomes_a_site_by_its_sweeps_alone(tmp_path: Path) -> None:
    words = ["map", str(shipped.BAG), "--out", str(tmp_path / "hall"), "--poses", "lidar"]
    radio = ["--frequency", "60.48GHz", "--bandwidth", "2.16GHz", "--access-point", "ap=3,1,2"]
    assert main([*words, *radio, "--embedder", "none"]) == 0
    names = {mesh.name for mesh in surface_meshes(load_site(str(tmp_path / "hall")))}
    assert {"floor_1", "wall_1", "box_1"} <= names


def test_poses_of_a_source_that_has_its_own_would_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "room.ply").write_text("ply\n")
    with pytest.raises(TwinError, match="--poses would be ignored, as --poses is for a rosbag2"):
        MapSource(tmp_path / "room.ply", poses="lidar")
