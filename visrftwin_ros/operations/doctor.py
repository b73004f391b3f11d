"""What is wrong with a machine, and what would be right: for `visrftwin doctor`."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.domain import LAST_DOMAIN
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.operations.shared_memory import FOLDER, left_over
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.loading import config_path, load_site

RANGES = ("LOCALHOST", "SUBNET", "OFF", "SYSTEM_DEFAULT")
MIDDLEWARE = "rmw_fastrtps_cpp"
"""The one of the wheels."""
MIDDLEWARE_FOUND = "middleware"
"""The subject; where it is wrong, ROS ends whichever process loads it."""
LEAST_FREE = 0.1
"""Of the machine's memory."""
SHARED_BYTES = 128_000_000
"""Of /dev/shm: two cameras' segments of 32 MB, and as much again for the rest."""
NODE_MODULES = "visrftwin_ros.nodes."


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `wrong` where something has to be done, which `said` then names; `awaited`
    where it is not there yet and nothing is wrong with that."""

    subject: str
    said: str
    wrong: bool = False
    awaited: bool = False


def look_at_machine(site: str, weights: str, web_port: int, grpc_port: int) -> list[Finding]:
    """DDS, memory, site, weights, ports and caches, before a graph runs or beside one."""
    return [
        *_dds(),
        *_memory(),
        *_site(site, weights),
        *(_port(name, port) for name, port in (("page", web_port), ("data", grpc_port))),
        *map(_cache, ("paths", "numba", "page")),
    ]


def _dds() -> list[Finding]:
    given = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    bad = given not in RANGES
    remedy = f"; expected one of {', '.join(RANGES)}" if bad else ""
    found = [Finding("DDS range", f"{given}{remedy}", bad)]
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    bad = not domain.isdecimal() or int(domain) > LAST_DOMAIN
    remedy = f"; expected 0 to {LAST_DOMAIN}" if bad else ""
    found.append(Finding("DDS domain", f"{domain}{remedy}", bad))
    profile = os.environ.get(
        "FASTRTPS_DEFAULT_PROFILES_FILE", str(config_path("fastdds_images.xml"))
    )
    fault = _profile_fault(Path(profile))
    remedy = f": {fault}; correct it, or unset FASTRTPS_DEFAULT_PROFILES_FILE" if fault else ""
    found.append(Finding("DDS profile", f"{profile}{remedy}", bool(fault)))
    wanted = os.environ.get("RMW_IMPLEMENTATION", "") or MIDDLEWARE
    if wanted != MIDDLEWARE:
        said = f"{wanted} is not among the wheels: unset RMW_IMPLEMENTATION, or use a full ROS 2"
        found.append(Finding(MIDDLEWARE_FOUND, said, find_library(wanted) is None))
    if os.environ.get("ROS_SECURITY_ENABLE", "").lower() == "true":
        said = "ROS_SECURITY_ENABLE is set, but the wheels have no security plug-in: no node starts"
        found.append(Finding("security", f"{said}; unset it, or use a full ROS 2", True))
    return found


def _profile_fault(file: Path) -> str:
    """What is wrong with a profile of Fast DDS, which only logs it and goes on without."""
    if not file.is_file():
        return "no such file"
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        return f"no XML ({error})"
    known = root.tag.rpartition("}")[2] in ("profiles", "dds")
    return "" if known else f"it holds <{root.tag}>, expected <profiles> or <dds>"


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
    said = f"{folder}, {size / 1e6:.0f} MB"
    others = folder.exists() and folder.stat().st_mode & 0o022
    said += (
        f": others may write it, and what it holds is trusted; chmod 700 {folder}" if others else ""
    )
    return Finding(f"cache {name}", said, bool(others))


def _memory() -> list[Finding]:
    """Of the machine, of the folder that DDS shares memory in, and of the processes of a graph."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(facts[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    short = free < LEAST_FREE * total
    said = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB are free"
    said += ": end what takes it; the kernel kills processes soon" if short else ""
    found = [Finding("memory", said, short)]
    shared = shutil.disk_usage(FOLDER).free if FOLDER.is_dir() else 0
    few, left = shared < SHARED_BYTES, left_over()
    said = f"{shared / 1e6:.0f} MB are free in {FOLDER}"
    if left:
        said += f", {left / 1e6:.0f} MB are left there by processes that were killed: `visrftwin up` removes them"
    if few:
        said += (
            f", expected {SHARED_BYTES / 1e6:.0f}: images are lost without; enlarge it"
            " (docker run --shm-size=1g)"
        )
    found.append(Finding("shared memory", said, few))
    processes = sorted(_node_processes(), reverse=True)
    if processes:
        each = ", ".join(f"{name} {size / 1e6:.0f}" for size, name in processes)
        whole = sum(size for size, _ in processes)
        found.append(Finding("memory of nodes", f"{whole / 1e6:.0f} MB: {each}"))
    return found


def _node_processes() -> Iterator[tuple[int, str]]:
    """Resident bytes and name of every process of ours that is a node."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            pages = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError):  # it has just ended
            continue
        if pages and "-m" in words and NODE_MODULES in (word := words[words.index("-m") + 1]):
            yield pages * os.sysconf("SC_PAGE_SIZE"), word.removeprefix(NODE_MODULES)
