"""Score `visrftwin map`: rooms of the lab from simulated LiDAR drives, and RGB-D frames of a real room.

python bench/mapping_score.py [--sites lobby lecture_room] [--seeds 101 102 103] [--poses lidar]
python bench/mapping_score.py --rgbd FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from visrftwin_ros.lab.recording.lidar import LidarModel, LidarSimulator
from visrftwin_ros.lab.recording.mast import LIDAR_HEIGHT
from visrftwin_ros.lab.recording.robot_drive import TICK, plan_drive
from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.mapping.lidar_odometry import followed
from visrftwin_ros.mapping.map_report import write_report
from visrftwin_ros.mapping.place_map import MappedSurface, MapSettings, PlaceMap, map_place
from visrftwin_ros.mapping.reference import map_error
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.mapping.sources.rgbd_folder import read_rgbd_folder
from visrftwin_ros.mapping.sweeps import FARTHEST, NEAREST
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.frames import Pose

SECONDS, SWEEPS, BETWEEN = 60.0, 30, 4
"""Of a drive; those that are mapped, and how many times as many are followed where no localisation has them."""
LIDAR = LidarModel(beams=64, step=np.deg2rad(0.5), range_noise=0.015)
"""Half the beams and a third of the columns of the lab's, whose returns spread by 1.5 cm and more."""
Poses = Literal["tf", "lidar"]
BESIDE = 0.06
LARGE = 0.5
"""m about a plane within which points count, and m^2 of one that counts, in the real room."""


@dataclass(frozen=True)
class RoomScore:
    """Shares and m; off: of the sweeps, median and most. found: of what was seen of the room, in the map. surfaces,
    triangles: of the map."""

    off: tuple[float, float]
    within: float
    wall_offset: float
    found: float
    surfaces: int
    triangles: int


@dataclass(frozen=True)
class Driven:
    """The sweeps of a robot's drive as they were placed, what is really there, and by how many m each was off."""

    scan: Scan
    meshes: tuple[SurfaceMesh, ...]
    off: Float[np.ndarray, " k"]


def driven(site: str, seed: int, poses: Poses) -> Driven:
    """Placed where the robot's localisation has it, or by the sweeps themselves from its true start on."""
    world = load_world(site, seed)
    meshes = surface_meshes(world.true_site)
    drive = plan_drive(world, SECONDS, seed)
    simulator = LidarSimulator(LIDAR, meshes, None, seed)
    between = BETWEEN if poses == "lidar" else 1
    starts = np.linspace(0.0, SECONDS - 1.0, between * (SWEEPS - 1) + 1)
    clouds = [
        simulator.sweep(
            number,
            float(start),
            lambda t: (np.append(drive.pose(t)[0], LIDAR_HEIGHT), drive.pose(t)[1]),
            lambda _: np.zeros((0, 3)),
        ).xyz
        for number, start in enumerate(starts)
    ]
    true = [upright(*drive.pose(float(start))) for start in starts]
    if poses == "lidar":
        sweeps = (
            PointCloud(1 + round(1e9 * start), "lidar", xyz)
            for start, xyz in zip(starts, clouds, strict=True)
        )
        track = followed(sweeps, NEAREST, FARTHEST, lambda _: None)
        placed = [true[0] @ pose for pose in track.poses]
    else:
        rows = np.minimum(np.rint(starts / TICK).astype(int), len(drive) - 1)
        placed = [upright(drive.fix_position[row], drive.fix_yaw[row]) for row in rows]
    views = []
    for pose, xyz in list(zip(placed, clouds, strict=True))[::between]:
        near = np.linalg.norm(xyz, axis=1) < FARTHEST
        views.append((pose.rotation.apply(xyz[near]) + pose.position, pose.position))
    off = [np.linalg.norm(a.position - b.position) for a, b in zip(placed, true, strict=True)]
    scan = joined(views, up=None, noise=LIDAR.range_noise, source=f"{site} {seed}", left_out=())
    return Driven(scan, meshes, np.array(off))


def upright(place: Float[np.ndarray, " 2"], yaw: float) -> Pose:
    """Of the LiDAR on its robot."""
    return Pose(np.append(place, LIDAR_HEIGHT), Rotation.from_euler("Z", yaw))


def room_score(site: str, seed: int, poses: Poses, keep: Path | None) -> RoomScore:
    """One drive, mapped and compared."""
    drive = driven(site, seed, poses)
    place = map_place(drive.scan, MapSettings(), lambda _: None)
    error = map_error(place, drive.meshes)
    if keep is not None:
        names = dict.fromkeys((s.name for s in place.surfaces), "unknown")
        write_report(keep / f"{site}_{seed}", place, names, {}, error)
    return RoomScore(
        off=(float(np.median(drive.off)), float(drive.off.max())),
        within=error.within,
        wall_offset=float(np.median(error.wall_offset)),
        found=error.found,
        surfaces=len(place.surfaces),
        triangles=sum(len(s.faces) for s in place.surfaces),
    )


def rgbd_scores(folder: Path) -> list[tuple[str, float, float, float]]:
    """Of each large floor and wall of real frames: name, area m^2, median distance m of the points in its
    outline and within BESIDE of it, and by how much it misses the right angle to the floor, rad, as fitted
    to those points anew: what squaring did is not in it."""
    place = map_place(read_rgbd_folder(folder, 1, lambda *_: None), MapSettings(), lambda _: None)
    large = [s for s in place.surfaces if s.kind in ("floor", "wall") and s.area > LARGE]
    floor = next(s for s in large if s.kind == "floor")
    up = _points_about(place, floor)[1]
    found = []
    for surface in large:
        points, normal = _points_about(place, surface)
        a, b, c = surface.vertices[surface.faces[0]]
        across = np.cross(b - a, c - a)
        away = np.abs((points - a) @ across / np.linalg.norm(across))
        lean = 0.0 if surface is floor else abs(np.arcsin(normal @ up))
        found.append((surface.name, surface.area, float(np.median(away)), float(lean)))
    return found


def _points_about(place: PlaceMap, surface: MappedSurface) -> tuple[np.ndarray, np.ndarray]:
    """The scan's points about a surface, and the normal of their own plane."""
    samples = surface_samples(surface.vertices, surface.faces, 0.03)
    points = place.scan.points[:: max(1, len(place.scan) // 300_000)]
    near = cKDTree(samples).query(points, distance_upper_bound=BESIDE)[0]
    points = points[np.isfinite(near)]
    spread = np.cov((points - points.mean(axis=0)).T)
    return points, np.linalg.eigh(spread)[1][:, 0]


def spread(values: Sequence[float], digits: int, factor: float = 1.0) -> str:
    """Mean and range."""
    v = factor * np.array(values)
    return f"{v.mean():.{digits}f} ({v.min():.{digits}f} to {v.max():.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", nargs="*", default=["lobby", "lecture_room"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[101, 102, 103])
    parser.add_argument("--poses", choices=get_args(Poses), default="tf")
    parser.add_argument("--rgbd", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the reports")
    arguments = parser.parse_args()
    if arguments.rgbd:
        print(
            "| plane | area (m^2) | median distance (cm) | off the right angle to the floor (deg) |"
        )
        print("|---|---|---|---|")
        for name, area, away, lean in rgbd_scores(arguments.rgbd):
            print(f"| {name} | {area:.1f} | {100 * away:.2f} | {np.degrees(lean):.1f} |")
        return
    print(
        "| room | drives | sweeps off, median / most (cm) | within 7 cm (%) | wall offset (cm) | found (%) | surfaces |"
        " triangles |"
    )
    print("|---" * 8 + "|")
    for site in arguments.sites:
        scores = [
            room_score(site, seed, arguments.poses, arguments.keep) for seed in arguments.seeds
        ]
        print(
            f"| {site} | {len(scores)} | {spread([s.off[0] for s in scores], 1, 100)} / "
            f"{spread([s.off[1] for s in scores], 1, 100)} | {spread([s.within for s in scores], 1, 100)} | "
            f"{spread([s.wall_offset for s in scores], 1, 100)} | "
            f"{spread([s.found for s in scores], 1, 100)} | "
            f"{spread([s.surfaces for s in scores], 0)} | {spread([s.triangles for s in scores], 0)} |"
        )


if __name__ == "__main__":
    main()
