"""`visrftwin site new`: ten questions, and a site that passes its check."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from visrftwin_ros.commands.options import add_force, carrier, hertz
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

if TYPE_CHECKING:
    from visrftwin_ros.scene.new_site import FixedCamera

NAME = "site new"
HELP = "a site of a room, or an open place, from ten questions"

Answer = TypeVar("Answer")

_FARTHEST = 1000.0
"""Metres."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "out", type=Path, metavar="SITE", help="folder to write, named as the site: my_room"
    )
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.materials.table import material_names
    from visrftwin_ros.scene.new_site import NEW_SITE, NewSite, write_new_site
    from visrftwin_ros.scene.site_check import describe

    if not re.fullmatch(r"[a-z][a-z0-9_]*", arguments.out.resolve().name):
        raise TwinError(
            f"{arguments.out}: the folder is named as the site: lower case, digits and underscores, "
            "from a letter on"
        )
    check_room(arguments.out, NEW_SITE, arguments.force)
    known = material_names()

    def material(text: str) -> str:
        if text not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return text

    print(
        "Ten questions; Enter takes what is in brackets. Metres from one corner of the floor, z up."
    )
    frame = _asked("1 Frame that robots localise in", "map", _word)
    frequency = _asked("2 Carrier", "60.48GHz", carrier)
    bandwidth = _asked("3 Bandwidth", "2.16GHz" if frequency > 20e9 else "100MHz", hertz)
    size = _asked("4 Length, width, height of the room; height 0 is out of doors", "12,8,3", _size)
    ground = _asked("5 Floor's material", "concrete", material)
    usual = "plasterboard" if size[2] else ground
    walls = _asked("6 Walls' and ceiling's material", usual, material) if size[2] else ground
    high = size[2] - 0.3 if size[2] else 4.0
    points = _asked(
        "7 Access points: x,y,z of each, apart by ;", f"0.2,{size[1] / 2:g},{high:g}", _places
    )
    robots = _asked("8 Robots, apart by ; : name=x,y of one that stands, the name alone where TF says",
                    f"robot={0.75 * size[0]:g},{size[1] / 2:g}", _robots)  # fmt: skip
    camera = _asked("9 Fixed camera: its x,y,z and where on the floor it looks, or none",
                    f"0.3,0.3,{high:g},{size[0] / 2:g},{size[1] / 2:g}", _camera)  # fmt: skip
    cameras: tuple[FixedCamera, ...] = ()
    if camera:
        usual = "1280,720,75"
        picture = _asked("10 Its picture: width, height in pixels, degrees across", usual, _picture)
        cameras = (_fixed(camera, picture),)
    new = NewSite(frame, frequency, bandwidth, size, ground, walls, points, robots, cameras)
    site = write_new_site(new, arguments.out, arguments.force)
    print(describe(site))
    print(
        f"\n{arguments.out}/site.yaml; furniture, other walls and arrays are more lines in it.\n"
        f"next: visrftwin up --site {arguments.out}   # with --video FILE where no camera driver runs"
    )
    return 0


def _asked(question: str, usual: str, read: Callable[[str], Answer]) -> Answer:
    """Asks until the answer can be read; TwinError where nobody answers any more."""
    while True:
        try:
            text = input(f"{question} [{usual}]: ").strip() or usual
        except EOFError:
            raise TwinError(
                f"no answer to {question!r}: expected ten lines, empty ones for what is in brackets; "
                "nothing is written"
            ) from None
        try:
            return read(text)
        except (ValueError, argparse.ArgumentTypeError) as error:
            print(f"  {text}: {error}")


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_/]*", text):
        raise ValueError("expected a name of letters, digits and underscores")
    return text


def _robots(text: str) -> tuple[tuple[str, tuple[float, float] | None], ...]:
    found: dict[str, tuple[float, float] | None] = {}
    for part in text.split(";"):
        name, stands, place = (piece.strip() for piece in part.partition("="))
        if name in found or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError("expected names of lower case, digits and underscores, each once")
        found[name] = None
        if stands:
            x, y = _numbers(place, 2, f"x,y on the floor of {name}")
            found[name] = x, y
    return tuple(found.items())


def _numbers(text: str, count: int, what: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count or not all(abs(v) <= _FARTHEST for v in values):
        raise ValueError(f"expected {what}, numbers apart by commas, up to {_FARTHEST:g}")
    return values


def _size(text: str) -> tuple[float, float, float]:
    length, width, height = _numbers(text, 3, "length, width, height in metres")
    if length < 1 or width < 1 or not (height == 0 or height >= 1):
        raise ValueError("expected at least 1 m each, or 0 of height for out of doors")
    return length, width, height


def _places(text: str) -> tuple[tuple[float, float, float], ...]:
    found = []
    for part in text.split(";"):
        x, y, z = _numbers(part, 3, "x,y,z in metres")
        if z <= 0:
            raise ValueError("expected an antenna over the floor")
        found.append((x, y, z))
    return tuple(found)


def _camera(text: str) -> tuple[float, ...]:
    if text == "none":
        return ()
    place = _numbers(text, 5, "x,y,z of the lens and x,y on the floor, or none")
    if place[2] <= 0:
        raise ValueError("expected a lens over the floor")
    return place


def _picture(text: str) -> tuple[int, int, float]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts[:2]):
        raise ValueError("expected width, height in pixels and degrees, apart by commas")
    width, height, degrees = int(parts[0]), int(parts[1]), float(parts[2])
    if not (16 <= width <= 16384 and 16 <= height <= 16384 and 5 <= degrees <= 150):
        raise ValueError("expected 16 to 16384 pixels and 5 to 150 degrees")
    return width, height, degrees


def _fixed(place: tuple[float, ...], picture: tuple[int, int, float]) -> FixedCamera:
    from visrftwin_ros.scene.new_site import FixedCamera

    x, y, z, to_x, to_y = place
    width, height, degrees = picture
    return FixedCamera("cctv", (x, y, z), (to_x, to_y, 0.0), (width, height), math.radians(degrees))
