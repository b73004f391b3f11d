"""`visrftwin decide`: what hand-over policies would have been worth in campaigns with true channels."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from visrftwin_ros.commands.options import add_cluster, add_force, add_sites, own_site
from visrftwin_ros.outputs import check_room, folder_kind, make_room

NAME = "decide"
HELP = "play hand-over policies over campaigns with true channels; seconds out of service, bits"

_WRITTEN = folder_kind(
    "folder of decisions", "report.md", "decisions.json", "reliability.png", "policies.png"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bags", type=Path, nargs="+", help="rosbag2 folders, or their .mcap files")
    add_sites(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--rate", type=float, default=1e9, help="bit/s above the MAC that a robot needs"
    )
    parser.add_argument("--interruption", type=float, default=0.3, help="s that a hand-over takes")
    parser.add_argument(
        "--missed",
        type=float,
        default=0.0,
        help="share of the time for which each person is not seen; 0 to 0.9",
    )
    parser.add_argument("--seed", type=int, default=1, help="of noise and misses")
    add_cluster(parser)
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.beams.hand_over_plan import Service
    from visrftwin_ros.cluster import each
    from visrftwin_ros.errors import TwinError
    from visrftwin_ros.evaluation.decision_report import table, write_report
    from visrftwin_ros.evaluation.decisions import MEANWHILE, Decisions, Question, decided
    from visrftwin_ros.site.loading import load_site

    bags = arguments.bags
    names = arguments.site or [own_site(bag) for bag in bags]
    if len(names) not in (1, len(bags)):
        raise TwinError(f"{len(names)} sites for {len(bags)} bags: expected one, or one a bag")
    if not 0 <= arguments.missed <= 0.9:
        raise TwinError(f"--missed {arguments.missed:g}: expected a share from 0 to 0.9")
    if not 0 < arguments.interruption <= 3 or not arguments.rate > 0:
        raise TwinError("expected --interruption over 0 and up to 3 s, and --rate over 0 bit/s")
    check_room(arguments.out, _WRITTEN, arguments.force)
    service = Service(arguments.rate, arguments.interruption)
    sites = {name: load_site(name) for name in names}
    asked = [
        Question(bag, sites[name], service, arguments.seed, arguments.missed)
        for bag, name in zip(bags, names if len(names) > 1 else names * len(bags), strict=True)
    ]
    played: list[Decisions] = []

    def write() -> None:
        make_room(arguments.out, _WRITTEN, arguments.force)
        arguments.out.mkdir(parents=True)
        write_report(played, len(bags), arguments.out, shlex.join(["visrftwin", *sys.argv[1:]]))

    try:
        for bag, one in zip(bags, each(decided, asked, arguments.cluster), strict=True):
            for problem in one.problems:
                print(f"visrftwin: {bag}: {problem}", file=sys.stderr)
            played.append(one)
    except KeyboardInterrupt as stopped:
        if played:
            write()
            stopped.add_note(f"{arguments.out} holds the first {len(played)} of {len(bags)} bags")
        raise
    write()
    for meanwhile in MEANWHILE:
        print(f"During a hand-over {meanwhile}:\n{table(played, meanwhile)}")
    print(f"{arguments.out}: report.md, policies.png, decisions.json, reliability.png")
    return 0
