"""`visrftwin bench sensors`: what each sensor adds."""

from __future__ import annotations

import argparse

from visrftwin_ros.commands.json_rows import add_json, check_json, write_json
from visrftwin_ros.commands.options import count, positive

NAME = "bench sensors"
HELP = "what each of three cameras and a LiDAR adds to the tracks"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=positive, default=6)
    parser.add_argument("--seconds", type=float, default=22.0)
    parser.add_argument("--seed", type=count, default=1)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import sensor_contributions

    check_json(arguments)
    rows = sensor_contributions.run(arguments.people, arguments.seconds, arguments.seed)
    write_json(arguments, rows)
    return 0
