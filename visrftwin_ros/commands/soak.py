"""`visrftwin soak`: a twin that runs for hours while faults are done to it."""

from __future__ import annotations

import argparse
from pathlib import Path

from visrftwin_ros.commands.options import add_force, count
from visrftwin_ros.lab import shipped
from visrftwin_ros.operations.soak.faults import KINDS

NAME = "soak"
HELP = "run a twin for hours, harm it by a schedule, and report growth, recovery and staleness"


def add_options(parser: argparse.ArgumentParser) -> None:
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--hours", type=_hours, default=0.0, help="how long")
    length.add_argument("--once", action="store_true", help="every fault once, one by one")
    parser.add_argument("--site", default=shipped.SITE, help="name, folder or site.yaml")
    parser.add_argument(
        "--bag", default=str(shipped.BAG), help="recording of the site, played as live sensors"
    )
    parser.add_argument("--seed", type=count, default=0, help="of the schedule")
    parser.add_argument(
        "--every", type=_seconds, default=40.0, help="seconds between two faults on average"
    )
    parser.add_argument(
        "--faults",
        type=_names,
        default=KINDS,
        help=f"some of {','.join(KINDS)}; all by default",
    )
    parser.add_argument(
        "--targets",
        type=_names,
        default=("*",),
        help='nodes, sensors, "every sensor", tf and "system clock" that they are done to, by shell'
        " patterns with commas between; all by default",
    )
    parser.add_argument(
        "--no-viewer", dest="viewer", action="store_false", help="without the web page"
    )
    parser.add_argument("--out", type=Path, default=Path("out/soak"), help="folder to write")
    add_force(parser)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _hours(text: str) -> float:
    return _number(text, 1 / 60, 10_000.0, "hours")


def _seconds(text: str) -> float:
    return _number(text, 5.0, 86_400.0, "seconds")


def _number(text: str, least: float, most: float, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"expected {least:.2g} to {most:.0f} {unit}, not {text!r}")
    return value


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.operations.soak.run import Plan, run_soak

    plan = Plan(
        arguments.site,
        arguments.bag,
        arguments.hours,
        arguments.seed,
        arguments.every,
        arguments.faults,
        arguments.targets,
        arguments.viewer,
    )
    return run_soak(plan, arguments.out, arguments.force)
