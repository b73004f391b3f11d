"""Full solves in a process of their own, so that none delays a tick.

In one process a solve stretches other Dr.Jit calls from 0.2 to 50 ms (measured on two cores).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.interaction_sequences import SequencePool
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.mirror_paths import FEW_MIRRORS, Planes, mirror_paths
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.solver_process import Ended, SolverProcess
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

_AROUND, _PLACES_AROUND = 0.75, 6
"""Metres from a robot, and places there, from which every mirror and every edge is tried, too."""


@dataclass(frozen=True)
class Found:
    """An answer: for which receivers, asked at which stamp [ns], and the paths or what failed."""

    receivers: Devices
    stamp_ns: int
    paths: PathSet | None
    failure: str


@dataclass(frozen=True)
class _Job:
    """scene: a number that another scene does not have."""

    receivers: Devices
    stamp_ns: int
    meshes: tuple[SurfaceMesh, ...]
    scene: int


class BackgroundSolver:
    """Solves for receivers, one request at a time, in a `SolverProcess`."""

    def __init__(
        self,
        meshes: Sequence[SurfaceMesh],
        transmitters: Devices,
        frequency: float,
        settings: Propagation,
        device: Device = "auto",
    ) -> None:
        self._meshes, self._scene = tuple(meshes), 0
        self._transmitters = transmitters
        arguments = (transmitters, frequency, settings, device)
        self._process = SolverProcess(_serve, arguments, "path discovery")
        self._job: _Job | None = None

    @property
    def idle(self) -> bool:
        """A request would be taken now."""
        return self._process.idle

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid

    def go_on_with(self, meshes: Sequence[SurfaceMesh]) -> None:
        """The scene of all further requests; what was asked about another is not answered."""
        self._meshes, self._scene = tuple(meshes), self._scene + 1

    def request(self, receivers: Devices, stamp_ns: int) -> None:
        """Asks for the paths to `receivers`; only when idle."""
        job = _Job(receivers, stamp_ns, self._meshes, self._scene)
        self._process.send(job)
        self._job = job

    def poll(self) -> Found | None:
        """The answer to the last request, once; never waits."""
        answer = self._process.poll()
        job = self._job
        if answer is None or job is None:
            return None
        self._job = None
        if job.scene != self._scene:
            return None
        if isinstance(answer, PathSet):
            return Found(job.receivers, job.stamp_ns, answer, "")
        failure = answer.reason if isinstance(answer, Ended) else str(answer)
        return Found(job.receivers, job.stamp_ns, None, failure)

    def start(self) -> None:
        """Starts the process ahead of the first request, which need not wait for it then."""
        self._process.start()

    def close(self) -> None:
        """Ends the process; a later request starts a new one."""
        self._process.close()


def _serve(
    pipe: Connection,
    transmitters: Devices,
    frequency: float,
    settings: Propagation,
    device: Device,
) -> None:
    """The child: answers jobs until the pipe closes."""
    try:
        prepare(device, threads=1)  # The other cores belong to the ticks.
        import_module("sionna.rt")  # Seconds, before a request waits for them.
        place: _Surroundings | None = None
        while True:
            job: _Job = pipe.recv()
            try:
                if place is None or place.scene != job.scene:
                    place = _Surroundings(job, transmitters, frequency, settings, device)
                ends = transmitters, job.receivers
                found = solve(job.meshes, *ends, frequency, settings, device)
                pipe.send(place.completed(found, job.receivers))
            except TwinError as error:
                pipe.send(str(error))
    except TwinError as error:
        pipe.send(str(error))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


class _Surroundings:
    """What is seen round the receivers of all jobs in one scene.

    Without rays, which take a hundred times as long: paths over two mirrors, or one edge.
    """

    def __init__(
        self,
        job: _Job,
        transmitters: Devices,
        frequency: float,
        settings: Propagation,
        device: Device,
    ) -> None:
        self.scene = job.scene
        self._meshes, self._transmitters = job.meshes, transmitters
        self._frequency, self._settings = frequency, settings
        self._planes = Planes.of(job.meshes)
        self._replay = ReplayScene(job.meshes, frequency, device)
        self._pool = SequencePool(transmitters.names, settings.max_depth)

    def completed(self, found: PathSet, receivers: Devices) -> PathSet:
        """`found`, to the `receivers`, with what may be seen where they go next."""
        ends, settings = (self._transmitters, _places_around(receivers)), self._settings
        mirrors = (self._planes, self._meshes, *ends, self._frequency, settings, FEW_MIRRORS)
        self._pool.learn(mirror_paths(*mirrors))
        if settings.diffraction and settings.max_depth:
            self._pool.learn(edge_paths(self._planes, self._replay, *ends, settings.max_depth, 0))
        return self._pool.completed(found)


def _places_around(receivers: Devices) -> Devices:
    """Places round the receivers, where they may be by the time that the answer is in use."""
    angle = np.arange(_PLACES_AROUND) * 2 * np.pi / _PLACES_AROUND
    ring = _AROUND * np.column_stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)])
    places = (receivers.positions[:, None] + ring).reshape(-1, 3)
    return Devices(tuple(f"beside{i}" for i in range(len(places))), places)
