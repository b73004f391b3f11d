"""`visrftwin decide`: what hand-over policies would have been worth in campaigns with true channels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from visrftwin_ros.commands.json_rows import add_json, check_json, write_json
from visrftwin_ros.commands.options import add_site

if TYPE_CHECKING:
    from visrftwin_ros.evaluation.decisions import Decisions

NAME = "decide"
HELP = "play hand-over policies over campaigns with true channels; seconds out of service, bits"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bags", type=Path, nargs="+", help="rosbag2 folders, or their .mcap files")
    add_site(parser)
    parser.add_argument(
        "--rate", type=float, default=1e9, help="bit/s above the MAC that a robot needs"
    )
    parser.add_argument("--interruption", type=float, default=0.3, help="s that a hand-over takes")
    parser.add_argument("--old-serves", action="store_true", help="the old link serves meanwhile")
    parser.add_argument(
        "--missed",
        type=float,
        default=0.0,
        help="share of the time for which each person is not seen; 0 to 0.9",
    )
    parser.add_argument("--seed", type=int, default=1, help="of noise and misses")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.beams.hand_over_plan import Service
    from visrftwin_ros.cache import cache_folder
    from visrftwin_ros.errors import TwinError
    from visrftwin_ros.evaluation.decisions import decide
    from visrftwin_ros.site.loading import load_site
    from visrftwin_ros.twin.engine import TwinEngine

    if not 0 <= arguments.missed <= 0.9:
        raise TwinError(f"--missed {arguments.missed:g}: expected a share from 0 to 0.9")
    if not 0 < arguments.interruption <= 3 or not arguments.rate > 0:
        raise TwinError("expected --interruption over 0 and up to 3 s, and --rate over 0 bit/s")
    check_json(arguments)
    site = load_site(arguments.site)
    service = Service(arguments.rate, arguments.interruption, arguments.old_serves)
    engine = TwinEngine(site, cache_folder("paths"), threads=2)
    try:
        played = [
            decide(bag, site, engine, service, arguments.seed, arguments.missed)
            for bag in arguments.bags
        ]
    finally:
        engine.close()
    for one in played:
        for problem in one.problems:
            print(f"{one.source}: {problem}")
    print(table(played))
    write_json(arguments, rows(played))
    return 0


def rows(played: list[Decisions]) -> list[dict[str, object]]:
    """One a bag, robot and policy."""
    return [
        {
            "bag": str(one.source),
            "robot": outcome.robot,
            "policy": outcome.policy,
            "told": one.told[outcome.policy],
            **vars(outcome.score),
        }
        for one in played
        for outcome in one.outcomes
    ]


def table(played: list[Decisions]) -> str:
    """Sums over all bags and robots; the share of the gap from reacting to the oracle that each
    policy closes, with the 95 % interval of a bootstrap over bags."""
    from visrftwin_ros.evaluation.decisions import summary

    lines = [
        "| policy | s out of service | of the gap from react to oracle | mean Gbit/s | hand-overs"
        " | useless | missed | bags worse than react | told |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in summary(played):
        low, high = line.closed_interval
        lines.append(
            f"| {line.policy} | {line.out:.2f} of {line.seconds:.0f} | {line.closed:.0%}"
            f" ({low:.0%} to {high:.0%}) | {line.bits / 1e9:.2f} | {line.hand_overs} |"
            f" {line.useless} | {line.missed} | {line.worse} of {len(played)} | {line.told} |"
        )
    return "\n".join(lines)
