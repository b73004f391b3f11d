"""`visrftwin demo`: the live twin on a recording, then its report."""

from __future__ import annotations

import argparse
from pathlib import Path

from visrftwin_ros.commands.options import add_force, count

NAME = "demo"
HELP = "run the twin on its recording and report"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", default="pets_campus", help="name, folder or site.yaml")
    parser.add_argument("--video", default="auto", help="recording; auto = the site's own")
    parser.add_argument("--bag", default="", help="a recorded campaign of the site instead")
    parser.add_argument(
        "--weights", default="", help="detector weights; none = the motion detector"
    )
    parser.add_argument(
        "--frames", type=count, default=0, help="stop after this many frames; 0 = all"
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder to write")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.demo.run import run_demo
    from visrftwin_ros.demo.source import demo_source

    source = demo_source(arguments.site, arguments.video, arguments.bag, arguments.weights)
    return run_demo(source, arguments.frames, arguments.out, arguments.force)
