"""`visrftwin up`: the live twin of a site."""

from __future__ import annotations

import argparse

from visrftwin_ros.commands.options import add_site

NAME = "up"
HELP = "start the live twin of a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--video",
        default="auto",
        help="recording to replay; auto = the site's own, none = live cameras",
    )
    parser.add_argument("--bag", default="", help="campaign to replay instead, in its own time")
    parser.add_argument(
        "--weights", default="", help="detector weights; none = the motion detector"
    )
    parser.add_argument(
        "--no-viewer", dest="viewer", action="store_false", help="without the web page"
    )
    parser.add_argument("--rate", type=_playback_rate, default=1.0, help="playback speed")
    parser.add_argument(
        "--namespace", default="", help="ROS namespace of the whole twin, for several on one graph"
    )
    parser.add_argument("--loop", action="store_true", help="replay the recording for ever")


def _playback_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.05 <= rate <= 20.0:
        raise argparse.ArgumentTypeError(f"expected a number from 0.05 to 20, not {text!r}")
    return rate


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.operations.graph import run_graph
    from visrftwin_ros.operations.node_table import node_table
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    table = node_table(
        site,
        arguments.site,
        video="" if arguments.bag else find_video(site, arguments.video),
        bag=arguments.bag,
        weights=arguments.weights,
        viewer=arguments.viewer,
        rate=arguments.rate,
        loop=arguments.loop,
        namespace=arguments.namespace,
    )
    return run_graph(table)
