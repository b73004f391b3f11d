"""A node's process leaves within two seconds of being asked, whatever it does, and never by a crash."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from visrftwin_ros.operations.node_process import NodeProcess
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.site.loading import load_site

SOONEST = 2.0
"""Seconds from SIGTERM to the end of the process."""
STARTS = int(os.environ.get("VISRFTWIN_STARTS", "8"))
"""Nodes started and stopped at any moment of their start; 500 takes half an hour."""
SEED = int(os.environ.get("VISRFTWIN_STARTS_SEED", "12"))
ASKED = (0, -signal.SIGTERM)
"""Exit codes of who was asked to leave; the second while Python still imports."""


@pytest.mark.timeout(240)
def test_every_node_that_runs_leaves_soon_and_in_order(tmp_path: Path) -> None:
    running = _started(_table(), tmp_path)
    deadline = time.monotonic() + 180.0
    while not all(process.has_beaten for process in running.values()):
        assert time.monotonic() < deadline, "a node does not come up"
        for process in running.values():
            process.fault(time.monotonic())
            assert process.exit_code() is None
        time.sleep(0.1)
    codes, seconds = _stopped(running)
    assert codes == dict.fromkeys(running, 0)
    assert seconds < SOONEST


SWALLOWS = """
import os, signal
from visrftwin_ros.nodes.shared.twin_node import TwinNode, run

class Swallows(TwinNode):
    def configure(self) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            while True:
                pass
        except KeyboardInterrupt as interrupt:
            if {again}:
                while True:
                    pass
            raise SystemError("returned a result with an exception set") from interrupt

run(Swallows, "swallows")
"""


@pytest.mark.parametrize("again", [False, True])
def test_who_is_asked_to_leave_has_not_failed_whatever_a_library_makes_of_it(again: bool) -> None:
    """As Mitsuba does, whose code is rewritten while it is imported; and as Numba does, which goes on."""
    script = SWALLOWS.format(again=again)
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.timeout(60 + 12 * STARTS)
def test_a_node_that_starts_leaves_soon_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    table = _table()
    for start in range(STARTS):
        spec = table[start % len(table)]
        running = _started([spec], tmp_path)
        time.sleep(chance.uniform(0.0, 6.0))
        codes, seconds = _stopped(running)
        assert set(codes.values()) <= set(ASKED), f"start {start}"
        assert seconds < SOONEST, f"start {start}: {spec.executable} took {seconds:.1f} s"


def _table() -> list[NodeSpec]:
    page = {"web_port": 0}
    return node_table(load_site("pets_campus"), "pets_campus", page=page)


def _started(specs: list[NodeSpec], folder: Path) -> dict[str, NodeProcess]:
    now = time.monotonic()
    return {spec.executable: NodeProcess(spec, folder, now) for spec in specs}


def _stopped(running: dict[str, NodeProcess]) -> tuple[dict[str, int | None], float]:
    """The exit codes, and the seconds until the last one had left; none leaves children behind."""
    since = time.monotonic()
    for process in running.values():
        process.ask_to_leave()
    while any(process.exit_code() is None for process in running.values()):
        assert time.monotonic() - since < 30.0
        time.sleep(0.01)
    seconds = time.monotonic() - since
    left = [pid for process in running.values() for pid in _session(process.pid)]
    codes: dict[str, int | None] = {name: process.end() for name, process in running.items()}
    assert left == []
    return codes, seconds


def _session(leader: int) -> list[str]:
    """Processes of a session that are no zombies, a moment after its leader has left."""
    for _ in range(20):
        found = subprocess.run(["pgrep", "-s", str(leader), "-r", "R,S,D,T"], capture_output=True)
        if not found.stdout:
            return []
        time.sleep(0.05)
    return found.stdout.decode().split()
