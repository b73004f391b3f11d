"""Writes requirements-beside-ros.lock: what requirements.lock has besides ROS, for machines that have one.

Run it with .venv/bin/python after requirements.lock has changed and `make setup` has installed it. A second ROS over a
sourced one hides it, and the wheels that only ROS needs (empy, lark, catkin_pkg, ...) are of other versions than its.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

OF_THE_LOCK = {"python_version": "3.11", "python_full_version": "3.11.0"}
"""Whatever Python this runs on: requirements.lock is of the lowest, whose packages are the most."""
ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BESIDE = ROOT / "requirements-beside-ros.lock"
HEAD = (
    "# Of requirements.lock what no ROS brings: for a machine with ROS 2 Jazzy, as docs/ros.md says.\n"
    "# Written by: .venv/bin/python scripts/lock_beside_ros.py\n"
)


def lock_beside_ros() -> str:
    """The file's text, from the lock and the metadata of what is installed of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [
        *project["dependencies"],
        *(r for name in extras if name != "ros" for r in extras[name]),
    ]
    lines = {
        _plain(line.split("==")[0]): line for line in LOCK.read_text().splitlines() if "==" in line
    }
    needed = {name for name in closure(asked) if name in lines}
    return HEAD + "".join(f"{lines[name]}\n" for name in lines if name in needed)


def closure(requirements: Iterable[str]) -> set[str]:
    """Names of all that these ask for, and that asks for, on this kind of machine."""
    waiting = [Requirement(text) for text in requirements]
    found: dict[str, set[str]] = {}
    while waiting:
        one = waiting.pop()
        name = _plain(one.name)
        if name in found and one.extras <= found[name]:
            continue
        found.setdefault(name, set()).update(one.extras)
        try:
            wanted = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue  # the lock leaves it out
        for other in wanted:
            asked_by = ["", *one.extras]
            places = [{**OF_THE_LOCK, "extra": extra} for extra in asked_by]
            if other.marker is None or any(map(other.marker.evaluate, places)):
                waiting.append(other)
    return set(found)


def _plain(name: str) -> str:
    """As PyPI compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    BESIDE.write_text(lock_beside_ros())
    print(f"{BESIDE.name}: written", file=sys.stderr)
