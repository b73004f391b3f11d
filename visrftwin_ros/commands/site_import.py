"""`visrftwin site import`: a scene of Sionna RT or Mitsuba, a mesh, footprints or a city's model, as a site."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.commands.site_options import add_new_site, named_material, new_site_entries
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

if TYPE_CHECKING:
    from visrftwin_ros.campaign.importers.local_frame import LocalFrame
    from visrftwin_ros.scene.mitsuba_scene import ScenePart

NAME = "site import"
HELP = "a scene of Sionna RT or Mitsuba (XML), a mesh, footprints (GeoJSON) or a city (CityJSON), as a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scene",
        type=Path,
        help="scene.xml; a mesh: .obj, .ply, .stl; footprints of buildings with heights: .geojson; or a city's"
        " model: .city.json",
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
        help="of footprints: where the site's x = y = 0 is, degrees; x goes east, y north. Of a city: easting"
        " and northing in its own metres, or the middle of its buildings",
    )
    parser.add_argument(
        "--height", type=float, metavar="M", help="of footprints that have none of their own"
    )
    parser.add_argument(
        "--lod",
        type=float,
        help="of a city: the finest level of detail that is taken; default: any",
    )
    parser.add_argument(
        "--within", type=float, metavar="M", help="of a city: only buildings so near to the origin"
    )


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.scene.scene_site import SITE_FOLDER, write_site
    from visrftwin_ros.scene.site_check import describe

    check_room(arguments.out, SITE_FOLDER, arguments.force)
    if not arguments.scene.is_file():
        raise TwinError(f"no file {arguments.scene}")
    scene = _read(arguments)
    entries: dict[str, Any] = {
        "description": f"imported from {arguments.scene.name}{scene.placed}",
        "world_frame": arguments.world_frame,
        **new_site_entries(arguments),
    }
    site = write_site(
        scene.parts,
        arguments.out,
        entries,
        scene.materials | dict(named_material(entry) for entry in arguments.material),
        comment=f"made by {shlex.join(['visrftwin', *sys.argv[1:]])}",
        force=arguments.force,
    )
    print(describe(site))
    return 0


@dataclass(frozen=True)
class _Scene:
    """The surfaces, what materials of theirs are where nobody says so, and where the origin is, in
    words."""

    parts: tuple[ScenePart, ...]
    materials: dict[str, str]
    placed: str = ""


def _read(arguments: argparse.Namespace) -> _Scene:
    from visrftwin_ros.mapping import city_model, footprints
    from visrftwin_ros.scene.scene_site import scene_parts

    file: Path = arguments.scene
    if file.suffix.lower() not in footprints.ENDINGS:
        _refuse(arguments, "footprints and cities", "origin", "height", "lod", "within")
        return _Scene(scene_parts(file), {})
    if city_model.is_city_model(file):
        _refuse(arguments, "footprints", "height")
        if arguments.within is not None and not arguments.within > 0:
            raise TwinError(f"--within {arguments.within:g}: expected metres over 0")
        origin = None if arguments.origin is None else _metres(arguments.origin)
        city = city_model.read_city_model(file, origin, arguments.lod, arguments.within)
        east, north, up = city.origin
        placed = f"; (0, 0, 0) is {east:.2f}, {north:.2f}, {up:.2f} in {city.reference}"
        return _Scene(city.parts, city_model.MATERIALS, placed)
    _refuse(arguments, "a city's model", "lod", "within")
    if arguments.height is not None and not 0 < arguments.height <= 1000:
        raise TwinError(f"--height {arguments.height:g}: expected metres up to 1000")
    frame = _origin(arguments.origin, file)
    parts = footprints.read_footprints(file, frame, arguments.height)
    return _Scene(parts, footprints.MATERIALS)


def _refuse(arguments: argparse.Namespace, whose: str, *options: str) -> None:
    for option in options:
        if getattr(arguments, option) is not None:
            raise TwinError(
                f"--{option} is for {whose}, and would be ignored with {arguments.scene}"
            )


def _metres(given: str) -> tuple[float, float]:
    try:
        east, north = (float(word) for word in given.split(","))
    except ValueError as error:
        raise TwinError(
            f"--origin {given}: expected metres EAST,NORTH of the city's own, as 85012,446123"
        ) from error
    return east, north


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
