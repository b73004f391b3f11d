"""`visrftwin evaluate`: predictions of a recorded campaign against what was measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from visrftwin_ros.commands.options import add_force, add_site
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.outputs import check_room, folder_kind, make_room, uninterrupted

NAME = "evaluate"
HELP = "predict every snapshot of a campaign; scores, tables and figures"

WRITTEN = ("metrics.json", "*.csv", "*.png", "*.svg")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    add_site(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--predictors",
        default="",
        help="names with commas between, as in docs/evaluation.md; default: all",
    )
    parser.add_argument(
        "--people",
        choices=("truth", "tracked", "none"),
        default="truth",
        help="the twin's: truth/people of the bag, tracked from its cameras and LiDARs, or nobody",
    )
    parser.add_argument("--weights", default="", help="detector weights, for people tracked")
    parser.add_argument(
        "--materials",
        choices=("site", "truth"),
        default="site",
        help="the twin's: as in the site, or truth/materials of the bag",
    )
    parser.add_argument(
        "--train-share",
        type=float,
        default=0.2,
        help="of the snapshots, drawn at random: what learns, learns from these, and an unknown "
        "power reference is set on them; all predictors are scored on the others",
    )
    parser.add_argument("--seed", type=int, default=1, help="of that draw and of what learns")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.evaluation.evaluation import evaluate
    from visrftwin_ros.evaluation.figures.figure_list import draw_figures
    from visrftwin_ros.evaluation.predictors import all_names
    from visrftwin_ros.evaluation.report import text_table, write_reports
    from visrftwin_ros.evaluation.results import Evaluation, Options
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    options = Options(
        predictors=tuple(filter(None, arguments.predictors.split(","))) or all_names(),
        people=arguments.people,
        weights=arguments.weights,
        materials=arguments.materials,
        train_share=arguments.train_share,
        seed=arguments.seed,
    )
    folder: Path = arguments.out
    kind = folder_kind("folder of an evaluation", *WRITTEN)
    check_room(folder, kind, arguments.force)
    cleared = False

    def keep(state: Evaluation) -> None:
        nonlocal cleared
        with uninterrupted():
            if not cleared:
                make_room(folder, kind, arguments.force)
                folder.mkdir(parents=True)
                cleared = True
            write_reports(state, folder)

    try:
        state = evaluate(
            arguments.bag, site, options, keep, lambda step: progress_bar(step, "channel")
        )
        drawn = draw_figures(state, folder)
    except KeyboardInterrupt as stopped:
        if cleared:
            stopped.add_note(f"{folder} holds what was scored until then, not complete")
        raise
    for problem in state.problems:
        print(f"visrftwin: {problem}", file=sys.stderr)
    print(text_table(state))
    print(f"{folder}: metrics.json, tables and {len(drawn)} figures")
    return 0
