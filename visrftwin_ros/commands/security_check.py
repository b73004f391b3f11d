"""`visrftwin security check`: whether a running twin needs what a policy permits, and no more."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from visrftwin_ros.errors import TwinError

NAME = "security check"
HELP = "compare SROS2 policies with the twin that runs; exit code 1 where they differ"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("policy", type=Path, help="as written by `visrftwin security policies`")
    parser.add_argument("--seconds", type=float, default=4.0, help="to wait for nodes")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.operations.security import differences, permitted, running

    policy = permitted(arguments.policy)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    graph = running(policy, arguments.seconds)
    if not graph:
        raise TwinError(f"none of the {len(policy)} nodes of {arguments.policy} runs")
    found = differences(policy, graph)
    for node, what in found:
        print(f"{node} {what}")
    for node in sorted(set(policy) - set(graph)):
        print(f"{node} does not run")
    print(f"{len(graph)} nodes, {len(found)} differences")
    return int(bool(found))
