"""`visrftwin fleet`: the state of many twins, one line each."""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict

from visrftwin_ros.commands.options import positive

NAME = "fleet"
HELP = "tell the state of every twin that is heard, one line each"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=positive, default=3, help="how long it listens (default 3)"
    )
    parser.add_argument("--watch", action="store_true", help="tell again and again, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON list a time")
    parser.add_argument(
        "--open-network", action="store_true", help="hear other machines as well, as of `up`"
    )


def run(arguments: argparse.Namespace) -> int:
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.executors import SingleThreadedExecutor

    from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS
    from visrftwin_ros.operations.domain import check_domain
    from visrftwin_ros.operations.fleet import Fleet

    check_domain()
    if arguments.open_network:
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "SUBNET"
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    context = rclpy.Context()
    rclpy.init(context=context, args=[])
    node = rclpy.create_node("fleet", context=context, use_global_arguments=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    fleet = Fleet()

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            level = int.from_bytes(status.level, "little")
            fleet.hear(status.name, level, status.message, values, time.monotonic())

    node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, RESULT_QOS)
    try:
        while True:
            deadline = time.monotonic() + arguments.seconds
            while time.monotonic() < deadline:
                executor.spin_once(timeout_sec=0.1)
            states = fleet.states(time.monotonic())
            if arguments.json:
                print(json.dumps([asdict(state) for state in states]), flush=True)
            else:
                lines = [state.line() for state in states] or ["no twin was heard"]
                print("\n".join(lines), flush=True)
            if not arguments.watch:
                return 0 if states and all(state.well for state in states) else 1
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown(context=context)
