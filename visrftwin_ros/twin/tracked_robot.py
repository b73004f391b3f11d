"""Robots that are wherever TF says: their paths are discovered in the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.material_update import TracedPaths
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.background_solver import BackgroundSolver, Found
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.twin.channel_state import LinkGroup
from visrftwin_ros.twin.known_paths import paths_within
from visrftwin_ros.twin.moving_links import CarriedLinks, Receiver

_MOVED = 0.25
"""Metres from the last discovery after which new sequences are looked for."""
_LONGEST_STEP = 1.0
"""Seconds; a velocity is not drawn across longer gaps between poses or jumps of the clock."""
AT_ONCE = 10
"""Robots a request at most: each answer brings some of them up to date while others wait."""


@dataclass(frozen=True, eq=False)
class Discovered:
    """Paths to a robot: as they were traced to `place` (3,), asked for at `stamp_ns`, and ready to
    be replayed in the scene as it is now."""

    traced: TracedPaths
    replay: Replay
    place: NDArray[np.float64]
    stamp_ns: int

    def within(self, scene: ReplayScene, discovery: Discovery) -> Discovered:
        """Them in the scene as it is now, in which `discovery` finds paths."""
        place = Devices(self.traced.paths.links[0][1:], self.place[None])
        paths = paths_within(self.traced, scene, discovery, place, replayed=True)
        return replace(self, replay=Replay.of(paths, scene))


@dataclass
class TrackedRobot:
    """Where a robot's antenna is, and the newest paths known for it."""

    name: str
    antenna_height: float
    numbers: NDArray[np.intp]
    """(A,) the site's numbers of its links to the APs."""
    fault: str = ""
    known: Discovered | None = None
    outdated: bool = False
    """`known` is of another scene than that of now."""
    last: tuple[int, NDArray[np.float64]] | None = field(default=None, repr=False)

    def receiver(self, stamp_ns: int, base: NDArray[np.float64]) -> Receiver:
        """Its antenna, above `base` (3,), with the velocity since the last call."""
        position = base + np.array([0.0, 0.0, self.antenna_height])
        velocity = np.zeros(3)
        if self.last is not None:
            elapsed = (stamp_ns - self.last[0]) * 1e-9
            if 0 < elapsed <= _LONGEST_STEP:
                velocity = (position - self.last[1]) / elapsed
        self.last = (stamp_ns, position)
        return Receiver(position, velocity)

    def wants_discovery(self, receiver: Receiver) -> bool:
        """It, or the scene, has changed since the last discovery, or there was none."""
        if self.known is None or self.outdated:
            return True
        return bool(np.linalg.norm(receiver.position - self.known.place) > _MOVED)

    @property
    def discovered_ns(self) -> int:
        """When the discovery in use was asked for; 0 before the first."""
        return 0 if self.known is None else self.known.stamp_ns

    def paths_age(self, stamp_ns: int) -> float:
        """Seconds since the discovery in use was asked for; nan before the first."""
        if self.known is None:
            return float("nan")
        return max(0.0, (stamp_ns - self.discovered_ns) * 1e-9)


class TrackedRobots:
    """The links of all robots on TF: replayed together, discovered a few at a time."""

    def __init__(
        self,
        robots: list[TrackedRobot],
        background: BackgroundSolver,
        scene: ReplayScene,
        carried: CarriedLinks,
    ) -> None:
        self._robots = {robot.name: robot for robot in robots}
        self._background = background
        self._scene = scene
        self._carried = carried
        self._arrived: list[tuple[TrackedRobot, Found]] = []
        self._joined: tuple[list[Replay], Replay] | None = None
        self._receivers: dict[str, Receiver] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._robots

    @property
    def positions(self) -> dict[str, NDArray[np.float64]]:
        """Antennas (3,) of the robots that had a pose at the last update."""
        return {name: receiver.position for name, receiver in self._receivers.items()}

    @property
    def motions(self) -> dict[str, tuple[NDArray[np.float64], float, Replay]]:
        """Of the robots that had a pose at the last update and have paths: antenna (3,), m/s over the
        ground, and the paths."""
        return {
            name: (receiver.position, float(np.hypot(*receiver.velocity[:2])), known.replay)
            for name, receiver in self._receivers.items()
            if (known := self._robots[name].known) is not None
        }

    def update(
        self, stamp_ns: int, bases: Mapping[str, NDArray[np.float64]], bodies: Bodies
    ) -> list[LinkGroup]:
        """The links that are known, if any, with the robots' bases there."""
        self._receivers = {
            name: robot.receiver(stamp_ns, np.asarray(bases[name], float))
            for name, robot in self._robots.items()
            if name in bases and np.isfinite(bases[name]).all()
        }
        self._discover(stamp_ns)
        ready = [
            (robot, robot.known.replay)
            for name, robot in self._robots.items()
            if name in self._receivers and robot.known is not None
        ]
        if not ready:
            return []
        parts = [known for _, known in ready]
        if self._joined is None or self._joined[0] != parts:
            self._joined = (parts, Replay.joined(parts))
        numbers = np.concatenate([robot.numbers for robot, _ in ready])
        ends = [self._receivers[robot.name] for robot, _ in ready]
        times = [len(robot.numbers) for robot, _ in ready]
        position = np.repeat([end.position for end in ends], times, axis=0)
        velocity = np.repeat([end.velocity for end in ends], times, axis=0)
        return [self._carried.update(numbers, self._joined[1], position, velocity, bodies)]

    @property
    def is_behind(self) -> bool:
        """Paths are being looked for, of a robot that had a pose at the last update."""
        return bool(self._arrived) or any(
            self._robots[name].wants_discovery(receiver)
            for name, receiver in self._receivers.items()
        )

    @property
    def known(self) -> dict[str, Discovered]:
        """By robot, of those that have had a discovery."""
        # Each is read once: another thread may be looking while a tick takes in an answer.
        pairs = [(robot.name, robot.known) for robot in self._robots.values()]
        return {name: known for name, known in pairs if known is not None}

    def go_on(
        self, scene: ReplayScene, meshes: Sequence[SurfaceMesh], known: Mapping[str, Discovered]
    ) -> None:
        """In another scene, with what is known there; all is asked for again."""
        self._scene, self._arrived = scene, []
        self._background.go_on_with(meshes)
        for robot in self._robots.values():
            robot.known, robot.outdated = known.get(robot.name), True

    def health(self, name: str, stamp_ns: int) -> tuple[str, float]:
        """What is wrong with the robot's links, and the age of their paths."""
        robot = self._robots[name]
        if name not in self._receivers:
            return f"no pose of {name}", float("nan")
        if robot.known is None and not robot.fault:
            return f"paths to {name} are being discovered", float("nan")
        return robot.fault, robot.paths_age(stamp_ns)

    def _discover(self, stamp_ns: int) -> None:
        """Takes in what was found, one robot a tick, and asks for more."""
        found = self._background.poll()
        if found is not None:
            names = found.receivers.names
            self._arrived += [(self._robots[n], found) for n in names if n in self._robots]
        if self._arrived:
            robot, answer = self._arrived.pop(0)
            self._take(robot, answer)
        wanting = sorted(
            (self._robots[name].discovered_ns, name)
            for name, receiver in self._receivers.items()
            if self._robots[name].wants_discovery(receiver)
        )
        if wanting and not self._arrived and self._background.idle:
            names = tuple(name for _, name in wanting[:AT_ONCE])
            where = np.array([self._receivers[name].position for name in names])
            self._background.request(Devices(names, where), stamp_ns)

    def _take(self, robot: TrackedRobot, found: Found) -> None:
        if found.paths is None:
            robot.fault = f"path discovery failed: {found.failure}"
            return
        index = found.receivers.names.index(robot.name)
        paths = _paths_of(found.paths, index, len(found.receivers.names))
        robot.known = Discovered(
            TracedPaths(paths, self._scene),
            Replay.of(paths, self._scene),
            found.receivers.positions[index],
            found.stamp_ns,
        )
        robot.fault, robot.outdated = "", False


def _paths_of(paths: PathSet, index: int, receivers: int) -> PathSet:
    """The paths to one of the receivers of a discovery, over the links to it alone."""
    mine = paths.select(np.flatnonzero(paths.link % receivers == index))
    return replace(
        mine,
        links=paths.links[index::receivers],
        link=(mine.link // receivers).astype(np.int32),
    )
