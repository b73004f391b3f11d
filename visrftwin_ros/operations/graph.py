"""`visrftwin up`: the node table as processes, for machines without `ros2 launch`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

import yaml

from visrftwin_ros.nodes.shared.exit_codes import EXIT_CANNOT_START
from visrftwin_ros.operations.node_table import NodeSpec
from visrftwin_ros.site.loading import config_path

RESTART_DELAY = 1.0
MAX_RESTARTS = 5
RESTART_WINDOW = 60.0
GRACE = 8.0
"""Seconds that a node has to leave after SIGTERM."""
PR_SET_PDEATHSIG = 1
"""prctl option (linux/prctl.h): the signal that a child gets when its parent dies."""


class Graph:
    """Starts nodes, restarts those that die, stops all of them together."""

    def __init__(self, specs: Sequence[NodeSpec]) -> None:
        self._specs = list(specs)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._deaths: dict[str, deque[float]] = {s.full_name: deque() for s in specs}
        self._restart_at: dict[str, float] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="visrftwin-")
        self.finished: set[str] = set()
        self.restarted: list[str] = []

    def start(self) -> None:
        for spec in self._specs:
            self._start(spec)

    def _start(self, spec: NodeSpec) -> None:
        parameters = Path(self._folder.name) / (
            spec.full_name.strip("/").replace("/", ".") + ".yaml"
        )
        parameters.write_text(yaml.safe_dump({"/**": {"ros__parameters": spec.parameters}}))
        command = [sys.executable, "-m", f"visrftwin_ros.nodes.{spec.executable}", "--ros-args"]
        if spec.namespace:
            command += ["-r", f"__ns:={spec.namespace}"]
        for topic, name in spec.remapped.items():
            command += ["-r", f"{topic}:={name}"]
        command += [
            "--params-file",
            str(config_path("nodes.yaml")),
            "--params-file",
            str(parameters),
        ]
        # A session of its own: Ctrl-C in the terminal reaches only us, and we tell every node once.
        self._running[spec.full_name] = subprocess.Popen(
            command, start_new_session=True, preexec_fn=partial(_die_with, os.getpid())
        )

    def poll(self) -> int | None:
        """Looks after the processes once; an exit code when the graph cannot go on."""
        now = time.monotonic()
        for spec in self._specs:
            name = spec.full_name
            if name in self._restart_at:
                if now >= self._restart_at[name]:
                    del self._restart_at[name]
                    self.restarted.append(name)
                    self._start(spec)
                continue
            process = self._running.get(name)
            code = process.poll() if process else None
            if code is None:
                continue
            del self._running[name]
            if code == 0:
                self.finished.add(name)
            elif code == EXIT_CANNOT_START:
                _say(f"{name} cannot start (its reason is above); stopping the others")
                return EXIT_CANNOT_START
            elif not self._may_restart(name, now):
                _say(f"{name} died {MAX_RESTARTS + 1} times in {RESTART_WINDOW:.0f} s; giving up")
                return 1
            else:
                _say(f"{name} died (exit code {code}); restarting it")
                self._restart_at[name] = now + RESTART_DELAY
        return None

    def _may_restart(self, name: str, now: float) -> bool:
        deaths = self._deaths[name]
        deaths.append(now)
        while now - deaths[0] > RESTART_WINDOW:
            deaths.popleft()
        return len(deaths) <= MAX_RESTARTS

    @property
    def alive(self) -> bool:
        return bool(self._running or self._restart_at)

    def pid(self, full_name: str) -> int | None:
        process = self._running.get(full_name)
        return process.pid if process else None

    def stop(self) -> None:
        """Asks every node to leave, then insists."""
        self._restart_at.clear()
        # Not SIGINT: a node that is still importing would print a traceback.
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self._running.values():
                if process.poll() is None:
                    process.send_signal(number)
            deadline = time.monotonic() + GRACE
            while time.monotonic() < deadline and any(
                process.poll() is None for process in self._running.values()
            ):
                time.sleep(0.05)
        self._running.clear()
        self._folder.cleanup()


def run_graph(specs: Sequence[NodeSpec], until: Callable[[Graph], bool] | None = None) -> int:
    """Runs the nodes until Ctrl-C, until `until` says so, or until one cannot go on."""
    graph = Graph(specs)
    stop_asked = False

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        nonlocal stop_asked
        stop_asked = True

    previous = {n: signal.signal(n, ask_to_stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        graph.start()
        while not stop_asked and graph.alive:
            code = graph.poll()
            if code is not None:
                return code
            if until is not None and until(graph):
                return 0
            time.sleep(0.1)
        return 130 if stop_asked else 0
    finally:
        graph.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _say(text: str) -> None:
    print(f"[visrftwin up] {text}", file=sys.stderr, flush=True)
