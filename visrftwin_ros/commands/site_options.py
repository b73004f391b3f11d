"""Options of the commands that write a site, each spelt and read one way."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from visrftwin_ros.commands.options import add_force, carrier, hertz
from visrftwin_ros.errors import TwinError


def add_new_site(parser: argparse.ArgumentParser) -> None:
    """Adds where the site goes, and its radio and devices, which no scan or scene file has."""
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
        help="its antenna's place, metres in the site; repeat it for every one",
    )
    parser.add_argument(
        "--robot",
        action="append",
        default=[],
        metavar="NAME=HEIGHT",
        help="a robot whose antenna stands so high, metres, and is where TF says; repeat it",
    )


def new_site_entries(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `add_new_site` says, as entries of a site.yaml; TwinError on what is none."""
    from visrftwin_ros.site.loading import check_folder_name

    check_folder_name(arguments.out, "--out")
    access_points = [_numbered("--access-point", entry, 3) for entry in arguments.access_point]
    robots = [_numbered("--robot", entry, 1) for entry in arguments.robot]
    return {
        "radio": {"frequency": arguments.frequency, "bandwidth": arguments.bandwidth},
        "access_points": [{"name": name, "position": place} for name, place in access_points],
        "robots": [{"name": name, "antenna_height": height[0]} for name, height in robots],
    }


def named_material(entry: str) -> tuple[str, str]:
    """Of `--material THEIRS=OURS`; TwinError on anything else."""
    theirs, mark, ours = entry.rpartition("=")
    if not mark or not ours:
        raise TwinError(f"--material {entry}: expected THEIRS=OURS, as mat-Desk=wood")
    return theirs, ours


def _numbered(option: str, entry: str, count: int) -> tuple[str, list[float]]:
    name, _, text = entry.partition("=")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        wanted = "NAME=X,Y,Z" if count == 3 else "NAME=HEIGHT"
        raise TwinError(f"{option} {entry}: expected {wanted} in metres")
    return name, values
