"""`visrftwin soak`: a live graph on looped sensors, harmed by a schedule, watched, reported."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.domain import apart
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.operations.soak.faults import (
    CLOCK,
    EVERY,
    SHIFT,
    TF,
    Cast,
    Fault,
    all_faults,
    schedule,
)
from visrftwin_ros.operations.soak.growth import Reading, look_at, processor_time
from visrftwin_ros.operations.soak.judging import HEALTHY, OUTPUTS, Done, surely_after
from visrftwin_ros.operations.soak.report import Soak, draw, text, write
from visrftwin_ros.operations.soak.sensors import recorded
from visrftwin_ros.operations.soak.set_clock import SetClock
from visrftwin_ros.outputs import check_room, folder_kind, make_room
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.viewing.page_relay import free_port

SOAK = folder_kind("folder of a soak", "soak.json", "soak.md", "memory.png", "nodes.log")
TICK = 0.05
SAMPLED_EVERY = 5.0
SAVED_EVERY = 60.0
STOPPED, GOING = 3, 1
"""Ticks that a node which is slowed stands, and goes."""
STARTS_WITHIN = 300.0
"""s until a graph gives out fresh channels; a site whose paths are not cached is traced first."""
PATIENCE = 30.0
"""s for fresh outputs after a fault, and for a restart."""
FASTEST_SILENCE = 0.5
"""s between two messages of a sensor from which people are not fresh by it alone."""

Steps = Generator[None, None, None]
"""What is done, a step a tick."""


@dataclass(frozen=True)
class Plan:
    """hours: how long; 0 = every fault once. every: s between two faults on average. kinds, targets:
    as of `all_faults`."""

    site: str
    bag: str
    hours: float
    seed: int
    every: float
    kinds: tuple[str, ...]
    targets: tuple[str, ...]
    viewer: bool


def run_soak(plan: Plan, out: Path, force: bool) -> int:
    """0 where all targets hold, 1 where one does not, 130 on Ctrl-C; what was found is in `out`."""
    import rclpy

    check_room(out, SOAK, force)
    table = live_table(plan)
    sensors, fast = sensors_of(plan.bag)
    with ExitStack() as stack:
        stack.enter_context(apart())
        clock = SetClock(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        cast = Cast(tuple(s.full_name for s in table), sensors, fast, clock.can_be_set)
        faults = all_faults(cast, plan.kinds, plan.targets)
        if not faults:
            known = ", ".join((*cast.nodes, *sensors, TF, EVERY, CLOCK))
            raise TwinError(f"nothing is done to {', '.join(plan.targets)}: there are {known}")
        make_room(out, SOAK, force)
        out.mkdir(parents=True, exist_ok=True)
        log = stack.enter_context((out / "nodes.log").open("w"))
        rclpy.init()
        stack.callback(rclpy.try_shutdown)
        running = Running(plan, table, sensors, faults, clock, log, out)
        stack.enter_context(closing(running))
        print(f"starting {len(table)} nodes; they write to {out / 'nodes.log'}", file=sys.stderr)
        code = running.run()
        soak = running.found()
    write(soak, out)
    draw(soak, out / "memory.png")
    print(text(soak))
    return code or int(bool(soak.faulty()))


def sensors_of(bag: str) -> tuple[tuple[str, ...], int]:
    """The cameras and LiDARs of a recording, and how many of them, which come first, are so fast
    that people are fresh by one of them alone.

    Raises TwinError where there is none of those.
    """
    with open_bag(bag) as opened:
        times: dict[str, list[int]] = {}
        for message in recorded(opened):
            if message.sensor != TF and not message.kind.endswith("CameraInfo"):
                times.setdefault(message.sensor, []).append(message.at)
        length = opened.end_ns - opened.start_ns
    slow = [n for n, t in times.items() if len(t) * FASTEST_SILENCE * 1e9 < length]
    fast = [name for name in times if name not in slow]
    if not fast:
        raise TwinError(
            f"{bag} has no camera or LiDAR with {1 / FASTEST_SILENCE:.0f} messages a second or more:"
            " its people would be stale all the time"
        )
    return (*fast, *slow), len(fast)


def live_table(plan: Plan) -> list[NodeSpec]:
    """The nodes as on live sensors that send what the bag holds."""
    site = load_site(plan.site)
    page = {"web_port": free_port(), "grpc_port": free_port()}
    table = node_table(site, plan.site, bag=plan.bag, viewer=plan.viewer, page=page)
    of_replays = ("use_sim_time", "longest_repeat", "repeats")
    return [
        replace(s, parameters={k: v for k, v in s.parameters.items() if k not in of_replays})
        for s in table
        if s.executable != "campaign_replay"
    ]


class Running:
    """The graph, its sensors, and who watches them."""

    def __init__(
        self,
        plan: Plan,
        table: Sequence[NodeSpec],
        sensors: Sequence[str],
        faults: Sequence[Fault],
        clock: SetClock,
        log: IO[str],
        out: Path,
    ) -> None:
        from visrftwin_ros.operations.soak.listener import Listener

        self._plan, self._faults, self._clock, self._out = plan, faults, clock, out
        self._every = tuple(sensors)
        self._names = [spec.full_name for spec in table]
        self._done: list[Done] = []
        self._readings: list[Reading] = []
        self._first_seen: dict[int, float] = {}
        self._loads: list[float] = []
        self._stop_asked = False
        self._said = os.dup(2)
        self._listener = Listener(clock.steps)
        environment = dict(os.environ)
        os.environ.update(clock.environment)
        os.dup2(log.fileno(), 2)  # of the nodes, which inherit it
        self._log = log
        self._graph = Graph(table)
        module = "visrftwin_ros.operations.soak.sensors"
        self._sensors = subprocess.Popen(
            [sys.executable, "-m", module, plan.bag],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "FASTRTPS_DEFAULT_PROFILES_FILE": _profile()},
        )
        self._environment = environment
        self._began = time.monotonic()

    def close(self) -> None:
        self._graph.stop()
        self._sensors.terminate()
        self._sensors.wait()
        self._listener.close()
        os.dup2(self._said, 2)
        os.close(self._said)
        os.environ.clear()
        os.environ.update(self._environment)

    def run(self) -> int:
        """Until all is done: 0, or why it ended before."""
        handlers = {n: signal.signal(n, self._ask_to_stop) for n in (signal.SIGINT, signal.SIGTERM)}
        work = self._work()
        try:
            self._graph.start()
            while not self._stop_asked:
                code = self._graph.poll()
                if code is not None:
                    raise TwinError(f"the graph ended with code {code}: see {self._log.name}")
                if next(work, self) is self:
                    return 0
                time.sleep(TICK)
            return 130
        finally:
            work.close()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._stop_asked = True

    def found(self) -> Soak:
        plan = self._plan
        about = {"site": plan.site, "seed": plan.seed, "hours": plan.hours, "bag": plan.bag}
        about |= {"kinds": plan.kinds, "targets": plan.targets, "every_s": plan.every}
        load = sum(self._loads) / max(len(self._loads), 1)
        return Soak(
            about, self._began, time.monotonic(), self._done, self._listener.record,
            self._readings, load, os.cpu_count() or 1, len(self._graph.restarted),
            self._clock.calls(), sorted(self._graph.left_out),
        )  # fmt: skip

    def _work(self) -> Steps:
        if not (yield from self._until(lambda: self._fresh_since(0.0), STARTS_WITHIN)):
            raise TwinError(f"no fresh beams within {STARTS_WITHIN:.0f} s: see {self._log.name}")
        # Until every detector has started, people are fresh by the first alone, and not all the time.
        if not (yield from self._until(self._is_healthy, STARTS_WITHIN)):
            raise TwinError(f"beams do not stay fresh: see {self._log.name}")
        self._began = time.monotonic()
        saved = sampled = 0.0
        harming = self._harm()
        while next(harming, self) is not self:
            now = time.monotonic()
            if now - sampled >= SAMPLED_EVERY:
                sampled = now
                self._sample(now)
            if now - saved >= SAVED_EVERY:
                saved = now
                write(self.found(), self._out)
            yield

    def _harm(self) -> Steps:
        plan = self._plan
        if not plan.hours:
            for fault in self._faults:
                yield from self._do(fault)
            return
        for at, fault in schedule(self._faults, plan.seed, plan.every, plan.hours):
            yield from self._wait_for(at)
            if time.monotonic() - self._began > plan.hours * 3600.0:
                return  # others took longer than was planned
            yield from self._do(fault)
        yield from self._wait_for(plan.hours * 3600.0)

    def _wait_for(self, seconds: float) -> Steps:
        """Until so long after the beginning."""
        while time.monotonic() - self._began < seconds:
            yield

    def _until(self, condition: Callable[[], bool], seconds: float) -> Generator[None, None, bool]:
        """Whether it came true in that time."""
        since = time.monotonic()
        while not condition():
            if time.monotonic() - since > seconds:
                return False
            yield
        return True

    def _fresh_since(self, at: float) -> bool:
        """Whether every output was fresh at some time behind `at`, s monotonic."""
        return all(self._listener.last_fresh(output) > at for output in OUTPUTS)

    def _is_healthy(self, since: float = -math.inf) -> bool:
        return self._listener.record.is_healthy(since, time.monotonic())

    def _do(self, fault: Fault) -> Steps:
        yield from self._until(self._is_healthy, PATIENCE)
        self._say(f"{fault.kind} of {fault.target}")
        began = time.monotonic()
        if fault.of_node:
            yield from self._harm_node(fault)
        elif fault.target == CLOCK:
            self._clock.step(SHIFT if fault.kind == "clock ahead" else -SHIFT)
        else:
            yield from self._harm_sensors(fault)
        ended = time.monotonic()
        since = surely_after(fault, began, ended)
        yield from self._until(lambda: self._fresh_since(since), PATIENCE)
        worked = math.nan
        if fault.stale:
            pid = self._graph.pid(fault.target) if fault.of_node else None
            worked = processor_time(pid) if pid else math.nan
            yield from self._until(lambda: self._is_healthy(since), PATIENCE)
        else:
            yield from self._wait_for(time.monotonic() - self._began + HEALTHY)
        self._done.append(Done(fault, began, ended, time.monotonic(), worked))

    def _harm_node(self, fault: Fault) -> Steps:
        pid = self._graph.pid(fault.target)
        if pid is None:
            return
        if fault.kind == "slow":
            yield from self._slow_down(pid, fault.lasts)
            return
        os.kill(pid, signal.SIGKILL if fault.kind == "kill" else signal.SIGSTOP)
        yield from self._until(
            lambda: self._graph.pid(fault.target) not in (None, pid), max(fault.lasts, PATIENCE)
        )

    def _slow_down(self, pid: int, seconds: float) -> Steps:
        since, tick = time.monotonic(), 0
        try:
            while time.monotonic() - since < seconds:
                stop = tick % (STOPPED + GOING) < STOPPED
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP if stop else signal.SIGCONT)
                tick += 1
                yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _harm_sensors(self, fault: Fault) -> Steps:
        targets = self._every if fault.target == EVERY else (fault.target,)
        self._order(dict.fromkeys(targets, fault.kind))
        try:
            yield from self._until(lambda: False, fault.lasts)
        finally:
            self._order({})

    def _order(self, faults: dict[str, str]) -> None:
        assert self._sensors.stdin is not None
        with suppress(BrokenPipeError):
            self._sensors.stdin.write(json.dumps(faults) + "\n")
            self._sensors.stdin.flush()

    def _sample(self, now: float) -> None:
        self._loads.append(os.getloadavg()[0])
        if self._sensors.poll() is not None:
            raise TwinError(f"the sensors have ended: see {self._log.name}")
        for name in self._names:
            pid = self._graph.pid(name)
            if pid is None:
                continue
            alive = now - self._first_seen.setdefault(pid, now)
            reading = look_at(name, pid, now, alive, self._listener.blocks.get(name, 0))
            if reading is not None:
                self._readings.append(reading)

    def _say(self, text: str) -> None:
        at = time.monotonic() - self._began
        os.write(self._said, f"{at:7.1f} s  {text}\n".encode())


def _profile() -> str:
    from visrftwin_ros.site.loading import config_path

    return str(config_path("fastdds_images.xml"))
