"""Full solves in a process of their own, so that none delays a tick.

In one process a solve stretches other Dr.Jit calls from 0.2 to 50 ms (design 6).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.path_set import PathSet
from visrftwin_ros.propagation.scene import SurfaceMesh
from visrftwin_ros.propagation.sequences import SequencePool
from visrftwin_ros.propagation.sionna_solver import Device, Devices, prepare, solve
from visrftwin_ros.site.model import Propagation

_RESTART_PAUSE = 5.0
"""Seconds before a process that died is started again: it may die at once each time."""
_AROUND, _PLACES_AROUND = 0.75, 6
"""Metres from a robot, and places there, from which its paths without scattering are sought too."""


@dataclass(frozen=True)
class Found:
    """An answer: for which receivers, asked at which stamp [ns], and the paths or what failed."""

    receivers: Devices
    stamp_ns: int
    paths: PathSet | None
    failure: str


@dataclass(frozen=True)
class _Job:
    receivers: Devices
    stamp_ns: int


class BackgroundSolver:
    """Solves for receivers, one request at a time. Starts at the first request.

    The process ends when `close` is called, when this one exits, and, since its pipe then
    breaks, when this one is killed.
    """

    def __init__(
        self,
        meshes: Sequence[SurfaceMesh],
        transmitters: Devices,
        frequency: float,
        settings: Propagation,
        device: Device = "auto",
    ) -> None:
        self._arguments = (tuple(meshes), transmitters, frequency, settings, device)
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._job: _Job | None = None
        self._died_at = -_RESTART_PAUSE

    @property
    def idle(self) -> bool:
        """A request would be taken now."""
        return self._job is None and time.monotonic() - self._died_at >= _RESTART_PAUSE

    def request(self, receivers: Devices, stamp_ns: int) -> None:
        """Asks for the paths to `receivers`; only when idle."""
        if not self.idle:
            raise RuntimeError("the background solver is busy")
        if self._process is None:
            self._start()
        assert self._pipe is not None
        self._job = _Job(receivers, stamp_ns)
        with contextlib.suppress(OSError):  # The next poll finds the broken pipe and reports it.
            self._pipe.send(self._job)

    def poll(self) -> Found | None:
        """The answer to the last request, once; never waits."""
        if self._job is None or self._pipe is None:
            return None
        try:
            if not self._pipe.poll():
                return None
            answer = self._pipe.recv()
        except (EOFError, OSError):
            code = self._process.exitcode if self._process else None
            answer = f"the solver process ended (exit code {code}); it will be started again"
            self.close()
            self._died_at = time.monotonic()
        job, self._job = self._job, None
        if job is None:
            return None
        if isinstance(answer, PathSet):
            return Found(job.receivers, job.stamp_ns, answer, "")
        return Found(job.receivers, job.stamp_ns, None, str(answer))

    def close(self) -> None:
        """Ends the process; a later request starts a new one."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join(timeout=5.0)
        self._process = self._pipe = None

    def _start(self) -> None:
        # spawn: a forked child would share the parent's Dr.Jit and ROS threads, half alive.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, *self._arguments), name="path discovery", daemon=True
        )
        self._process.start()
        theirs.close()


def _serve(
    pipe: Connection,
    meshes: tuple[SurfaceMesh, ...],
    transmitters: Devices,
    frequency: float,
    settings: Propagation,
    device: Device,
) -> None:
    """The child: answers jobs until the pipe closes."""
    try:
        prepare(device, threads=1)  # The other cores belong to the ticks.
        pool = SequencePool(transmitters.names, settings.max_depth)
        sparse = settings.model_copy(update={"diffuse": False})
        while True:
            job: _Job = pipe.recv()
            try:
                asked, beside = job.receivers, _surroundings(job.receivers)
                found = solve(meshes, transmitters, asked, frequency, settings, device)
                pool.learn(solve(meshes, transmitters, beside, frequency, sparse, device))
                pipe.send(pool.completed(found))
            except TwinError as error:
                pipe.send(str(error))
    except TwinError as error:
        pipe.send(str(error))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


def _surroundings(receivers: Devices) -> Devices:
    """Places round the receivers, where they may be by the time that the answer is in use."""
    angle = np.arange(_PLACES_AROUND) * 2 * np.pi / _PLACES_AROUND
    ring = _AROUND * np.column_stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)])
    places = (receivers.positions[:, None] + ring).reshape(-1, 3)
    return Devices(tuple(f"beside{i}" for i in range(len(places))), places)
