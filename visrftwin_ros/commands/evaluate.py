"""`visrftwin evaluate`: predictions of a recorded campaign against what was measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from visrftwin_ros.errors import TwinError


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `evaluate`."""
    evaluate = commands.add_parser(
        "evaluate", help="predict every snapshot of a campaign; scores, tables and figures"
    )
    evaluate.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    evaluate.add_argument("--site", required=True, help="name, folder or site.yaml")
    evaluate.add_argument("--out", type=Path, required=True, help="folder to write")
    evaluate.add_argument(
        "--predictors",
        default="",
        help="names with commas between, as in docs/evaluation.md; default: all",
    )
    evaluate.add_argument(
        "--people",
        choices=("truth", "tracked", "none"),
        default="truth",
        help="the twin's: truth/people of the bag, tracked from its cameras and LiDARs, or nobody",
    )
    evaluate.add_argument("--weights", default="", help="detector weights, for people tracked")
    evaluate.add_argument(
        "--materials",
        choices=("site", "truth"),
        default="site",
        help="the twin's: as in the site, or truth/materials of the bag",
    )
    evaluate.add_argument(
        "--train-share",
        type=float,
        default=0.2,
        help="of the snapshots, drawn at random: what learns, learns from these, and an unknown "
        "power reference is set on them; all predictors are scored on the others",
    )
    evaluate.add_argument("--seed", type=int, default=1, help="of that draw and of what learns")
    evaluate.add_argument("--force", action="store_true", help="write into a folder with files")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not arguments.force:
        raise TwinError(f"{folder} has files: another --out, or --force to write over them")

    def keep(state: Evaluation) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_reports(state, folder)

    state = evaluate(arguments.bag, site, options, keep, _bar)
    drawn = draw_figures(state, folder)
    for problem in state.problems:
        print(f"visrftwin: {problem}", file=sys.stderr)
    print(text_table(state))
    print(f"{folder}: metrics.json, tables and {len(drawn)} figures")
    return 0


def _bar(step: str) -> Callable[[int, int], None]:
    from tqdm import tqdm

    bar = tqdm(desc=step, unit="channel", disable=None)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return progress
