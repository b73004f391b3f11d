"""What the `visrftwin import` commands share: soundings that others recorded, as campaign bags."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from visrftwin_ros.bags.completeness import BAG
from visrftwin_ros.commands.options import add_force, carrier, hertz
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from visrftwin_ros.campaign.importers.sounding import Reading, Sounding


def add_common(parser: argparse.ArgumentParser, names: bool = True) -> None:
    """Options of every import; names: also which devices were sounded."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="BAG", help="folder to write")
    add_force(parser)
    parser.add_argument("--site", default="", help="site that the devices belong to")
    parser.add_argument("--frame", default="", help="world frame, where no site is given")
    if names:
        parser.add_argument("--tx", metavar="NAME", help="transmitter")
        parser.add_argument("--rx", metavar="NAME", help="receiver")
    parser.add_argument("--frequency", type=carrier, metavar="HZ", help="carrier: 60e9 or 60GHz")
    parser.add_argument("--bandwidth", type=hertz, metavar="HZ", help="2e9 or 2GHz")
    parser.add_argument("--noise-floor", type=float, metavar="DBM", help="nan: not known")
    parser.add_argument("--gain-reference", choices=("absolute", "relative"))
    parser.add_argument("--start", type=float, metavar="S", help="ROS time of the first record")
    parser.add_argument("--rate", type=float, metavar="HZ", help="records a second")
    parser.add_argument("--antenna", default="unknown", help="what it was measured with, in words")
    parser.add_argument(
        "--position",
        action="append",
        default=[],
        metavar="NAME=X,Y,Z",
        help="where NAME/base_link stands, metres; or NAME=FILE with a line x,y,z for each record; "
        "or NAME=unknown. Repeat it for every device that the site does not place",
    )


def file_to_read(arguments: argparse.Namespace) -> Path:
    """The file to read, after what would make reading it pointless."""
    if not arguments.site and not arguments.frame:
        raise TwinError("which place is it? give --site NAME, or --frame NAME for a frame alone")
    check_room(arguments.out, BAG, arguments.force)
    if not arguments.file.is_file():
        raise TwinError(f"no file {arguments.file}")
    return Path(arguments.file)


def sounding(arguments: argparse.Namespace) -> Sounding:
    """What the options say of the recording."""
    from visrftwin_ros.campaign.importers.sounding import Sounding

    return Sounding(
        tx=getattr(arguments, "tx", None),
        rx=getattr(arguments, "rx", None),
        frequency=arguments.frequency,
        bandwidth=arguments.bandwidth,
        noise_floor_dbm=arguments.noise_floor,
        gain_reference=arguments.gain_reference,
        start=arguments.start,
        rate=arguments.rate,
    )


def finish(arguments: argparse.Namespace, reading: Reading) -> int:
    """Writes the bag; what was left out is told, and marked in the bag, with exit status 2."""
    from visrftwin_ros.campaign.importers.to_bag import (
        check_devices,
        from_access_points,
        on_bases,
        unplaced,
        write_bag,
    )
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site) if arguments.site else None
    if site:
        check_devices(reading, site)
        reading = from_access_points(reading, site)
    reading = on_bases(reading, site)
    said, places = _positions(arguments.position)
    missing = [name for name in unplaced(reading, places, site) if name not in said]
    if missing:
        raise TwinError(
            f"{arguments.file} does not say where {', '.join(missing)} stood: give --position "
            f"{missing[0]}=X,Y,Z (or =unknown, or a --site that places it)"
        )
    facts = {
        "site": site.name if site else "",
        "description": f"imported from {arguments.file.name}",
        "gain_reference": arguments.gain_reference,
        "antenna": arguments.antenna,
        "made_by": shlex.join(["visrftwin", *sys.argv[1:]]),
        "seed": None,
    }
    write_bag(reading, arguments.out, facts, site or arguments.frame, places, force=arguments.force)
    print(f"{arguments.out}: {len(reading.snapshots)} snapshots")
    if not reading.problems:
        return 0
    shown = "\n".join(f"  {problem}" for problem in reading.problems[:20])
    more = len(reading.problems) - 20
    raise TwinError(
        f"{len(reading.problems)} part(s) of {arguments.file} were left out; "
        f"{arguments.out} holds the rest, marked `partial`:\n{shown}"
        + (f"\n  and {more} more" if more > 0 else "")
    )


def _positions(
    entries: list[str],
) -> tuple[set[str], dict[str, Float[np.ndarray, "n 3"]]]:
    """Every device that was spoken of, and the metres of those whose place is known."""
    import numpy as np

    said, places = set(), {}
    for entry in entries:
        name, _, where = entry.partition("=")
        said.add(name)
        if where == "unknown":
            continue
        try:
            if Path(where).is_file():
                rows = np.loadtxt(where, delimiter=",", ndmin=2)
            else:
                rows = np.array([[float(part) for part in where.split(",")]])
        except ValueError:
            rows = np.zeros((0, 0))
        if rows.ndim != 2 or rows.shape[1:] != (3,) or not np.isfinite(rows).all():
            raise TwinError(
                f"--position {entry}: expected NAME=X,Y,Z in metres, NAME=FILE with such lines, "
                "or NAME=unknown"
            )
        places[name] = rows
    return said, places
