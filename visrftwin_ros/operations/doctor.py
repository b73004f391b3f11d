"""What is wrong with a machine or a running graph, and what would be right: for `visrftwin doctor`."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.loading import config_path, load_site

RANGES = ("LOCALHOST", "SUBNET", "OFF", "SYSTEM_DEFAULT")
RESULTS = ("people", "channels", "beams")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `wrong` where something has to be done, which `said` then names."""

    subject: str
    said: str
    wrong: bool = False


def look_at_machine(site: str, weights: str, web_port: int, grpc_port: int) -> list[Finding]:
    """DDS, site, weights, ports and caches, before a graph runs or beside one."""
    return [
        *_dds(),
        *_site(site, weights),
        *(_port(name, port) for name, port in (("page", web_port), ("data", grpc_port))),
        _cache("paths"),
        _cache("page"),
    ]


def _dds() -> list[Finding]:
    given = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    bad = given not in RANGES
    remedy = f"; expected one of {', '.join(RANGES)}" if bad else ""
    found = [Finding("DDS range", f"{given}, domain {domain}{remedy}", bad)]
    profile = os.environ.get(
        "FASTRTPS_DEFAULT_PROFILES_FILE", str(config_path("fastdds_images.xml"))
    )
    missing = not Path(profile).is_file()
    remedy = ": no such file; unset FASTRTPS_DEFAULT_PROFILES_FILE" if missing else ""
    return [*found, Finding("DDS profile", f"{profile}{remedy}", missing)]


def _site(name: str, weights: str) -> list[Finding]:
    try:
        site = load_site(name)
        found = [Finding("site", describe(site).splitlines()[0])]
    except TwinError as error:
        return [Finding("site", str(error), True)]
    try:
        table = node_table(site, name, weights=weights)
    except TwinError as error:
        return [*found, Finding("weights", str(error), True)]
    for spec in table:
        if spec.executable == "people_detector":
            file = spec.parameters["weights"]
            gone = bool(file) and not Path(file).exists()
            said = f"{file or 'none: the motion detector'}{': not there' if gone else ''}"
            found.append(Finding(f"weights of {spec.parameters['camera']}", said, gone))
    return found


def _port(name: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return Finding(
                f"port of the {name}", f"{port}: {error.strerror}, by a viewer or others"
            )
    return Finding(f"port of the {name}", f"{port} is free")


def _cache(name: str) -> Finding:
    folder = cache_folder(name)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK):
        return Finding(f"cache {name}", f"{there} cannot be written: set XDG_CACHE_HOME", True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Finding(f"cache {name}", f"{folder}, {size / 1e6:.0f} MB")


def look_at_graph(namespace: str, seconds: float) -> list[Finding]:
    """The nodes that run, what they complain of, and the rates of their results.

    Listens for so long; without a graph there is one finding, that is not wrong.
    """
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.executors import SingleThreadedExecutor

    from visrftwin_ros.msg import BeamDecisions, LinkChannels, TrackedPeople
    from visrftwin_ros.nodes.shared.twin_node import OK, RESULT_QOS

    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    root = f"/{namespace.strip('/')}" if namespace.strip("/") else ""
    rclpy.init()
    node = rclpy.create_node("doctor")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    statuses: dict[str, tuple[bytes, str]] = {}
    counts: Counter[str] = Counter()

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(f"{root.lstrip('/')}/" if root else ""):
                statuses[status.name] = status.level, status.message

    def on_result(name: str, message: Any) -> None:
        counts[name] += 1

    try:
        node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, RESULT_QOS)
        for name, kind in zip(RESULTS, (TrackedPeople, LinkChannels, BeamDecisions), strict=True):
            node.create_subscription(kind, f"{root}/{name}", partial(on_result, name), RESULT_QOS)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            executor.spin_once(timeout_sec=0.1)
        publishers = {name: node.count_publishers(f"{root}/{name}") for name in RESULTS}
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    if not statuses:
        return [Finding("graph", f"no node of a twin was heard for {seconds:.0f} s")]
    names = sorted({name.partition(":")[0] for name in statuses})
    found = [Finding("graph", f"{len(names)} nodes: {', '.join(names)}")]
    found += [
        Finding(name, text, True) for name, (level, text) in sorted(statuses.items()) if level != OK
    ]
    for name in RESULTS:
        said = f"{counts[name] / seconds:.1f} a second from {publishers[name]} publishers"
        found.append(Finding(f"topic {root}/{name}", said, publishers[name] > 1))
    return found
