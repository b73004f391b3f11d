"""`visrftwin import nist-qd`: soundings of NIST's Q-D software as a campaign bag."""

from __future__ import annotations

import argparse

from visrftwin_ros.commands.importing import add_common, file_to_read, finish, sounding
from visrftwin_ros.errors import TwinError

NAME = "import nist-qd"
HELP = "JSON lines of NIST's Q-D software as a campaign bag"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--node",
        action="append",
        default=[],
        metavar="NUMBER=NAME",
        help="device that a node number of the file is; repeat it for every node",
    )
    add_common(parser, names=False)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.campaign.importers.nist_qd import read_nist_qd

    nodes = {}
    for entry in arguments.node:
        number, _, name = entry.partition("=")
        if not number.isdigit() or not name:
            raise TwinError(f"--node {entry}: expected NUMBER=NAME, as 0=ap1")
        nodes[int(number)] = name
    return finish(arguments, read_nist_qd(file_to_read(arguments), sounding(arguments), nodes))
