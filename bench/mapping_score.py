"""Score `visrftwin map`: rooms of the lab from simulated LiDAR drives, and RGB-D frames of a real room.

python bench/mapping_score.py [--sites lobby lecture_room] [--seeds 101 102 103]
python bench/mapping_score.py --rgbd FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from visrftwin_ros.lab.recording.lidar import LidarModel, LidarSimulator
from visrftwin_ros.lab.recording.mast import LIDAR_HEIGHT
from visrftwin_ros.lab.recording.robot_drive import TICK, plan_drive
from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.mapping.map_report import write_report
from visrftwin_ros.mapping.place_map import MappedSurface, MapSettings, PlaceMap, map_place
from visrftwin_ros.mapping.reference import map_error
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.mapping.sources.rgbd_folder import read_rgbd_folder
from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes

SECONDS, SWEEPS = 60.0, 30
LIDAR = LidarModel(beams=64, step=np.deg2rad(0.5), range_noise=0.015)
"""Half the beams and a third of the columns of the lab's, whose returns spread by 1.5 cm and more."""
BESIDE = 0.06
LARGE = 0.5
"""m about a plane within which points count, and m^2 of one that counts, in the real room."""


@dataclass(frozen=True)
class RoomScore:
    """Shares and m; found: of what was seen of the room, in the map. surfaces, triangles: of the map."""

    within: float
    wall_offset: float
    found: float
    surfaces: int
    triangles: int


def drive_scan(site: str, seed: int) -> tuple[Scan, tuple[SurfaceMesh, ...]]:
    """The sweeps of a robot's drive, placed where its localisation has it, and what is really there."""
    world = load_world(site, seed)
    meshes = surface_meshes(world.true_site)
    drive = plan_drive(world, SECONDS, seed)
    simulator = LidarSimulator(LIDAR, meshes, None, seed)
    views = []
    for number, start in enumerate(np.linspace(0.0, SECONDS - 1.0, SWEEPS)):
        cloud = simulator.sweep(
            number,
            float(start),
            lambda t: (np.append(drive.pose(t)[0], LIDAR_HEIGHT), drive.pose(t)[1]),
            lambda _: np.zeros((0, 3)),
        )
        row = min(round(start / TICK), len(drive) - 1)
        yaw = drive.fix_yaw[row]
        c, s = np.cos(yaw), np.sin(yaw)
        place = np.append(drive.fix_position[row], LIDAR_HEIGHT)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        near = np.linalg.norm(cloud.xyz, axis=1) < 30.0
        views.append((cloud.xyz[near] @ turn.T + place, place))
    scan = joined(views, up=None, noise=LIDAR.range_noise, source=f"{site} {seed}", left_out=())
    return scan, meshes


def room_score(site: str, seed: int, keep: Path | None) -> RoomScore:
    """One drive, mapped and compared."""
    scan, meshes = drive_scan(site, seed)
    place = map_place(scan, MapSettings(), lambda _: None)
    error = map_error(place, meshes)
    if keep is not None:
        names = dict.fromkeys((s.name for s in place.surfaces), "unknown")
        write_report(keep / f"{site}_{seed}", place, names, {}, error)
    return RoomScore(
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
        "| room | drives | within 7 cm (%) | wall offset (cm) | found (%) | surfaces | triangles |"
    )
    print("|---|---|---|---|---|---|---|")
    for site in arguments.sites:
        scores = [room_score(site, seed, arguments.keep) for seed in arguments.seeds]
        print(
            f"| {site} | {len(scores)} | {spread([s.within for s in scores], 1, 100)} | "
            f"{spread([s.wall_offset for s in scores], 1, 100)} | "
            f"{spread([s.found for s in scores], 1, 100)} | "
            f"{spread([s.surfaces for s in scores], 0)} | {spread([s.triangles for s in scores], 0)} |"
        )


if __name__ == "__main__":
    main()
