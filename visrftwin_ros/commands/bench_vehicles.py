"""`visrftwin bench vehicles`: cars on a simulated road."""

from __future__ import annotations

import argparse
import json

from visrftwin_ros.commands.options import count, positive

NAME = "bench vehicles"
HELP = "how well passing and parked cars are followed by a LiDAR, a camera and both, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=positive, default=5, help="how many roads")
    parser.add_argument("--first", type=count, default=100, help="seed of the first")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import vehicles

    seeds = range(arguments.first, arguments.first + arguments.seeds)
    print(json.dumps(vehicles.run(seeds, arguments.seconds), indent=2))
    return 0
