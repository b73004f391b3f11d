"""`visrftwin site edit`: names, merged surfaces, materials and access points of a site, without an editor."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from visrftwin_ros.commands.options import add_force, add_site
from visrftwin_ros.errors import TwinError

if TYPE_CHECKING:
    from visrftwin_ros.site.model import Vector3

NAME = "site edit"
HELP = "rename, merge, set materials, move access points of a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a surface, device or sensor, whose topics and TF frames are made of its name; repeat it, as "
        "the next three",
    )
    parser.add_argument(
        "--merge",
        action="append",
        default=[],
        metavar="A,B,...=NEW",
        help="surfaces that become one mesh",
    )
    parser.add_argument(
        "--material",
        action="append",
        default=[],
        metavar="SURFACE=MATERIAL",
        help="of the table, or one of the site's own",
    )
    parser.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="AP=X,Y,Z",
        help="an access point's antenna, metres in the site",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="SITE", help="folder to write")
    where.add_argument(
        "--in-place", action="store_true", help="change the site; what was there is kept beside it"
    )
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.outputs import check_room
    from visrftwin_ros.scene.site_check import describe
    from visrftwin_ros.scene.site_edit import EDITED_SITE, SiteEdits, edit_in_place, edited_site
    from visrftwin_ros.site.loading import load_site

    edits = SiteEdits(
        renamed=dict(_pair("--rename", text, "OLD=NEW") for text in arguments.rename),
        merged={
            new: tuple(names.split(","))
            for names, new in (_pair("--merge", text, "A,B,...=NEW") for text in arguments.merge)
        },
        materials=dict(
            _pair("--material", text, "SURFACE=MATERIAL") for text in arguments.material
        ),
        moved=dict(_moved(text) for text in arguments.move),
    )
    if arguments.out is not None:
        check_room(arguments.out, EDITED_SITE, arguments.force)
    site = load_site(arguments.site)
    if arguments.in_place:
        changed, kept = edit_in_place(site, edits)
        print(describe(changed))
        print(f"  what was there: {kept}")
    else:
        changed = edited_site(site, edits, arguments.out, arguments.force)
        print(describe(changed))
    if site.residuals and not changed.residuals:
        print(f"  {site.residuals} is left out: it is of the site as it was; calibrate again")
    return 0


def _pair(option: str, text: str, wanted: str) -> tuple[str, str]:
    left, mark, right = text.partition("=")
    if not (left and mark and right):
        raise TwinError(f"{option} {text}: expected {wanted}")
    return left, right


def _moved(text: str) -> tuple[str, Vector3]:
    name, place = _pair("--move", text, "AP=X,Y,Z in metres")
    try:
        x, y, z = (float(part) for part in place.split(","))
    except ValueError as error:
        raise TwinError(f"--move {text}: expected AP=X,Y,Z in metres") from error
    return name, (x, y, z)
