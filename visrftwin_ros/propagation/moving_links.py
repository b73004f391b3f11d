"""Links of robots that move: known paths carried along, on a script or wherever TF says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.channel.metrics import link_sums
from visrftwin_ros.propagation.blockage import BlockageModel
from visrftwin_ros.propagation.channel_state import LinkGroup
from visrftwin_ros.propagation.discovery import Discovery
from visrftwin_ros.propagation.moving import MovingReceiver, ReplayScene
from visrftwin_ros.propagation.path_set import DIFFRACTION, DIFFUSE, PathSet
from visrftwin_ros.propagation.people_update import PeopleUpdate
from visrftwin_ros.propagation.sionna_solver import Devices
from visrftwin_ros.propagation.standing_links import StandingLinks
from visrftwin_ros.site.model import Robot
from visrftwin_ros.site.motion import pose_at

_SPACING, _SPECULAR_SPACING = 1.0, 0.25
"""Metres between the places on a scripted path that are solved beforehand."""
_ARRAYS = tuple(f.name for f in fields(PathSet) if f.name not in ("links", "link"))
_SAME_PLACE = 1e-2
"""Metres and unit-vector parts: planes and edges of one surface closer than this are the same."""


@dataclass(frozen=True)
class Receiver:
    """A robot's antenna: position (3,) metres and velocity (3,) m/s, world frame."""

    position: NDArray[np.float64]
    velocity: NDArray[np.float64]


class CarriedLinks:
    """The links of one robot to every AP: replayed where it moved, updated where it stands."""

    def __init__(self, numbers: NDArray[np.intp], wavelength: float, model: BlockageModel) -> None:
        self._numbers = numbers
        self._wavelength = wavelength
        self._model: BlockageModel = model
        self._last: tuple[MovingReceiver, bytes] | None = None
        self._paths: PathSet | None = None
        self._standing: StandingLinks | None = None

    def update(self, known: MovingReceiver, receiver: Receiver, bodies: Bodies) -> LinkGroup:
        """The links with the robot's antenna there and these bodies."""
        here = (known, receiver.position.tobytes())
        if self._last == here and self._paths is not None:
            if self._standing is None:
                self._standing = StandingLinks(
                    self._paths, self._numbers, self._wavelength, self._model
                )
            return self._standing.update(bodies)
        paths = known.at(receiver.position)
        self._last, self._paths, self._standing = here, paths, None
        people = PeopleUpdate(paths, self._wavelength, self._model, standing=False)
        blocked = people.update(bodies)
        return LinkGroup(
            numbers=self._numbers,
            paths=paths,
            blockage=blocked,
            sums=link_sums(paths, blocked.field),
            retraced=np.ones(len(self._numbers), bool),
            velocity=receiver.velocity,
        )


class ScriptedRobot:
    """A robot on its scripted loop, whose paths are known all along it from the start.

    The loop is solved at places a metre apart, and for specular paths alone every quarter metre;
    the nearest place's paths are replayed, with the specular sequences of the whole loop, so that
    hardly one is missed that is seen between two places only. What comes out depends on the time
    stamp alone, on line and off line.
    """

    def __init__(self, robot: Robot, discovery: Discovery, scene: ReplayScene) -> None:
        if robot.path is None:
            raise ValueError(f"robot {robot.name!r} has no scripted path")
        self._robot = robot
        self._path = robot.path
        coarse, fine = (self._devices(spacing) for spacing in (_SPACING, _SPECULAR_SPACING))
        self._places = coarse.positions
        found = discovery.paths_to(coarse)
        specular = discovery.specular_paths_to(fine)
        self._known = [
            MovingReceiver(paths, scene) for paths in _with_borrowed(found, specular, robot.name)
        ]
        # What compiles at the first call must not compile in the first tick.
        self._known[0].at(self._places[0])

    def _devices(self, spacing: float) -> Devices:
        places = loop_places(np.array(self._path.waypoints, float), spacing)
        names = tuple(f"{self._robot.name}@{k}" for k in range(len(places)))
        height = np.full(len(places), self._robot.antenna_height)
        return Devices(names, np.column_stack([places, height]))

    def receiver(self, stamp_ns: int) -> tuple[Receiver, float]:
        """Its antenna and its yaw at that time."""
        ground, yaw = pose_at(self._path, stamp_ns)
        velocity = self._path.speed * np.array([np.cos(yaw), np.sin(yaw), 0.0])
        return Receiver(np.append(ground, self._robot.antenna_height), velocity), yaw

    def known_at(self, receiver: Receiver) -> MovingReceiver:
        """The paths of the place nearest to it."""
        distance = np.linalg.norm(self._places - receiver.position, axis=1)
        return self._known[int(distance.argmin())]


def loop_places(waypoints: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """(K, 2) places on the closed loop, at most `spacing` metres apart, corners among them."""
    corners = np.concatenate([waypoints, waypoints[:1]])
    legs = []
    for a, b in pairwise(corners):
        count = int(np.ceil(np.linalg.norm(b - a) / spacing))
        legs.append(a + np.arange(count)[:, None] / max(count, 1) * (b - a))
    return np.concatenate(legs)


def _with_borrowed(found: PathSet, specular: PathSet, robot: str) -> list[PathSet]:
    """One PathSet a place of `found`, over the links (AP, robot), with what others know.

    Every sequence of `specular` is borrowed, whichever place sees it; a diffracted one, whose
    point on the edge stays when replayed, from the two neighbours.
    """
    aps = tuple(dict.fromkeys(tx for tx, _ in found.links))
    places, finer = len(found.links) // len(aps), len(specular.links) // len(aps)
    everything = PathSet(
        links=tuple((ap, robot) for ap in aps),
        link=np.concatenate([found.link // places, specular.link // finer]).astype(np.int32),
        **{name: _stacked(found, specular, name) for name in _ARRAYS},
    )
    place = np.concatenate([found.link % places, np.full(len(specular), -1)])
    random = (everything.interactions == DIFFUSE).any(axis=1)
    bent = (everything.interactions == DIFFRACTION).any(axis=1)
    result = []
    for k in range(places):
        own = place == k
        beside = bent & np.isin(place, ((k - 1) % places, (k + 1) % places))
        borrowed = np.flatnonzero(~own & ~random & (beside | (place < 0)))
        new = _new_sequences(everything, np.flatnonzero(own & ~random), borrowed)
        rows = np.concatenate([np.flatnonzero(own), new])
        result.append(everything.select(rows[np.argsort(everything.link[rows], kind="stable")]))
    return result


def _stacked(first: PathSet, second: PathSet, name: str) -> NDArray[Any]:
    return np.concatenate([getattr(first, name), getattr(second, name)])


def _new_sequences(
    paths: PathSet, own: NDArray[np.intp], others: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Those of the rows `others` with a sequence of surfaces and edges that `own` lacks, once."""
    # Two grids, half a cell apart, as in `without_duplicates`: a path twice has twice the power.
    for shift in (0.0, 0.5):
        key = _sequence_key(paths.select(np.concatenate([own, others])), shift)
        first = np.unique(key, axis=0, return_index=True)[1]
        others = others[np.sort(first[first >= len(own)]) - len(own)]
    return others


def _sequence_key(paths: PathSet, shift: float) -> NDArray[np.int64]:
    """(P, .) whole numbers that are equal for paths over the same planes and edges in order."""
    points, normals = paths.vertices[:, 1:-1], paths.normals
    along = (points * normals).sum(axis=2, keepdims=True)
    edge = (paths.interactions == DIFFRACTION)[..., None]
    active = (paths.interactions > 0)[..., None]
    # A plane is known by its normal and offset, an edge by its direction and its foot point.
    place = np.where(edge, points - along * normals, along * normals)
    numbers = np.concatenate([place, normals], axis=2) * active / _SAME_PLACE + shift
    flat = np.round(numbers).reshape(len(paths), 6 * paths.depth)
    return np.column_stack(
        [paths.link, paths.interactions, paths.objects, flat.astype(np.int64)]
    ).astype(np.int64)
