"""`visrftwin up`: the node table as processes, started, watched, ended."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from visrftwin_ros.nodes.shared.exit_codes import EXIT_CANNOT_START
from visrftwin_ros.operations.domain import check_domain
from visrftwin_ros.operations.node_process import NodeProcess
from visrftwin_ros.operations.node_table import NodeSpec
from visrftwin_ros.operations.shared_memory import remove_left_over

RESTART_DELAY = 0.25
"""Seconds before a node that died twice is started again, and twice as many each further time; the
first time it is at once."""
MAX_RESTARTS = 5
RESTART_WINDOW = 60.0
LOOK_PERIOD = 0.1
PATIENCE = 10.0
"""Seconds after which what only looks is started though others are not at work yet."""
GRACE = 2.5
"""Seconds that a node has to leave after SIGTERM."""


class Graph:
    """Starts nodes, restarts those that die or hang, stops all of them together.

    A node that only looks, such as the viewer, never ends the others: where it cannot start, or dies
    again and again, it is left out. It is started when they are at work, not to keep them waiting.
    """

    def __init__(self, specs: Sequence[NodeSpec]) -> None:
        self._specs = list(specs)
        self._running: dict[str, NodeProcess] = {}
        self._deaths: dict[str, deque[float]] = {s.full_name: deque() for s in specs}
        self._restart_at: dict[str, float] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="visrftwin-")
        self._looked_at = self._started_at = time.monotonic()
        self._later: list[NodeSpec] = []
        self.finished: set[str] = set()
        self.left_out: set[str] = set()
        self.restarted: list[str] = []

    def start(self) -> None:
        check_domain()
        self._looked_at = self._started_at = time.monotonic()
        remove_left_over()  # of a twin that was killed, before another one needs the memory
        self._later = [spec for spec in self._specs if spec.only_looks]
        for spec in self._specs:
            if not spec.only_looks:
                self._start(spec)
        self._start_others()

    def _start_others(self) -> None:
        """What only looks, once all else has shown a heartbeat or PATIENCE is over."""
        beating = all(process.has_beaten for process in self._running.values())
        if beating or time.monotonic() - self._started_at > PATIENCE:
            for spec in self._later:
                self._start(spec)
            self._later = []

    def _start(self, spec: NodeSpec) -> None:
        folder = Path(self._folder.name)
        self._running[spec.full_name] = NodeProcess(spec, folder, time.monotonic())

    def poll(self) -> int | None:
        """Looks after the processes once; an exit code when the graph cannot go on."""
        now = time.monotonic()
        late = now - self._looked_at - 10 * LOOK_PERIOD
        self._looked_at = now
        if self._later:
            self._start_others()
        for spec in self._specs:
            name = spec.full_name
            if name in self._restart_at and now >= self._restart_at[name]:
                del self._restart_at[name]
                self.restarted.append(name)
                self._start(spec)
            process = self._running.get(name)
            if process is None:
                continue
            if late > 0:  # we stood still, and may have stopped the nodes with us
                process.excuse(late)
            hangs = process.fault(now) if process.exit_code() is None else ""
            if hangs:
                _say(f"{name} {hangs}: ending it")
            if hangs or process.exit_code() is not None:
                del self._running[name]
                ends_with = self._ended(spec, process.end(), now)
                if ends_with is not None:
                    return ends_with
        return None

    def _ended(self, spec: NodeSpec, code: int, now: float) -> int | None:
        """What follows from the end of a node; an exit code when the graph cannot go on."""
        name = spec.full_name
        if code == 0:
            self.finished.add(name)
            return None
        remove_left_over()
        if code == EXIT_CANNOT_START:
            why, ends_with = "cannot start (its reason is above)", EXIT_CANNOT_START
        elif not self._may_restart(name, now):
            why, ends_with = f"died {MAX_RESTARTS + 1} times in {RESTART_WINDOW:.0f} s", 1
        else:
            _say(f"{name} died (exit code {code}); restarting it")
            again = len(self._deaths[name]) - 1
            self._restart_at[name] = now + (RESTART_DELAY * 2 ** (again - 1) if again else 0.0)
            return None
        if spec.only_looks:
            _say(f"{name} {why}; the others go on without it")
            self.left_out.add(name)
            return None
        _say(f"{name} {why}; stopping the others")
        return ends_with

    def _may_restart(self, name: str, now: float) -> bool:
        deaths = self._deaths[name]
        deaths.append(now)
        while now - deaths[0] > RESTART_WINDOW:
            deaths.popleft()
        return len(deaths) <= MAX_RESTARTS

    @property
    def alive(self) -> bool:
        return bool(self._running or self._restart_at or self._later)

    def pid(self, full_name: str) -> int | None:
        process = self._running.get(full_name)
        return process.pid if process else None

    def stop(self) -> None:
        """Asks every node to leave, then insists."""
        self._restart_at.clear()
        self._later.clear()
        for process in self._running.values():
            process.ask_to_leave()
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and any(
            process.exit_code() is None for process in self._running.values()
        ):
            time.sleep(0.02)
        for process in self._running.values():
            process.end()
        remove_left_over()
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
            time.sleep(LOOK_PERIOD)
        return 130 if stop_asked else 0
    finally:
        graph.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    print(f"[visrftwin up] {text}", file=sys.stderr, flush=True)
