"""`visrftwin doctor`: what is wrong with a machine or a running graph."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from visrftwin_ros.commands.options import add_remap, add_site, remap_rules
from visrftwin_ros.errors import TwinError

if TYPE_CHECKING:
    from visrftwin_ros.operations.doctor import Finding

NAME = "doctor"
HELP = "look at this machine and at a running twin; exit code 1 where something is wrong"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("--weights", default="", help="as of `visrftwin up`")
    parser.add_argument("--web-port", type=int, default=9090, help="as of `visrftwin up`")
    parser.add_argument("--grpc-port", type=int, default=9876, help="as of `visrftwin up`")
    parser.add_argument("--namespace", default="", help="of the twin that may run")
    add_remap(parser)
    parser.add_argument("--seconds", type=float, default=4.0, help="to listen to the graph")
    parser.add_argument(
        "--json",
        action="store_true",
        help="a list of {subject, said, wrong, awaited} instead of lines",
    )
    parser.epilog = "Exit code: 0 nothing is wrong, 1 something is, 2 bad arguments."


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.operations.doctor import Finding, look_at_machine
    from visrftwin_ros.operations.graph_doctor import look_at_graph
    from visrftwin_ros.operations.node_table import node_table
    from visrftwin_ros.site.loading import load_site

    if not 0.5 <= arguments.seconds <= 3600:
        raise TwinError(f"--seconds {arguments.seconds:g}: expected 0.5 to 3600")
    remapped = remap_rules(arguments.remap)
    ports = arguments.web_port, arguments.grpc_port
    found = look_at_machine(arguments.site, arguments.weights, *ports)
    try:
        site = load_site(arguments.site)
    except TwinError:  # a finding by now
        site = None
    # Any weights: what is wrong with those given is a finding by now, and names need none.
    names = {"weights": "any", "namespace": arguments.namespace}
    table = [] if site is None else node_table(site, arguments.site, **names)
    if why := _cannot_listen(found):
        found.append(Finding("graph", f"not listened to: {why}", True))
    else:
        with _nothing_printed_by_others():
            found += look_at_graph(site, table, arguments.namespace, arguments.seconds, remapped)
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            mark = "WRONG" if finding.wrong else "-" if finding.awaited else "ok"
            print(f"{mark:5} {finding.subject}: {finding.said}")
    return int(any(finding.wrong for finding in found))


def _cannot_listen(found: Sequence[Finding]) -> str:
    """Why no node can start here, not even one that only listens; '' where one can."""
    from visrftwin_ros.operations.doctor import MIDDLEWARE_FOUND
    from visrftwin_ros.operations.domain import check_domain

    try:
        check_domain()
    except TwinError as error:
        return str(error)
    return next((one.said for one in found if one.wrong and one.subject == MIDDLEWARE_FOUND), "")


@contextmanager
def _nothing_printed_by_others() -> Iterator[None]:
    """What DDS's own code prints meanwhile goes to the standard error: scripts read ours."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(ours, 1)
        os.close(ours)
