"""`visrftwin evaluate`: predictions of recorded campaigns against what was measured."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visrftwin_ros.commands.options import add_cluster, add_force, add_sites, own_site
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.errors import TwinError
from visrftwin_ros.interrupts import uninterrupted
from visrftwin_ros.outputs import check_room, folder_kind, make_room

if TYPE_CHECKING:
    from visrftwin_ros.evaluation.results import Evaluation

NAME = "evaluate"
HELP = "predict every snapshot of campaigns; scores, tables, the paper's figures"

WRITTEN = ("metrics.json", "*.csv", "*.png", "*.svg", "*.pdf", "errors.tex", "campaign_*")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "bags", type=Path, nargs="+", metavar="BAG", help="rosbag2 folders, or their .mcap files"
    )
    add_sites(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--predictors",
        default="",
        help="names with commas between, as in docs/evaluation.md; default: all, twin_calibrated where "
        "there is a --fit-bag",
    )
    parser.add_argument(
        "--people",
        choices=("truth", "tracked", "none"),
        default="truth",
        help="the twin's: truth/people of the bag, tracked from its cameras and LiDARs, or nobody",
    )
    parser.add_argument("--weights", default="", help="detector weights, for people tracked")
    parser.add_argument(
        "--power-reference",
        choices=("median", "los", "moving"),
        default="median",
        help="how relative gains are aligned: median difference, lines of sight, moving average",
    )
    parser.add_argument(
        "--train-share",
        type=float,
        default=0.2,
        help="of the snapshots, drawn one by one and again as whole stretches: what learns, learns "
        "from the one or the other, and an unknown power reference is set on the former; all "
        "predictors are scored on what is in neither",
    )
    parser.add_argument(
        "--fit-bag",
        type=Path,
        action="append",
        default=[],
        help="another campaign of the place, on which twin_calibrated is calibrated; once, or once a "
        "bag in their order",
    )
    parser.add_argument("--seed", type=int, default=1, help="of that draw and of what learns")
    parser.add_argument(
        "--figures",
        choices=("scores", "paper", "all", "none"),
        default="scores",
        help="those of each campaign's scores, the paper's 11 to 18, both, or none",
    )
    add_cluster(parser)
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cluster import each
    from visrftwin_ros.evaluation.evaluation import Question, evaluate, evaluated
    from visrftwin_ros.evaluation.figures.figure_list import draw_figures
    from visrftwin_ros.evaluation.figures.paper.figure_list import draw_paper_figures
    from visrftwin_ros.evaluation.latex_table import latex_table
    from visrftwin_ros.evaluation.predictors import usual_names
    from visrftwin_ros.evaluation.report import text_table
    from visrftwin_ros.evaluation.results import Options
    from visrftwin_ros.evaluation.study import Study, study_table, write_study
    from visrftwin_ros.site.loading import load_site

    bags, fits = arguments.bags, arguments.fit_bag
    names = arguments.site or [own_site(bag) for bag in bags]
    if len(names) not in (1, len(bags)):
        raise TwinError(f"{len(names)} sites for {len(bags)} bags: expected one, or one a bag")
    if len(fits) not in (0, 1, len(bags)):
        raise TwinError(f"{len(fits)} fit bags for {len(bags)} bags: expected one, or one a bag")
    sites = {name: load_site(name) for name in names}
    options = Options(
        predictors=tuple(filter(None, arguments.predictors.split(",")))
        or usual_names(fitted=bool(fits)),
        people=arguments.people,
        weights=arguments.weights,
        power_reference=arguments.power_reference,
        train_share=arguments.train_share,
        seed=arguments.seed,
        command=shlex.join(["visrftwin", *sys.argv[1:]]),
    )
    folder: Path = arguments.out
    ready = _room(folder, arguments.force)
    asked = [
        Question(
            bag,
            sites[names[number] if len(names) > 1 else names[0]],
            replace(options, fit_bag=fits[number if len(fits) > 1 else 0]) if fits else options,
        )
        for number, bag in enumerate(bags)
    ]
    states = []
    try:
        elsewhere = each(evaluated, asked, arguments.cluster) if arguments.cluster else None
        for number, (bag, one) in enumerate(zip(bags, asked, strict=True)):
            own = folder if len(bags) == 1 else folder / f"campaign_{number + 1:02d}_{bag.stem}"
            keep = _keeper(own, ready)
            if elsewhere is None:
                state = evaluate(
                    bag, one.site, one.options, keep, lambda step: progress_bar(step, "channel")
                )
            else:
                state = next(elsewhere)
                keep(state)
            for problem in state.problems:
                print(f"visrftwin: {bag}: {problem}", file=sys.stderr)
            if arguments.figures in ("scores", "all"):
                draw_figures(state, own)
            states.append(state)
        study = Study(tuple(states))
        if len(states) > 1:
            write_study(study, folder)
        (folder / "errors.tex").write_text(latex_table(study))
        paper = arguments.figures in ("paper", "all")
        drawn = draw_paper_figures(study, folder) if paper else []
    except KeyboardInterrupt as stopped:
        if folder.exists():
            stopped.add_note(f"{folder} holds what was scored until then, not complete")
        raise
    print(text_table(states[0]) if len(states) == 1 else study_table(study))
    print("\n".join([*drawn, f"{folder}: metrics.json, errors.csv, errors.tex, paired.csv"]))
    return 0


def _room(folder: Path, force: bool) -> Callable[[], None]:
    """Raises TwinError unless there may be room at `folder`; what it returns makes it, once."""
    kind = folder_kind("folder of an evaluation", *WRITTEN)
    check_room(folder, kind, force)
    made = False

    def make() -> None:
        nonlocal made
        if not made:
            make_room(folder, kind, force)
            folder.mkdir(parents=True)
            made = True

    return make


def _keeper(folder: Path, ready: Callable[[], None]) -> Callable[[Evaluation], None]:
    """Writes what there is so far of one campaign."""
    from visrftwin_ros.evaluation.report import write_reports

    def keep(state: Evaluation) -> None:
        with uninterrupted():
            ready()
            folder.mkdir(exist_ok=True)
            write_reports(state, folder)

    return keep
