"""`visrftwin doctor`: what is wrong with a machine or a running graph."""

from __future__ import annotations

import argparse

from visrftwin_ros.commands.options import add_site

NAME = "doctor"
HELP = "look at this machine and at a running twin; exit code 1 where something is wrong"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("--weights", default="", help="as of `visrftwin up`")
    parser.add_argument("--web-port", type=int, default=9090, help="as of `visrftwin up`")
    parser.add_argument("--grpc-port", type=int, default=9876, help="as of `visrftwin up`")
    parser.add_argument("--namespace", default="", help="of the twin that may run")
    parser.add_argument("--seconds", type=float, default=4.0, help="to listen to the graph")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.operations.doctor import look_at_graph, look_at_machine

    ports = arguments.web_port, arguments.grpc_port
    found = look_at_machine(arguments.site, arguments.weights, *ports)
    found += look_at_graph(arguments.namespace, arguments.seconds)
    for finding in found:
        print(f"{'WRONG' if finding.wrong else 'ok   '} {finding.subject}: {finding.said}")
    return int(any(finding.wrong for finding in found))
