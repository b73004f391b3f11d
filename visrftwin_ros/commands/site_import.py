"""`visrftwin site import`: a scene of Sionna RT or Mitsuba, or a mesh, as a site."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from visrftwin_ros.commands.options import add_force, carrier, hertz
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

NAME = "site import"
HELP = "a scene of Sionna RT or Mitsuba (XML), or a mesh, as a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", type=Path, help="scene.xml, or a mesh: .obj, .ply, .stl")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="SITE", help="folder to write, named as the site"
    )
    add_force(parser)
    parser.add_argument("--frequency", type=carrier, required=True, metavar="HZ", help="carrier")
    parser.add_argument("--bandwidth", type=hertz, required=True, metavar="HZ")
    parser.add_argument(
        "--access-point",
        action="append",
        required=True,
        metavar="NAME=X,Y,Z",
        help="its antenna's place, metres, which no scene file has; repeat it for every one",
    )
    parser.add_argument(
        "--robot",
        action="append",
        default=[],
        metavar="NAME=HEIGHT",
        help="a robot whose antenna stands so high, metres, and is where TF says; repeat it",
    )
    parser.add_argument(
        "--material",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="what a material, or a group of a mesh, is that bears none of ITU's names; `=OURS` is "
        "that of faces without one",
    )
    parser.add_argument("--world-frame", default="map", help="TF frame of the scene's coordinates")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.scene.scene_site import SITE_FOLDER, scene_parts, write_site
    from visrftwin_ros.scene.site_check import describe

    check_room(arguments.out, SITE_FOLDER, arguments.force)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", arguments.out.resolve().name):
        raise TwinError(
            f"--out {arguments.out}: the folder is named as the site: lower case, digits and "
            "underscores, from a letter on"
        )
    if not arguments.scene.is_file():
        raise TwinError(f"no file {arguments.scene}")
    access_points = [numbered("--access-point", entry, 3) for entry in arguments.access_point]
    robots = [numbered("--robot", entry, 1) for entry in arguments.robot]
    entries: dict[str, Any] = {
        "description": f"imported from {arguments.scene.name}",
        "world_frame": arguments.world_frame,
        "radio": {"frequency": arguments.frequency, "bandwidth": arguments.bandwidth},
        "access_points": [{"name": name, "position": place} for name, place in access_points],
        "robots": [{"name": name, "antenna_height": height[0]} for name, height in robots],
    }
    site = write_site(
        scene_parts(arguments.scene),
        arguments.out,
        entries,
        dict(named_material(entry) for entry in arguments.material),
        comment=f"made by {shlex.join(['visrftwin', *sys.argv[1:]])}",
        force=arguments.force,
    )
    print(describe(site))
    return 0


def named_material(entry: str) -> tuple[str, str]:
    theirs, mark, ours = entry.rpartition("=")
    if not mark or not ours:
        raise TwinError(f"--material {entry}: expected THEIRS=OURS, as mat-Desk=wood")
    return theirs, ours


def numbered(option: str, entry: str, count: int) -> tuple[str, list[float]]:
    name, _, text = entry.partition("=")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        wanted = "NAME=X,Y,Z" if count == 3 else "NAME=HEIGHT"
        raise TwinError(f"{option} {entry}: expected {wanted} in metres")
    return name, values
