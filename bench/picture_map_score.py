"""Score `visrftwin map` of pictures without depth: rooms of the lab, walked through with a camera in hand.

python bench/picture_map_score.py --cache FOLDER [--sites lobby lecture_room] [--seeds 3030 ...] [--counts 25 50 100]
                                  [--off 0.5 1] [--json FILE]

Of every seed somebody walks the lab robot's way for a minute and pans a camera of 640 x 480 px, 75 degrees across,
1.5 m above the floor, 110 degrees to either side and 14 up and down. Of the pictures --counts are taken, evenly, their
poses as they are; and the most again with every pose wrong by itself, by each --off in cm and a tenth as many degrees
(standard deviations of each axis). What the product maps of them (`read_picture_points`, `map_place`) is compared with
the room as it really is, clutter too, by the figures of `bench/mapping_score.py`. Pictures are kept in --cache; FILE is
written anew after every map; maps that it has are not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.pictures.picture import Extrinsics, Quality
from visrftwin_ros.lab.pictures.renderer import Renderer
from visrftwin_ros.lab.recording.mast import OPTICAL
from visrftwin_ros.lab.recording.robot_drive import Drive, plan_drive
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.mapping.map_report import write_report
from visrftwin_ros.mapping.place_map import MapSettings, map_place
from visrftwin_ros.mapping.reference import map_error
from visrftwin_ros.mapping.sources.picture_points import read_picture_points
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Camera
from visrftwin_ros.vision.posed_pictures import PosedPicture

SECONDS, PICTURES = 60.0, 100
CAMERA = Camera(name="phone", image_width=640, image_height=480, fx=420, fy=420, cx=319.5, cy=239.5)
PAN, NOD = np.radians([110.0, 14.0])
CENTIMETRE = 0.01, np.radians(0.1)
"""m and rad that a pose is off by for each --off."""
Score = dict[str, float]


def pose_at(drive: Drive, t: float) -> Extrinsics:
    """World to camera, `t` s after the walk began."""
    where, yaw = drive.pose(t)
    turn = yaw + PAN * np.sin(2 * np.pi * t / 13.0), NOD * np.sin(2 * np.pi * t / 7.3)
    rotation = OPTICAL @ Rotation.from_euler("ZY", turn).as_matrix().T
    return rotation, -rotation @ np.append(where, 1.5 + 0.1 * np.sin(t))


def photographs(world: World, cache: Path) -> list[tuple[Extrinsics, Path]]:
    """True poses and files, rendered where they are not there."""
    drive = plan_drive(world, SECONDS, world.seed)
    times = np.linspace(1.0, SECONDS - 1.0, PICTURES)
    folder = cache / f"{world.name}_{world.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    found = [(pose_at(drive, float(t)), folder / f"{k:03d}.png") for k, t in enumerate(times)]
    if not all(file.exists() for _, file in found):
        avatars = make_avatars(plan_walks(world, 1, SECONDS, world.seed), world.seed)
        with Renderer(world, avatars, (CAMERA,), Quality(threads=1)) as renderer:
            for (pose, file), t in zip(found, times, strict=True):
                if not file.exists():
                    made = renderer.render(float(t), {CAMERA.name: pose})[CAMERA.name]
                    cv2.imwrite(str(file), made)
    return found


def posed(pose: Extrinsics, file: Path, off: float, rng: np.random.Generator) -> PosedPicture:
    """As whoever placed the pictures has it."""
    rotation, translation = pose
    place = -rotation.T @ translation + off * CENTIMETRE[0] * rng.normal(size=3)
    told = Rotation.from_rotvec(off * CENTIMETRE[1] * rng.normal(size=3)).as_matrix() @ rotation
    matrix = np.array([[420.0, 0.0, 319.5], [0.0, 420.0, 239.5], [0.0, 0.0, 1.0]])
    camera = PinholeCamera(file.stem, (640, 480), matrix, told, -told @ place, np.zeros(0))
    return PosedPicture(file.stem, camera, cv2.imread(str(file)))


def scored(site: str, seed: int, count: int, off: float, cache: Path) -> Score:
    """One map."""
    world = load_world(site, seed)
    taken = photographs(world, cache)
    rng = np.random.default_rng([seed, 0x91C])
    pictures = [posed(pose, file, off, rng) for pose, file in taken]
    kept = np.unique(np.linspace(0, PICTURES - 1, count).round().astype(int))
    begun = time.monotonic()
    scan = read_picture_points([pictures[k] for k in kept], (), site, True, lambda *_: None)
    place = map_place(scan, MapSettings(), lambda _: None)
    seconds = time.monotonic() - begun
    error = map_error(place, surface_meshes(world.true_site))
    names = dict.fromkeys((s.name for s in place.surfaces), "unknown")
    report = cache / f"{site}_{seed}" / f"of_{count}_off_{off:g}"
    report.mkdir(exist_ok=True)
    write_report(report, place, names, {}, error)
    return {
        "within": error.within,
        "wall_offset": float(np.median(error.wall_offset)),
        "found": error.found,
        "surfaces": len(place.surfaces),
        "triangles": sum(len(s.faces) for s in place.surfaces),
        "minutes": seconds / 60,
    }


def table(found: Mapping[str, Score]) -> str:
    """By site and number of pictures: means over seeds, and the least and most."""
    lines = [
        "| room | pictures | poses off (cm) | seeds | within 7 cm (%) | wall offset (cm) | found (%) | surfaces "
        "| min |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    columns = (
        ("within", 100, 1),
        ("wall_offset", 100, 1),
        ("found", 100, 1),
        ("surfaces", 1, 0),
        ("minutes", 1, 1),
    )
    asked = [name.split() for name in found]
    for site, count, off in sorted({(a[0], int(a[2]), float(a[3])) for a in asked}):
        rows = [
            found[" ".join(a)]
            for a in asked
            if (a[0], int(a[2]), float(a[3])) == (site, count, off)
        ]
        cells = []
        for name, factor, digits in columns:
            values = factor * np.array([row[name] for row in rows])
            cells.append(
                f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"
            )
        lines.append(f"| {site} | {count} | {off:g} | {len(rows)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="+", default=["lobby", "lecture_room"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[3030, 3031, 3032])
    parser.add_argument("--counts", nargs="+", type=int, default=[25, 50, 100])
    parser.add_argument("--off", nargs="+", type=float, default=[0.5, 1.0], help="cm")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, Score] = {}
    if given.json and given.json.exists():
        found = json.loads(given.json.read_text())
    asked = [(count, 0.0) for count in given.counts]
    asked += [(max(given.counts), off) for off in given.off]
    for seed in given.seeds:
        for site in given.sites:
            for count, off in asked:
                if (name := f"{site} {seed} {count} {off:g}") not in found:
                    found[name] = scored(site, seed, count, off, given.cache)
                    print(name, found[name], flush=True)
                if given.json:
                    given.json.write_text(json.dumps(found, indent=1) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
