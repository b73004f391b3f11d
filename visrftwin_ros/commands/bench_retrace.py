"""`visrftwin bench retrace`: what an update costs, against full solves."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from visrftwin_ros.commands.json_rows import add_json, check_json, write_json
from visrftwin_ros.commands.options import add_device, use_device

NAME = "bench retrace"
HELP = "updates of moving people against full solves"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_device(parser)
    parser.add_argument("--updates", type=int, default=200, help="ticks of each size")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import retrace

    check_json(arguments)
    use_device(arguments)
    write_json(arguments, [asdict(row) for row in retrace.run(arguments.updates)])
    return 0
