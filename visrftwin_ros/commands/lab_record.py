"""`visrftwin lab record`: a campaign of a synthetic world."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from visrftwin_ros.bags.completeness import BAG
from visrftwin_ros.commands.options import add_force, positive
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.outputs import check_room

NAME = "lab record"
HELP = "record a campaign of a synthetic world with known truth"

_DEFAULTS = {"camera_rate": 10.0, "panorama_rate": 2.0, "lidar_rate": 10.0, "jpeg_quality": 85}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", required=True, help="lobby, lecture_room or street")
    parser.add_argument("--people", type=int, required=True, help="how many walk about")
    parser.add_argument("--seconds", type=float, required=True, help="how long")
    parser.add_argument("--seed", type=int, required=True, help="draws all that is hidden")
    parser.add_argument(
        "--drive",
        type=int,
        default=0,
        metavar="N",
        help="of several in the place that the seed draws: another way of the robot, other people",
    )
    parser.add_argument("--out", type=Path, required=True, help="bag folder to write")
    add_force(parser)
    parser.add_argument(
        "--access-points", type=positive, metavar="N", help="how many; default: the site's"
    )
    parser.add_argument("--no-images", action="store_true", help="nothing is rendered")
    parser.add_argument("--no-lidar", action="store_true", help="no sweeps")
    parser.add_argument("--camera-rate", type=_rate, metavar="HZ", help="of fixed cameras")
    parser.add_argument("--panorama-rate", type=_rate, metavar="HZ", help="of the robot's camera")
    parser.add_argument("--lidar-rate", type=_rate, metavar="HZ", help="of sweeps, up to 10")
    parser.add_argument("--lidar-beams", type=int, default=128, help="of the 45 degrees of height")
    parser.add_argument(
        "--lidar-step", type=float, default=0.17, metavar="DEG", help="between columns"
    )
    parser.add_argument("--jpeg-quality", type=int, help="0 to 100; default 85")
    parser.add_argument(
        "--samples", type=int, default=100_000, help="rays an access point of the true paths"
    )
    parser.add_argument(
        "--processes", type=int, default=2, help="that work out the links; others render and write"
    )
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--no-cache", action="store_true", help="solve the static paths again")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 60:
        raise argparse.ArgumentTypeError(f"expected hertz from 0 to 60, not {text!r}")
    return rate


def run(arguments: argparse.Namespace) -> int:
    check_room(arguments.out, BAG, arguments.force)
    import numpy as np

    from visrftwin_ros.cache import cache_folder
    from visrftwin_ros.errors import TwinError
    from visrftwin_ros.lab.radio.static_truth import Fineness
    from visrftwin_ros.lab.recording.lidar import LidarModel
    from visrftwin_ros.lab.recording.record import record
    from visrftwin_ros.lab.recording.request import Request

    given = {
        name: getattr(arguments, name) if getattr(arguments, name) is not None else default
        for name, default in _DEFAULTS.items()
    }
    if arguments.no_images:
        given["camera_rate"] = given["panorama_rate"] = 0.0
    if arguments.no_lidar:
        given["lidar_rate"] = 0.0
    if given["lidar_rate"] > LidarModel.rate:
        raise TwinError(f"--lidar-rate {given['lidar_rate']:g}: it turns {LidarModel.rate:g} times")
    if not 1 <= arguments.lidar_beams <= 128 or not 0.05 <= arguments.lidar_step <= 5:
        raise TwinError("the LiDAR has 1 to 128 beams and 0.05 to 5 degrees between columns")
    if not 1 <= arguments.threads <= 64:
        raise TwinError(f"--threads {arguments.threads}: expected 1 to 64")
    if not 1 <= arguments.processes <= 64:
        raise TwinError(f"--processes {arguments.processes}: expected 1 to 64")
    if not 10_000 <= arguments.samples <= 10_000_000:
        raise TwinError(f"--samples {arguments.samples}: expected 10000 to 10000000")
    request = Request(
        world=arguments.site,
        people=arguments.people,
        seconds=arguments.seconds,
        seed=arguments.seed,
        drive=arguments.drive,
        camera_rate=given["camera_rate"],
        panorama_rate=given["panorama_rate"],
        lidar_rate=given["lidar_rate"],
        lidar=LidarModel(beams=arguments.lidar_beams, step=float(np.deg2rad(arguments.lidar_step))),
        jpeg_quality=int(given["jpeg_quality"]),
        fineness=Fineness(samples=arguments.samples),
        access_points=arguments.access_points,
        processes=arguments.processes,
        threads=arguments.threads,
        command=_command(arguments),
    )
    cache = None if arguments.no_cache else cache_folder("lab")
    report = record(
        request, arguments.out, arguments.force, cache, progress_bar("recording", "step")
    )
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items())
    print(f"{arguments.out}: {counts}")
    for name, seconds in sorted(report.seconds.items(), key=lambda entry: -entry[1]):
        print(f"{name}: {seconds:.1f} s", file=sys.stderr)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    """The command line without the place that it wrote to: equal recordings say the same."""
    words = ["visrftwin lab record"]
    for name, value in sorted(vars(arguments).items()):
        if name in ("run", "out", "force", "no_cache", "processes", "threads") or value in (
            None,
            False,
        ):
            continue
        option = f"--{name.replace('_', '-')}"
        words.append(option if value is True else f"{option} {value}")
    return " ".join(words)
