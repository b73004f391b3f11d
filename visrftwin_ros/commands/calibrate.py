"""`visrftwin calibrate`: a site's materials corrected by a recorded campaign."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from visrftwin_ros.commands.options import add_force, add_site, positive
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.interrupts import uninterrupted
from visrftwin_ros.outputs import check_room

NAME = "calibrate"
HELP = "a site's materials corrected by soundings, with their uncertainty"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    add_site(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new site")
    parser.add_argument(
        "--soundings",
        type=positive,
        default=200,
        help="most to use, drawn at random of more; a fifth of them is kept aside to judge",
    )
    parser.add_argument("--seed", type=int, default=1, help="of these draws")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cache import cache_folder
    from visrftwin_ros.calibration.calibrated_site import (
        CALIBRATED_SITE,
        REPORT,
        write_calibrated_site,
    )
    from visrftwin_ros.calibration.calibration import calibrated
    from visrftwin_ros.calibration.report import report_of, text_of
    from visrftwin_ros.campaign.campaign_reader import read_campaign
    from visrftwin_ros.campaign.data_sets import refuse_judge
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    check_room(arguments.out, CALIBRATED_SITE, arguments.force)
    campaign = read_campaign(arguments.bag, site)
    refuse_judge(arguments.bag, campaign)
    found = calibrated(
        campaign,
        site,
        cache_folder("paths"),
        most=arguments.soundings,
        seed=arguments.seed,
        tracing=progress_bar("tracing", "sounding"),
        fitting=progress_bar("fitting", "round"),
    )
    with uninterrupted():
        report = report_of(found)
        new = found.materials, found.residuals, report
        write_calibrated_site(site, *new, arguments.out, arguments.force)
    for problem in found.problems:
        print(f"visrftwin: {problem}", file=sys.stderr)
    print(text_of(report))
    print(f"{arguments.out}: site.yaml with the materials, {REPORT}")
    if not found.estimate.complete:
        print("stopped before the fit's end: these are the best values until then", file=sys.stderr)
        return 130
    return 0
