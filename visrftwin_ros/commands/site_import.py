"""`visrftwin site import`: a scene of Sionna RT or Mitsuba, or a mesh, as a site."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from visrftwin_ros.commands.site_options import add_new_site, named_material, new_site_entries
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

NAME = "site import"
HELP = "a scene of Sionna RT or Mitsuba (XML), or a mesh, as a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", type=Path, help="scene.xml, or a mesh: .obj, .ply, .stl")
    add_new_site(parser)
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
    if not arguments.scene.is_file():
        raise TwinError(f"no file {arguments.scene}")
    entries: dict[str, Any] = {
        "description": f"imported from {arguments.scene.name}",
        "world_frame": arguments.world_frame,
        **new_site_entries(arguments),
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
