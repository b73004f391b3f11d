"""`visrftwin site check`: whether a site is sound, and what is in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.commands.options import add_force, add_site
from visrftwin_ros.outputs import PICTURE, check_room

NAME = "site check"
HELP = "validate a site and print what is in it"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--overlay", type=Path, metavar="PNG", help="draw the site over a camera picture"
    )
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="PNG",
        help="where the site from above is drawn; default in the cache, under the site's name",
    )
    add_force(parser, "--overlay and --plan")
    parser.add_argument("--video", default="auto", help="recording whose first frame is drawn on")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.scene.site_check import describe
    from visrftwin_ros.site.loading import load_site
    from visrftwin_ros.viewing.site_plan import draw_plan

    for picture in filter(None, (arguments.overlay, arguments.plan)):
        check_room(picture, PICTURE, arguments.force)
    site = load_site(arguments.site)
    print(describe(site))
    plan = arguments.plan or cache_folder("plans") / f"{site.name}.png"
    draw_plan(site, plan)
    print(f"drawn from above: {plan}")
    if arguments.overlay:
        from visrftwin_ros.cameras.site_video import find_video
        from visrftwin_ros.viewing.overlay import draw_site

        draw_site(site, find_video(site, arguments.video), arguments.overlay)
        print(f"drawn over the camera picture: {arguments.overlay}")
    return 0
