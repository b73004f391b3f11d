"""`visrftwin bench detector`: what an image costs the detector."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from visrftwin_ros.commands.options import add_site, positive

NAME = "bench detector"
HELP = "what an image costs the detector, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("--video", default="auto", help="recording; auto = the site's own")
    parser.add_argument("--weights", type=Path, required=True, help="detector weights")
    parser.add_argument("--frames", type=positive, default=200, help="images that are timed")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import detector
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    video = find_video(site, arguments.video)
    print(json.dumps(detector.run(site, video, arguments.weights, arguments.frames), indent=2))
    return 0
