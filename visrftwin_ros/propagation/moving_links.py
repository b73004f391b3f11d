"""Links of robots that move: known paths carried along, on a script or wherever TF says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.channel.metrics import link_metrics
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

_ANCHOR_SPACING = 1.0
"""Metres between the places on a scripted path that are solved beforehand."""
_SAME_PLACE = 1e-3
"""Metres and unit-vector parts: planes and edges closer than this are the same."""


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
            metrics=link_metrics(paths, blocked.field),
            retraced=np.ones(len(self._numbers), bool),
            velocity=receiver.velocity,
        )


class ScriptedRobot:
    """A robot on its scripted loop, whose paths are known all along it from the start.

    The loop is solved at places a metre apart; in between the nearest one's paths are replayed,
    with the specular and diffracted sequences of both its neighbours, so that no sequence is lost
    half-way. What comes out depends on the time stamp alone, on line and off line.
    """

    def __init__(self, robot: Robot, discovery: Discovery, scene: ReplayScene) -> None:
        if robot.path is None:
            raise ValueError(f"robot {robot.name!r} has no scripted path")
        self._robot = robot
        self._path = robot.path
        places = _loop_places(np.array(robot.path.waypoints, float), _ANCHOR_SPACING)
        self._places = np.column_stack([places, np.full(len(places), robot.antenna_height)])
        names = tuple(f"{robot.name}@{k}" for k in range(len(places)))
        found = discovery.paths_to(Devices(names, self._places))
        self._known = [
            MovingReceiver(paths, scene)
            for paths in _with_neighbours(found, len(places), robot.name)
        ]
        # What compiles at the first call must not compile in the first tick.
        self._known[0].at(self._places[0])

    def receiver(self, stamp_ns: int) -> tuple[Receiver, float]:
        """Its antenna and its yaw at that time."""
        ground, yaw = pose_at(self._path, stamp_ns)
        velocity = self._path.speed * np.array([np.cos(yaw), np.sin(yaw), 0.0])
        return Receiver(np.append(ground, self._robot.antenna_height), velocity), yaw

    def known_at(self, receiver: Receiver) -> MovingReceiver:
        """The paths of the place nearest to it."""
        distance = np.linalg.norm(self._places - receiver.position, axis=1)
        return self._known[int(distance.argmin())]


def _loop_places(waypoints: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """(K, 2) places on the closed loop, at most `spacing` metres apart, corners among them."""
    corners = np.concatenate([waypoints, waypoints[:1]])
    legs = []
    for a, b in pairwise(corners):
        count = int(np.ceil(np.linalg.norm(b - a) / spacing))
        legs.append(a + np.arange(count)[:, None] / max(count, 1) * (b - a))
    return np.concatenate(legs)


def _with_neighbours(found: PathSet, places: int, robot: str) -> list[PathSet]:
    """One PathSet a place, over the links (AP, robot)."""
    aps = tuple(dict.fromkeys(tx for tx, _ in found.links))
    place = found.link % places
    random = (found.interactions == DIFFUSE).any(axis=1)
    renamed = replace(
        found,
        links=tuple((ap, robot) for ap in aps),
        link=(found.link // places).astype(np.int32),
    )
    result = []
    for k in range(places):
        beside = (place == (k - 1) % places) | (place == (k + 1) % places)
        own = np.flatnonzero(place == k)
        borrowed = np.flatnonzero(beside & ~random)
        rows = np.concatenate([own, borrowed[_new_sequences(renamed, own, borrowed)]])
        result.append(renamed.select(rows[np.argsort(renamed.link[rows], kind="stable")]))
    return result


def _new_sequences(
    paths: PathSet, own: NDArray[np.intp], others: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Indices into `others`, each sequence of surfaces and edges once, none that `own` has."""
    rows = np.concatenate([own, others])
    points, normals = paths.vertices[rows][:, 1:-1], paths.normals[rows]
    along = (points * normals).sum(axis=2, keepdims=True)
    edge = (paths.interactions[rows] == DIFFRACTION)[..., None]
    active = (paths.interactions[rows] > 0)[..., None]
    # A plane is known by its normal and offset, an edge by its direction and its foot point.
    place = np.where(edge, points - along * normals, along * normals) * active
    number = np.round(np.concatenate([place, np.abs(normals) * active], axis=2) / _SAME_PLACE)
    random = (paths.interactions[rows] == DIFFUSE).any(axis=1)
    key = np.column_stack(
        [paths.link[rows], paths.interactions[rows], number.reshape(len(rows), 6 * paths.depth)]
    ).astype(np.int64)
    # Random samples never equal a sequence; numbered apart they drop out of the comparison.
    key[random, 0] = -1 - np.arange(random.sum())
    first = np.unique(key, axis=0, return_index=True)[1]
    return first[first >= len(own)] - len(own)
