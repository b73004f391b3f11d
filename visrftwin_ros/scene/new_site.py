"""A site of one room, or one open place, from a handful of answers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from visrftwin_ros.outputs import folder_kind, make_room
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

NEW_SITE = folder_kind("new site", "site.yaml")
WALL = 0.12
"""Metres of a wall's or ceiling's thickness in the picture; the radio one is the material's."""


@dataclass(frozen=True)
class FixedCamera:
    """position: of the lens, target: what it looks at, (3,) m. size: px. view: radians across the picture."""

    name: str
    position: tuple[float, float, float]
    target: tuple[float, float, float]
    size: tuple[int, int]
    view: float


@dataclass(frozen=True)
class NewSite:
    """A room of length, width and height [m] from the corner (0, 0) on; open ground if the height is 0.

    access_points: antennas' places [m]; they look at the middle. robots: names, and where each stands on
    the floor [m]; None: where TF says. frequency and bandwidth: Hz.
    """

    world_frame: str
    frequency: float
    bandwidth: float
    size: tuple[float, float, float]
    ground: str
    walls: str
    access_points: tuple[tuple[float, float, float], ...]
    robots: tuple[tuple[str, tuple[float, float] | None], ...]
    cameras: tuple[FixedCamera, ...] = ()


def write_new_site(new: NewSite, folder: Path, force: bool) -> Site:
    """Writes `folder/site.yaml`, named as the folder, and reads it back as every command will.

    Raises TwinError, and leaves what is at `folder`, where the site would not load.
    """
    half = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(parents=True)
        content = {"name": folder.resolve().name, **_entries(new)}
        text = yaml.safe_dump(content, sort_keys=False, width=120, default_flow_style=None)
        comment = (
            "# Made by `visrftwin site new`. Metres and radians; the corner (0, 0) is on the floor."
        )
        (half / "site.yaml").write_text(f"{comment}\n{text}")
        surface_meshes(load_site(str(half)))
        make_room(folder, NEW_SITE, force)
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return load_site(str(folder))


def _entries(new: NewSite) -> dict[str, Any]:
    length, width, height = new.size
    middle = np.array([length / 2, width / 2, 1.0])
    points = []
    for number, place in enumerate(new.access_points, 1):
        ahead = middle - np.array(place)
        flat = float(np.hypot(ahead[0], ahead[1]))
        points.append(
            {
                "name": f"ap_{number}",
                "position": list(place),
                "yaw": round(float(np.arctan2(ahead[1], ahead[0])), 3),
                "pitch": round(float(np.arctan2(-ahead[2], flat)), 3),
            }
        )
    return {
        "world_frame": new.world_frame,
        "radio": {"frequency": new.frequency, "bandwidth": new.bandwidth},
        "scene": _surfaces(new, length, width, height),
        "access_points": points,
        "robots": [
            {"name": name, **({"position": list(place)} if place else {}), "antenna_height": 1.0}
            for name, place in new.robots
        ],
        "cameras": [_camera(camera) for camera in new.cameras],
    }


def _surfaces(new: NewSite, length: float, width: float, height: float) -> list[dict[str, Any]]:
    middle = [length / 2, width / 2]
    # Lists that are one and the same would be written as anchors and aliases.
    floor = {"name": "floor", "kind": "ground", "size": [length, width], "center": [*middle, 0.0],
             "material": new.ground}  # fmt: skip
    if height == 0:
        return [floor]
    ceiling = {**floor, "name": "ceiling", "size": [length, width], "center": [*middle, height],
               "material": new.walls}  # fmt: skip
    long, short = [length + 2 * WALL, WALL, height], [WALL, width, height]
    at = {
        "south": ([middle[0], -WALL / 2], long),
        "north": ([middle[0], width + WALL / 2], long),
        "west": ([-WALL / 2, middle[1]], short),
        "east": ([length + WALL / 2, middle[1]], short),
    }
    walls = [
        {"name": f"wall_{side}", "kind": "box", "center": [*place, height / 2], "size": [*size],
         "material": new.walls}
        for side, (place, size) in at.items()
    ]  # fmt: skip
    return [floor, ceiling, *walls]


def _camera(camera: FixedCamera) -> dict[str, Any]:
    """Its pose as OpenCV has it: x right, y down, z ahead."""
    ahead = np.array(camera.target) - np.array(camera.position)
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    if np.linalg.norm(right) < 1e-6:  # straight up or down
        right = np.array([1.0, 0.0, 0.0])
    right = right / np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    width, height = camera.size
    focal = round(float(width / 2 / np.tan(camera.view / 2)), 2)
    return {
        "name": camera.name,
        "image_width": width,
        "image_height": height,
        "fx": focal,
        "fy": focal,
        "cx": width / 2,
        "cy": height / 2,
        "rvec": Rotation.from_matrix(turn).as_rotvec().round(6).tolist(),
        "t": (-turn @ np.array(camera.position)).round(6).tolist(),
    }
