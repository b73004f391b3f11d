"""`visrftwin track`: the people, and vehicles, of a recording, without ROS."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from visrftwin_ros.commands.options import add_force, add_site, count
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import file_kind, growing_file

if TYPE_CHECKING:
    from visrftwin_ros.perception.tracking.people import People
    from visrftwin_ros.perception.tracking.vehicles import Vehicles
    from visrftwin_ros.site.model import Site

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
        "--tiles",
        type=count,
        default=0,
        metavar="N",
        help="look closer, in N parts of the picture at most, where people are too small in the whole",
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
    parser.add_argument(
        "--boxes",
        type=Path,
        help="with --bag: also follow vehicles, and write them to this bag (topic tracked_boxes), which"
        " `visrftwin predict --boxes` reads",
    )
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.perception.tracking.tracks_file import HEADER, Tracks, track_rows
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    if arguments.boxes and not arguments.bag:
        raise TwinError("--boxes: vehicles are followed through a bag only; give --bag")
    kind = file_kind("table of tracks", ",".join(HEADER))
    written = 0
    with ExitStack() as files:
        file = files.enter_context(growing_file(arguments.out, kind, arguments.force))
        vehicles = _written_to(files, arguments, site) if arguments.boxes else None
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for number, people in _people(arguments, site, vehicles):
            if number == 1 and arguments.bag:
                print(f"frame 1 is at ROS time {people.stamp_ns * 1e-9:.3f} s")
            rows = track_rows(Tracks.from_people([(number, people)]))
            writer.writerows(rows)
            written += len(rows)
    print(f"{arguments.out}: {written} rows")
    return 0


def _written_to(
    files: ExitStack, arguments: argparse.Namespace, site: Site
) -> Callable[[Vehicles], None]:
    """What writes vehicles to the bag of boxes, which `files` closes."""
    from visrftwin_ros.campaign.campaign_writer import CampaignWriter

    bag = CampaignWriter(arguments.boxes, {"site": site.name}, force=arguments.force)
    files.enter_context(bag)

    def write(found: Vehicles) -> None:
        bag.boxes(found.stamp_ns, site.world_frame, found.bodies(), found.kind, **found.doubts())

    return write


def _people(
    arguments: argparse.Namespace, site: Site, vehicles: Callable[[Vehicles], None] | None
) -> Iterator[tuple[int, People]]:
    """The people of each frame of the bag or the video, while they are found."""
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.perception.appearance.embedding import embedding_model
    from visrftwin_ros.perception.sources.bag_tracks import people_in_bag
    from visrftwin_ros.perception.sources.video_tracks import people_in_recording

    embeddings, problem = embedding_model(arguments.embedding_model, arguments.embedding_weights)
    if problem:
        print(f"visrftwin: {problem}", file=sys.stderr)
    detector = (arguments.detector, arguments.weights)
    options = {
        "imgsz": arguments.image_size,
        "tiles": arguments.tiles,
        "embeddings": embeddings,
    }
    if arguments.bag:
        return people_in_bag(
            site, arguments.bag, *detector, rate=arguments.rate, vehicles=vehicles, **options
        )
    video = find_video(site, arguments.video)
    return people_in_recording(site.camera(), video, *detector, frames=arguments.frames, **options)
