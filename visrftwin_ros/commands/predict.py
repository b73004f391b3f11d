"""`visrftwin predict`: channels of a recording from its tracks, without ROS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from visrftwin_ros.commands.options import add_force, add_site
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.outputs import file_kind, growing_file

NAME = "predict"
HELP = "predict every link's channel for tracks, without ROS"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("--tracks", type=Path, required=True, help="what `visrftwin track` wrote")
    parser.add_argument(
        "--start", type=float, default=0.0, help="ROS time of frame 1, s (phase of scripted robots)"
    )
    parser.add_argument(
        "--boxes",
        type=Path,
        help="bag with the topic tracked_boxes: vehicles and moved furniture, at ROS time",
    )
    parser.add_argument("--out", type=Path, required=True, help="channels.csv to write")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.bodies.timeline import PeopleTimeline
    from visrftwin_ros.cache import cache_folder
    from visrftwin_ros.campaign.bag_boxes import read_boxes
    from visrftwin_ros.commands.channel_table import CHANNEL_COLUMNS, predict_tracks, write_channels
    from visrftwin_ros.perception.tracking.tracks_file import read_tracks
    from visrftwin_ros.site.loading import load_site
    from visrftwin_ros.twin.engine import TwinEngine

    site = load_site(arguments.site)
    tracks = read_tracks(arguments.tracks)
    boxes = PeopleTimeline()
    if arguments.boxes is not None:
        records, left_out = read_boxes(arguments.boxes, site.world_frame)
        boxes = PeopleTimeline((), records)
        for problem in left_out:
            print(f"warning: {problem}", file=sys.stderr)
    kind = file_kind("table of channels", ",".join(CHANNEL_COLUMNS))
    with growing_file(arguments.out, kind, arguments.force) as file:
        print("solving the static paths (a new site takes some seconds)", file=sys.stderr)
        engine = TwinEngine(site, cache_folder("paths"), threads=2)
        start_ns, rate = round(arguments.start * 1e9), site.camera().frame_rate
        progress = progress_bar("predicting", "frame")
        rows = predict_tracks(engine, tracks, start_ns, rate, progress, boxes)
        written = write_channels(rows, file)
        engine.close()
    print(f"{arguments.out}: {written} rows")
    return 0
