"""Channels between any two places, and radio maps: solved in a process of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_screens import inside_bodies
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.solver_process import Ended, SolverProcess
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.visibility import SHORTEST, Visibility
from visrftwin_ros.site.model import Propagation, Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap
from visrftwin_ros.twin.enclosure import enclosing, solids
from visrftwin_ros.twin.on_demand_links import PeopleModel, channels_of

Array = NDArray[np.float64]

MOST_CELLS = 1600
"""Cells of a radio map: a minute or two on one core."""
MOST_WAITING = 4
"""Enquiries that wait beside the one at work; more are refused."""
_CELLS_AT_ONCE = 32
"""Always as many: a solve with another number of receivers compiles anew."""
_HIGHEST = 100.0
"""Metres above the ground of a radio map."""


@dataclass(frozen=True)
class RadioMap:
    """Path loss over a horizontal grid with the people of `stamp_ns`.

    origin: (3,) metres, corner of the first cell. cell: metres. path_loss_db: (rows, columns),
    columns along x; nan where nothing arrives, and within solid things and people.
    """

    origin: Array
    cell: float
    path_loss_db: Array
    stamp_ns: int


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
class _Enquiry:
    meshes: tuple[SurfaceMesh, ...]
    settings: Propagation
    model: PeopleModel
    transmitter: Devices
    receivers: Devices

    def solved(self, receivers: Devices, device: Device) -> PathSet:
        frequency = self.model.frequency
        return solve(self.meshes, self.transmitter, receivers, frequency, self.settings, device)


@dataclass(frozen=True)
class _LinkEnquiry(_Enquiry):
    def answered(self, device: Device) -> SolvedLink:
        paths = self.solved(self.receivers, device)
        return SolvedLink(paths, self.transmitter, self.receivers)


@dataclass(frozen=True)
class _MapEnquiry(_Enquiry):
    """receivers: the centres of the cells, x fastest."""

    walls: tuple[SurfaceMesh, ...]
    bodies: Bodies
    stamp_ns: int
    origin: Array
    cell: float
    columns: int
    residuals: ResidualMap

    def answered(self, device: Device) -> RadioMap:
        scene = Visibility(self.meshes, device)
        places = self.receivers.positions
        parts = np.array_split(places, np.arange(_CELLS_AT_ONCE, len(places), _CELLS_AT_ONCE))
        loss = np.concatenate([self._loss_db(part, scene, device) for part in parts])
        return RadioMap(self.origin, self.cell, loss.reshape(-1, self.columns), self.stamp_ns)

    def _loss_db(self, places: Array, scene: Visibility, device: Device) -> Array:
        padded = places[np.minimum(np.arange(_CELLS_AT_ONCE), len(places) - 1)]
        cells = Devices(tuple(f"cell{i}" for i in range(_CELLS_AT_ONCE)), padded)
        paths = self.solved(cells, device)
        ends, residuals = (self.transmitter, cells), self.residuals
        state = channels_of(paths, *ends, self.bodies, self.stamp_ns, scene, self.model, residuals)
        loss = state.metrics.path_loss_db[: len(places)]
        within = inside_bodies(places, self.bodies).any(axis=1)
        within |= enclosing(places, self.walls).any(axis=1)
        return np.where(np.isfinite(loss) & ~within, loss, np.nan)


class Enquiries:
    """Takes questions at any time, answers them one after the other; nothing here waits."""

    def __init__(self, site: Site, model: PeopleModel, device: Device = "auto") -> None:
        self._site = site
        self._model = model
        self._process = SolverProcess(_serve, (device,), "enquiries")
        self._waiting: deque[tuple[int, _Enquiry]] = deque()
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
        return self._queued(_LinkEnquiry(tuple(meshes), self._site.propagation, self._model, *ends))

    def ask_map(
        self,
        meshes: Sequence[SurfaceMesh],
        access_point: str,
        height: float,
        cell: float,
        bodies: Bodies,
        stamp_ns: int,
        residuals: ResidualMap = NO_RESIDUALS,
    ) -> int:
        """The number of the answer with the path loss from an access point over the whole scene,
        at `height` metres, in square cells of `cell` metres, with what soundings were off.

        Raises TwinError for an unknown access point, a value out of its range, a grid of too many
        cells, and where too many questions wait.
        """
        places = {ap.name: ap.position for ap in self._site.access_points}
        if access_point not in places:
            known = ", ".join(places)
            raise TwinError(f"no access point {access_point!r}; the site has {known}")
        if not 0 < height <= _HIGHEST:
            raise TwinError(f"height is {height:g} m: give more than 0 and up to {_HIGHEST:g}")
        if not (np.isfinite(cell) and cell > 0):
            raise TwinError(f"cell is {cell:g} m: give a side of more than 0")
        corners = np.concatenate([mesh.vertices for mesh in meshes])[:, :2]
        low, size = corners.min(axis=0), np.ptp(corners, axis=0)
        columns, rows = (max(int(n), 1) for n in np.ceil(np.minimum(size / cell, 1e6)))
        if columns * rows > MOST_CELLS:
            least = np.sqrt(size.prod() / MOST_CELLS) * 1.05
            raise TwinError(
                f"{columns} x {rows} cells of {cell:g} m over {size[0]:.4g} x {size[1]:.4g} m are "
                f"more than {MOST_CELLS}: take cells of {np.ceil(least * 10) / 10:g} m or more"
            )
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        flat = low + (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * cell
        centres = np.column_stack([flat, np.full(len(flat), height)])
        enquiry = _MapEnquiry(
            meshes=tuple(meshes),
            settings=self._site.propagation,
            model=self._model,
            transmitter=Devices((access_point,), np.array([places[access_point]], float)),
            receivers=Devices(tuple(f"cell{i}" for i in range(len(centres))), centres),
            walls=tuple(self._walls(meshes)),
            bodies=bodies,
            stamp_ns=stamp_ns,
            origin=np.append(low, height),
            cell=cell,
            columns=columns,
            residuals=residuals,
        )
        return self._queued(enquiry)

    def poll(self) -> Answer | None:
        """An answer that has come, if any, once; hands the next question on. Never waits."""
        found = self._process.poll()
        answer = None
        if found is not None and self._at_work is not None:
            number, self._at_work = self._at_work, None
            if isinstance(found, (SolvedLink, RadioMap)):
                answer = Answer(number, found)
            else:
                failure = found.reason if isinstance(found, Ended) else str(found)
                answer = Answer(number, None, failure)
        if self._waiting and self._at_work is None and self._process.idle:
            self._at_work, enquiry = self._waiting.popleft()
            self._process.send(enquiry)
        return answer

    def close(self) -> None:
        """Ends the process; what was asked is not answered any more."""
        self._process.close()
        self._waiting.clear()
        self._at_work = None

    def _walls(self, meshes: Sequence[SurfaceMesh]) -> list[SurfaceMesh]:
        places = [ap.position for ap in self._site.access_points]
        return solids(meshes, np.array(places, float))

    def _queued(self, enquiry: _Enquiry) -> int:
        if len(self._waiting) >= MOST_WAITING:
            raise TwinError(f"busy: {len(self._waiting)} questions wait already; ask again later")
        self._count += 1
        self._waiting.append((self._count, enquiry))
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
        while True:
            enquiry: _LinkEnquiry | _MapEnquiry = pipe.recv()
            try:
                pipe.send(enquiry.answered(device))
            except TwinError as error:
                pipe.send(str(error))
    except TwinError as error:
        pipe.send(str(error))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
