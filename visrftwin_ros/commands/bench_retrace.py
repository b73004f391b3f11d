"""`visrftwin bench retrace`: what an update costs, against full solves."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "bench retrace"
HELP = "updates of moving people against full solves"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, help="rows to write")
    parser.add_argument("--updates", type=int, default=200, help="ticks of each size")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import retrace

    retrace.run(arguments.json, arguments.updates)
    return 0
