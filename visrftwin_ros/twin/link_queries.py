"""Channels between any two places, and radio maps: solved in a process of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_screens import inside_bodies
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.solver_process import Ended, SolverProcess
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.visibility import SHORTEST
from visrftwin_ros.site.model import Propagation, Site
from visrftwin_ros.twin.enclosure import enclosing, solids
from visrftwin_ros.twin.map_solver import MapSolver
from visrftwin_ros.twin.on_demand_links import PeopleModel
from visrftwin_ros.twin.radio_map import MapQuestion, RadioMap, TileMap

Array = NDArray[np.float64]

MOST_WAITING = 4
"""Enquiries that wait beside the one at work; more are refused."""


@dataclass(frozen=True)
class SolvedLink:
    """The static paths of one link between these two ends."""

    paths: PathSet
    transmitter: Devices
    receiver: Devices


@dataclass(frozen=True)
class Answer:
    """To the enquiry of that number; `failure` says why there is no result."""

    number: int
    result: SolvedLink | RadioMap | None
    failure: str = ""


@dataclass(frozen=True)
class _LinkEnquiry:
    meshes: tuple[SurfaceMesh, ...]
    settings: Propagation
    frequency: float
    transmitter: Devices
    receiver: Devices

    def answered(self, maps: MapSolver, device: Device) -> SolvedLink:
        ends = self.transmitter, self.receiver
        return SolvedLink(solve(self.meshes, *ends, self.frequency, self.settings, device), *ends)


@dataclass(frozen=True)
class _TileEnquiry:
    question: MapQuestion
    tile: int

    def answered(self, maps: MapSolver, device: Device) -> TileMap:
        return maps.tile(self.question, self.tile)


@dataclass
class _Map:
    """A map on its way: the tiles that are done, in the order of the question's."""

    number: int
    question: MapQuestion
    done: list[TileMap]

    @property
    def next_tile(self) -> _TileEnquiry:
        return _TileEnquiry(self.question, self.question.tiles[len(self.done)])


class Enquiries:
    """Takes questions at any time; nothing here waits.

    Links are answered one after the other, maps tile by tile between them.
    """

    def __init__(self, site: Site, model: PeopleModel, device: Device = "auto") -> None:
        self._site = site
        self._model = model
        self._process = SolverProcess(_serve, (device,), "enquiries")
        self._links: deque[tuple[int, _LinkEnquiry]] = deque()
        self._maps: deque[_Map] = deque()
        self._at_work: int | None = None
        self._count = 0

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid

    def ask_link(
        self, meshes: Sequence[SurfaceMesh], transmitter: Array, receiver: Array, bodies: Bodies
    ) -> int:
        """The number of the answer with the paths between two places (3,), world frame.

        Raises TwinError where an end is not finite or within a solid thing or a person, where
        both are one place, and where too many questions wait.
        """
        places = np.array([transmitter, receiver], float)
        walls = self._walls(meshes)
        for name, place in zip(("tx", "rx"), places, strict=True):
            _check_free(name, place, walls, bodies)
        if np.linalg.norm(places[0] - places[1]) < SHORTEST:
            raise TwinError(f"tx and rx are at one place, {_text(places[0])}")
        ends = Devices(("tx",), places[:1]), Devices(("rx",), places[1:])
        scene = tuple(meshes), self._site.propagation, self._model.frequency
        number = self._numbered()
        self._links.append((number, _LinkEnquiry(*scene, *ends)))
        return number

    def ask_map(self, question: MapQuestion) -> int:
        """The number of the answer. Raises TwinError where too many questions wait."""
        number = self._numbered()
        self._maps.append(_Map(number, question, []))
        return number

    def progress(self, number: int) -> float:
        """Of a map that is not answered yet: the share of it that is done, 0 to 1."""
        return next(
            (len(m.done) / len(m.question.tiles) for m in self._maps if m.number == number), 0.0
        )

    def give_up(self, number: int) -> None:
        """No more of that map is worked out, and there is no answer."""
        self._maps = deque(m for m in self._maps if m.number != number)

    def poll(self) -> Answer | None:
        """An answer that has come, if any, once; hands the next question on. Never waits."""
        found = self._process.poll()
        answer = None
        if found is not None and self._at_work is not None:
            number, self._at_work = self._at_work, None
            if isinstance(found, TileMap):
                answer = self._with_tile(number, found)
            elif isinstance(found, SolvedLink):
                answer = Answer(number, found)
            else:
                self.give_up(number)
                failure = found.reason if isinstance(found, Ended) else str(found)
                answer = Answer(number, None, failure)
        if self._at_work is None and self._process.idle:
            if self._links:
                self._at_work, enquiry = self._links.popleft()
                self._process.send(enquiry)
            elif self._maps:
                self._at_work = self._maps[0].number
                self._process.send(self._maps[0].next_tile)
        return answer

    def _with_tile(self, number: int, tile: TileMap) -> Answer | None:
        """The answer where this was the last one of a map that is still wanted."""
        for one in self._maps:
            if one.number == number:
                one.done.append(tile)
                if len(one.done) == len(one.question.tiles):
                    self._maps.remove(one)
                    return Answer(number, RadioMap.of(one.question, one.done))
        return None

    def close(self) -> None:
        """Ends the process; what was asked is not answered any more."""
        self._process.close()
        self._links.clear()
        self._maps.clear()
        self._at_work = None

    def _walls(self, meshes: Sequence[SurfaceMesh]) -> list[SurfaceMesh]:
        places = [ap.position for ap in self._site.access_points]
        return solids(meshes, np.array(places, float))

    def _numbered(self) -> int:
        waiting = len(self._links) + sum(one.number != self._at_work for one in self._maps)
        if waiting >= MOST_WAITING:
            raise TwinError(f"busy: {waiting} questions wait already; ask again later")
        self._count += 1
        return self._count


def _check_free(name: str, place: Array, walls: Sequence[SurfaceMesh], bodies: Bodies) -> None:
    """Raises TwinError where no antenna can be."""
    if not np.isfinite(place).all():
        raise TwinError(f"the position of {name} is not finite: {_text(place)}")
    for wall in walls:
        if enclosing(place[None], [wall])[0, 0]:
            raise TwinError(f"{name} at {_text(place)} is inside surface {wall.name!r}")
    within = np.flatnonzero(inside_bodies(place[None], bodies)[0])
    if len(within):
        raise TwinError(f"{name} at {_text(place)} is inside body {bodies.ids[within[0]]}")


def _text(place: Array) -> str:
    return "(" + ", ".join(f"{x:.2f}" for x in place) + ") m"


def _serve(pipe: Connection, device: Device) -> None:
    """The child: answers enquiries until the pipe closes."""
    try:
        prepare(device, threads=1)  # The other cores belong to the ticks.
        maps = MapSolver(device, cache_folder("maps"))
        while True:
            enquiry: _LinkEnquiry | _TileEnquiry = pipe.recv()
            try:
                pipe.send(enquiry.answered(maps, device))
            except TwinError as error:
                pipe.send(str(error))
    except TwinError as error:
        pipe.send(str(error))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
