"""`visrftwin bench tracker`: what a measurement costs the tracker."""

from __future__ import annotations

import argparse
import json

from visrftwin_ros.commands.options import positive

NAME = "bench tracker"
HELP = "what a measurement of 50 people costs the tracker, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=positive, default=100, help="tenths of a second")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import tracker_step

    print(json.dumps(tracker_step.run(arguments.rounds), indent=2))
    return 0
