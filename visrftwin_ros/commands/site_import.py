"""`visrftwin site import`: a scene of Sionna RT or Mitsuba, a mesh, or footprints of buildings, as a site."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.commands.site_options import add_new_site, named_material, new_site_entries
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

if TYPE_CHECKING:
    from visrftwin_ros.campaign.importers.local_frame import LocalFrame
    from visrftwin_ros.scene.mitsuba_scene import ScenePart

NAME = "site import"
HELP = "a scene of Sionna RT or Mitsuba (XML), a mesh, or footprints (GeoJSON), as a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scene",
        type=Path,
        help="scene.xml; a mesh: .obj, .ply, .stl; or footprints of buildings with heights: .geojson",
    )
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
    parser.add_argument(
        "--origin",
        metavar="LAT,LON",
        help="of footprints: where the site's x = y = 0 is, degrees; x goes east, y north",
    )
    parser.add_argument(
        "--height", type=float, metavar="M", help="of footprints that have none of their own"
    )


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.scene.scene_site import SITE_FOLDER, write_site
    from visrftwin_ros.scene.site_check import describe

    check_room(arguments.out, SITE_FOLDER, arguments.force)
    if not arguments.scene.is_file():
        raise TwinError(f"no file {arguments.scene}")
    parts, usual = _parts(arguments)
    entries: dict[str, Any] = {
        "description": f"imported from {arguments.scene.name}",
        "world_frame": arguments.world_frame,
        **new_site_entries(arguments),
    }
    site = write_site(
        parts,
        arguments.out,
        entries,
        usual | dict(named_material(entry) for entry in arguments.material),
        comment=f"made by {shlex.join(['visrftwin', *sys.argv[1:]])}",
        force=arguments.force,
    )
    print(describe(site))
    return 0


def _parts(arguments: argparse.Namespace) -> tuple[tuple[ScenePart, ...], dict[str, str]]:
    """The surfaces, and what materials of theirs are where nobody says so."""
    from visrftwin_ros.mapping.footprints import ENDINGS, MATERIALS, read_footprints
    from visrftwin_ros.scene.scene_site import scene_parts

    if arguments.scene.suffix.lower() in ENDINGS:
        if arguments.height is not None and not 0 < arguments.height <= 1000:
            raise TwinError(f"--height {arguments.height:g}: expected metres up to 1000")
        origin = _origin(arguments.origin, arguments.scene)
        return read_footprints(arguments.scene, origin, arguments.height), MATERIALS
    for option in ("origin", "height"):
        if getattr(arguments, option) is not None:
            raise TwinError(
                f"--{option} is for footprints, and would be ignored with {arguments.scene}"
            )
    return scene_parts(arguments.scene), {}


def _origin(given: str | None, scene: Path) -> LocalFrame:
    from math import pi, radians

    from visrftwin_ros.campaign.importers.local_frame import LocalFrame

    if given is None:
        raise TwinError(
            f"{scene} has latitudes and longitudes: say where the site's origin is, as --origin 48.7406,9.0970"
        )
    try:
        latitude, longitude = (radians(float(word)) for word in given.split(","))
    except ValueError as error:
        raise TwinError(f"--origin {given}: expected degrees LAT,LON, as 48.7406,9.0970") from error
    return LocalFrame(pi / 2, latitude, longitude)
