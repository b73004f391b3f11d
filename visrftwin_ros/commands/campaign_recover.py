"""`visrftwin campaign recover`: what is whole in a recording that was cut off."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from visrftwin_ros.commands.options import add_force

NAME = "campaign recover"
HELP = "save what is whole in a torn recording"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    parser.add_argument("--out", type=Path, required=True, help="bag folder to write")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.bags.bag_recovery import recover_bag

    found = recover_bag(arguments.bag, arguments.out, arguments.force)
    for name, place in found.broken_at.items():
        print(f"{name}: whole up to byte {place}", file=sys.stderr)
    print(f"{arguments.out}: {found.messages} messages")
    return 0
