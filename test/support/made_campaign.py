"""A small made campaign: two access points' sounder, one robot that drives along x."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import LidarCloud, MeasuredPaths, Snapshot, TrueChannel
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

STAMP = 1_700_000_000_000_000_000
SECOND = 10**9
SPEED = 0.25  # m/s along x, from (1, 2)
FACTS = {"site": "made", "description": "a test", "gain_reference": "relative", "seed": 3}


def made_site(folder: Path) -> Site:
    """A hall with one access point, a robot that TF knows and one camera."""
    content: dict[str, Any] = {
        "name": "made",
        "scene": [
            {"name": "ground", "kind": "ground", "size": [20.0, 20.0], "material": "concrete"}
        ],
        "access_points": [{"name": "ap", "position": [0.0, 0.0, 3.0], "yaw": 0.3}],
        "robots": [{"name": "rover", "antenna_height": 1.1}],
        "cameras": [
            {
                "name": "cam",
                "image_width": 64,
                "image_height": 48,
                "fx": 60.0,
                "fy": 61.0,
                "cx": 32.0,
                "cy": 24.0,
            }
        ],
        "lidars": [{"name": "lidar", "position": [0.0, 0.0, 2.0]}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.yaml").write_text(yaml.safe_dump(content))
    return load_site(str(folder))


def paths(count: int, seed: int = 0) -> MeasuredPaths:
    """Random paths without a measured phase."""
    random = np.random.default_rng(seed)
    azimuths = random.uniform(-3, 3, (4, count))
    return MeasuredPaths(
        delay=random.uniform(1e-9, 1e-7, count),
        gain_db=random.uniform(-120, -70, count),
        phase=np.full(count, np.nan),
        aod_azimuth=azimuths[0],
        aod_elevation=azimuths[1] / 2,
        aoa_azimuth=azimuths[2],
        aoa_elevation=azimuths[3] / 2,
    )


def snapshot(seconds: float, tx: str = "ap", rx: str = "rover", count: int = 4) -> Snapshot:
    stamp = STAMP + round(seconds * SECOND)
    return Snapshot(stamp, tx, rx, 60.5e9, 2e9, paths(count, round(seconds * 10)), -85.0)


def rover_pose(writer: CampaignWriter, seconds: float) -> None:
    """Where the rover is at this time, turned by 0.4 rad."""
    turn = Rotation.from_euler("z", 0.4).as_quat()
    place = np.array([1.0 + SPEED * seconds, 2.0, 0.0])
    stamp = STAMP + round(seconds * SECOND)
    writer.transform(stamp, "world", "rover/base_link", place, turn)
    writer.odometry("rover", stamp, "world", place, 0.4, np.array([SPEED, 0.0, 0.0]), 0.0)


def person(seconds: float) -> Bodies:
    one = np.ones(1)
    return Bodies(
        ids=("p1",),
        position=np.array([[3.0, 1.0 + seconds, 0.0]]),
        velocity=np.array([[0.0, 1.0, 0.0]]),
        width=0.45 * one,
        depth=0.25 * one,
        height=1.75 * one,
        heading=1.5 * one,
        material=("wool",),
    )


def true_channel(seconds: float) -> TrueChannel:
    stamp = STAMP + round(seconds * SECOND)
    return TrueChannel(stamp, "ap", "rover", 81.5, 6e-9, 0.4, 9.0, 2.5, True, 3.75, paths=paths(2))


def cloud(count: int = 30) -> LidarCloud:
    random = np.random.default_rng(5)
    return LidarCloud(
        xyz=random.uniform(-5, 5, (count, 3)),
        intensity=random.uniform(0, 100, count),
        ring=np.arange(count) % 16,
        time=np.arange(count) * 1000,
    )


def write_campaign(path: Path, site: Site, seconds: float = 2.0, **options: Any) -> Path:
    """Everything that a campaign may hold, half-second snapshots, 10 Hz poses."""
    with CampaignWriter(path, FACTS, **options) as writer:
        writer.truth_materials({"ground": MaterialValues("ground", 5.2, 0.9, 0.1, 0.2, False)})
        camera = site.camera("cam")
        identity = np.array([0.0, 0.0, 0.0, 1.0])
        frame = camera.optical_frame
        writer.transform(STAMP, "world", frame, np.array([0.0, 0.0, 4.0]), identity, static=True)
        writer.transform(STAMP, "world", "mast", np.ones(3), identity, static=True)
        for k in range(round(seconds * 10) + 1):
            at = k / 10
            stamp = STAMP + round(at * SECOND)
            rover_pose(writer, at)
            writer.truth_people(stamp, "world", person(at))
            writer.truth_channels(stamp, "world", [true_channel(at)])
            if k % 5 == 0:
                picture = np.full((48, 64, 3), 10 * (k % 20), np.uint8)
                writer.image("cam", stamp, frame, picture)
                writer.camera_info(camera, stamp, frame)
                writer.cloud("lidar", "points", stamp, "lidar", cloud())
                writer.snapshot(snapshot(at), "world")
    return path
