"""`visrftwin bench lidar`: people in a simulated LiDAR."""

from __future__ import annotations

import argparse
import json

from visrftwin_ros.commands.options import positive

NAME = "bench lidar"
HELP = "what a LiDAR's sweep costs and where its people are, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--walkers", type=positive, default=8)
    parser.add_argument("--beams", type=positive, default=128)
    parser.add_argument("--sweeps", type=positive, default=120)
    parser.add_argument("--learning", type=float, default=3.0, help="s; 0 = no background")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import lidar_people

    options = (arguments.walkers, arguments.beams, arguments.sweeps, arguments.learning)
    print(json.dumps(lidar_people.run(*options), indent=2))
    return 0
