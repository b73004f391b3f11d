"""Links of robots that move: known paths carried along, on a script or wherever TF says."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.interaction_sequences import new_sequences
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, DIFFUSE, PathSet
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.propagation.replay.material_update import TracedPaths
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.site.model import Robot, ScriptedPath
from visrftwin_ros.site.motion import pose_at
from visrftwin_ros.twin.channel_state import LinkGroup
from visrftwin_ros.twin.known_paths import paths_within
from visrftwin_ros.twin.standing_links import StandingLinks

_SPACING, _SPECULAR_SPACING = 1.0, 0.25
"""Metres between the places on a scripted path that are solved beforehand."""
_ARRAYS = tuple(f.name for f in fields(PathSet) if f.name not in ("links", "link"))


@dataclass(frozen=True)
class Receiver:
    """A robot's antenna: position (3,) metres and velocity (3,) m/s, world frame."""

    position: NDArray[np.float64]
    velocity: NDArray[np.float64]


class CarriedLinks:
    """Links of moving receivers to every AP: replayed where one moved, updated where all stand."""

    def __init__(self, wavelength: float, model: BlockageModel) -> None:
        self._wavelength = wavelength
        self._model: BlockageModel = model
        self._last: tuple[Replay, NDArray[np.float64], LinkGroup] | None = None
        self._standing: StandingLinks | None = None

    def update(
        self,
        numbers: NDArray[np.intp],
        known: Replay,
        position: NDArray[np.float64],
        velocity: NDArray[np.float64],
        bodies: Bodies,
    ) -> LinkGroup:
        """The links, which have these numbers (l,) in the site, with their receivers at
        `position` (l, 3), nan where unknown, moving with `velocity` (l, 3), and these bodies."""
        moved = np.ones(len(numbers), bool)
        if self._last is not None and self._last[0] is known:
            # nan equals nan: a robot without a pose does not move.
            same = np.isclose(position, self._last[1], 0, 0, equal_nan=True)
            moved = np.logical_not(same.all(axis=1))
            if not moved.any():
                return self._where_they_stand(numbers, bodies)
        paths = known.at(position)
        people = PeopleUpdate(paths, self._wavelength, self._model, standing=False)
        blocked = people.update(bodies)
        sums = link_sums(paths, blocked.field)
        if self._last is not None and self._last[0] is known:
            moved |= sums.differ(self._last[2].sums)
        group = LinkGroup(numbers, paths, blocked, sums, moved, velocity)
        self._last, self._standing = (known, position, group), None
        return group

    def _where_they_stand(self, numbers: NDArray[np.intp], bodies: Bodies) -> LinkGroup:
        assert self._last is not None
        known, position, before = self._last
        if self._standing is not None:
            group = self._standing.update(bodies)
        else:
            self._standing = StandingLinks(before.paths, numbers, self._wavelength, self._model)
            group = self._standing.update(bodies)
            group = replace(group, retraced=group.sums.differ(before.sums))
        self._last = (known, position, group)
        return group


@dataclass(frozen=True, eq=False)
class ScriptedRobot:
    """A robot on its scripted loop, whose paths are known all along it from the start.

    The loop is solved at places (K, 3) a metre apart, and for specular paths alone every quarter
    metre; the nearest place's paths are replayed, with the specular sequences of the whole loop,
    so that hardly one is missed that is seen between two places only. What comes out depends on
    the time stamp alone, on line and off line.
    """

    name: str
    antenna_height: float
    path: ScriptedPath
    places: NDArray[np.float64]
    traced: tuple[TracedPaths, ...]
    known: tuple[Replay, ...]

    @classmethod
    def discovered(
        cls, robot: Robot, path: ScriptedPath, discovery: Discovery, scene: ReplayScene
    ) -> ScriptedRobot:
        """Solves all along `path`, which is the robot's, in that scene."""
        coarse, fine = (_devices(robot, path, step) for step in (_SPACING, _SPECULAR_SPACING))
        found = discovery.paths_to(coarse)
        specular = discovery.specular_paths_to(fine)
        parts = _with_borrowed(found, specular, robot.name)
        known = tuple(Replay.of(paths, scene) for paths in parts)
        # What compiles at the first call must not compile in the first tick.
        known[0].at(np.tile(coarse.positions[0], (len(parts[0].links), 1)))
        traced = tuple(TracedPaths(paths, scene) for paths in parts)
        return cls(robot.name, robot.antenna_height, path, coarse.positions, traced, known)

    def within(self, scene: ReplayScene, discovery: Discovery) -> ScriptedRobot:
        """It in the scene as it is now, in which `discovery` finds paths."""
        places = (Devices((self.name,), place[None]) for place in self.places)
        known = tuple(
            Replay.of(paths_within(traced, scene, discovery, place, replayed=True), scene)
            for traced, place in zip(self.traced, places, strict=True)
        )
        return replace(self, known=known)

    def receiver(self, stamp_ns: int) -> Receiver:
        """Its antenna at that time."""
        ground, yaw = pose_at(self.path, stamp_ns)
        velocity = self.path.speed * np.array([np.cos(yaw), np.sin(yaw), 0.0])
        return Receiver(np.append(ground, self.antenna_height), velocity)

    def known_at(self, receiver: Receiver) -> Replay:
        """The paths of the place nearest to it."""
        distance = np.linalg.norm(self.places - receiver.position, axis=1)
        return self.known[int(distance.argmin())]


def _devices(robot: Robot, path: ScriptedPath, spacing: float) -> Devices:
    places = loop_places(np.array(path.waypoints, float), spacing)
    names = tuple(f"{robot.name}@{k}" for k in range(len(places)))
    height = np.full(len(places), robot.antenna_height)
    return Devices(names, np.column_stack([places, height]))


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
        new = new_sequences(everything, np.flatnonzero(own & ~random), borrowed)
        rows = np.concatenate([np.flatnonzero(own), new])
        result.append(everything.select(rows[np.argsort(everything.link[rows], kind="stable")]))
    return result


def _stacked(first: PathSet, second: PathSet, name: str) -> NDArray[Any]:
    return np.concatenate([getattr(first, name), getattr(second, name)])
