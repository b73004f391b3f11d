"""`visrftwin site calibrate-camera`: a fixed camera's pose, as lines for its site.yaml."""

from __future__ import annotations

import argparse
from pathlib import Path

from visrftwin_ros.commands.options import add_site
from visrftwin_ros.errors import TwinError

NAME = "site calibrate-camera"
HELP = "a fixed camera's pose from world-image pairs"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("pairs", type=Path, help="CSV with x,y,z (m, world) and u,v (px)")
    parser.add_argument("--camera", default="", help="which, where the site has several")
    parser.add_argument("--focal", action="store_true", help="find the focal length as well")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.pose_calibration import calibrated_pose, read_pairs
    from visrftwin_ros.site.loading import load_site

    try:
        camera = load_site(arguments.site).camera(arguments.camera)
    except KeyError as error:
        raise TwinError(str(error.args[0])) from error
    world, pixels = read_pairs(arguments.pairs)
    found = calibrated_pose(camera, world, pixels, arguments.focal)
    worst = int(found.residual.argmax())
    print(f"# {camera.name}: residual {found.rms:.2f} px rms over {len(world)} pairs;")
    print(f"# worst: {found.residual[worst]:.2f} px, pair {worst + 1}")
    if arguments.focal:
        print(f"fx: {found.focal:.3f}")
        print(f"fy: {found.focal:.3f}")
    print(f"rvec: [{', '.join(f'{value:.8f}' for value in found.rvec)}]")
    print(f"t: [{', '.join(f'{value:.8f}' for value in found.t)}]")
    return 0
