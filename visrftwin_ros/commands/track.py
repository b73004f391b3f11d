"""`visrftwin track`: the people of a recording, without ROS."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from visrftwin_ros.commands.options import add_site, count
from visrftwin_ros.errors import TwinError

NAME = "track"
HELP = "track the people of a recording, without ROS"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--video", default="auto", help="path of a recording; auto = the site's own"
    )
    parser.add_argument("--bag", type=Path, help="instead: a rosbag2 with images, clouds and TF")
    parser.add_argument(
        "--rate",
        type=float,
        help="frames a second of a bag's tracks; default: the first camera's frame_rate",
    )
    parser.add_argument("--detector", choices=("auto", "yolo", "motion"), default="auto")
    parser.add_argument(
        "--weights", default="", help="what ultralytics loads: .pt, OpenVINO folder, ..."
    )
    parser.add_argument(
        "--image-size", type=int, help="network input, px; default: what the weights say"
    )
    parser.add_argument(
        "--embedding-model",
        default="",
        help="open_clip model (ViT-B-32), its .json, or local-dir:FOLDER; default: colours of clothes",
    )
    parser.add_argument(
        "--embedding-weights", default="", help="checkpoint of it, or an open_clip tag"
    )
    parser.add_argument("--frames", type=count, help="stop after this many frames")
    parser.add_argument("--out", type=Path, required=True, help="tracks.csv to write")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.perception.appearance.embedding import embedding_model
    from visrftwin_ros.perception.sources.bag_tracks import track_bag
    from visrftwin_ros.perception.sources.video_tracks import track_recording
    from visrftwin_ros.perception.tracking.tracks_file import write_tracks
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    make_folder_of(arguments.out)
    embeddings, problem = embedding_model(arguments.embedding_model, arguments.embedding_weights)
    if problem:
        print(f"visrftwin: {problem}", file=sys.stderr)
    if arguments.bag:
        tracks, start_ns = track_bag(
            site,
            arguments.bag,
            arguments.detector,
            arguments.weights,
            imgsz=arguments.image_size,
            embeddings=embeddings,
            rate=arguments.rate,
        )
        print(f"frame 1 is at ROS time {start_ns * 1e-9:.3f} s")
    else:
        tracks = track_recording(
            site.camera(),
            find_video(site, arguments.video),
            arguments.detector,
            arguments.weights,
            imgsz=arguments.image_size,
            embeddings=embeddings,
            frames=arguments.frames,
        )
    write_tracks(tracks, arguments.out)
    print(f"{arguments.out}: {len(tracks)} rows")
    return 0


def make_folder_of(file: Path) -> None:
    """Before the long work, not after it: a folder that cannot be written to is told at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise TwinError(f"cannot write {file}: give a file in a folder that you may write to")
