"""What stands otherwise than a site has it, from a LiDAR's sweeps: furniture moved, come or gone.

A thing of the site is gone where rays go through it, something new stands where returns keep coming from
free space; a thing that is gone and fits what is new was moved. People, tracked by others, are left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from visrftwin_ros.perception.lidar.free_space import Cluster, FreeSpace
from visrftwin_ros.perception.lidar.furniture import (
    Parts,
    Thing,
    box_about,
    movable_things,
)
from visrftwin_ros.perception.lidar.furniture_fit import Look, belongs, fitted_motion
from visrftwin_ros.scene.changes import SeenChange
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box, Site

STILL = 1.5
"""s for which something new must stand to have come to rest."""
UNKNOWN_STILL, PERSON_STILL = 3.0, 30.0
"""The same of what is no thing of the site, and of what could be a person whom nobody tracks."""
GONE_FOR = 3.0
"""s after which a thing that is gone is somewhere else out of sight."""
_WINDOW = 1.5
"""s of sweeps by which a thing is there or not."""
_FEWEST = 25
"""Rays that must hit a thing or go through it in that time."""
_SUSPECT, _GONE, _THERE = 0.3, 0.8, 0.15
"""Share of them that go through: from which it may have moved, is not there, and is there again."""
_NEAR = 0.1
"""m from a thing within which a return is of it."""
_AROUND_PEOPLE = 0.7
"""m about a tracked person, arms and bags included, and about a robot."""
_MOST_RETURNS = 30_000
"""Of a sweep, spread over all of it."""
_LOOKS = 4
"""That a fit is compared with."""
_SMALLEST, _FEWEST_CELLS = 0.3, 6
"""m of the longest side, and cells, of something new: less matters to no link."""
_THINNEST = 0.04
_LEGS = 0.4
"""m over the floor under which what is seen stands on it."""
_PERSON_WIDE, _PERSON_TALL = 0.9, (1.1, 2.1)
"""m: what is no wider and so tall may be a person."""
_MOST_NEW = 50
"""Boxes, the largest first; more would be another place."""


@dataclass
class _State:
    """Of a thing: when it was last seen at its place in the site, when it was seen to have left it (None: it
    is there), and where it is since when."""

    there_ns: int | None = None
    gone_ns: int | None = None
    suspect: bool = False
    motion: Pose | None = None
    since_ns: int = 0
    confidence: float = 0.0


@dataclass
class _New:
    """A box that the site does not have, and its points."""

    points: Float[np.ndarray, "n 3"]
    parts: Parts
    since_ns: int
    confidence: float


@dataclass
class _Evidence:
    """Returns of places and rays through them, by place, in the last seconds."""

    looks: deque[tuple[int, Mapping[Hashable, tuple[int, int]]]] = field(default_factory=deque)

    def add(self, stamp_ns: int, counts: Mapping[Hashable, tuple[int, int]]) -> None:
        self.looks.append((stamp_ns, counts))
        while self.looks[0][0] < stamp_ns - _WINDOW * 1e9:
            self.looks.popleft()

    def through(self, place: Hashable) -> float | None:
        """Share of the rays that go through it; None while too few say anything."""
        counts = (
            np.array([c[place] for _, c in self.looks if place in c]).reshape(-1, 2).sum(axis=0)
        )
        return None if counts.sum() < _FEWEST else float(counts[1] / counts.sum())


class SceneWatcher:
    """Looks at sweeps of one place in the order of their stamps. sensor: whose they are."""

    def __init__(self, site: Site, sensor: str) -> None:
        """TwinError where a mesh of the site cannot be read."""
        meshes = surface_meshes(site)
        self._things: tuple[Thing, ...] = movable_things(site, meshes)
        loose = {name for thing in self._things for name in thing.surfaces}
        self._space = FreeSpace(site, [mesh for mesh in meshes if mesh.name not in loose])
        self._names = {surface.name for surface in site.scene}
        self._sensor = sensor
        self.forget()
        # The first look loads compiled kernels: here, not in the first callback.
        self.look(np.array([[0.0, 0.0, self._space.floor]]), np.ones(3), 0, None)
        self.forget()

    def forget(self) -> None:
        """As if all were as in the site."""
        self._states = [_State() for _ in self._things]
        self._new: dict[str, _New] = {}
        self._evidence, self._looks = _Evidence(), deque[Look](maxlen=_LOOKS)
        self._space.forget()

    def look(
        self,
        points: Float[np.ndarray, "n 3"],
        origin: Float[np.ndarray, " 3"],
        stamp_ns: int,
        people: Float[np.ndarray, "k 2"] | None,
    ) -> None:
        """Takes in a sweep: returns [m, world] seen from `origin`, and where people and robots are on the
        ground at its time. None: nobody tracks people, and nothing new is taken for furniture."""
        # Of one layout, as each compiles anew what loops over it.
        points = np.ascontiguousarray(points[:: max(1, len(points) // _MOST_RETURNS)], np.float64)
        look = Look(np.asarray(origin, np.float64), points, self._space.free(points))
        left = (self._count(look, stamp_ns) < 0) & look.free
        self._looks.append(look)
        if people is not None and len(people):
            rows = np.flatnonzero(left)
            away = np.linalg.norm(points[rows, None, :2] - people, axis=2).min(axis=1)
            left[rows[away < _AROUND_PEOPLE]] = False
        self._space.look(points[left], points, look.origin, stamp_ns)
        self._judge(stamp_ns)
        self._place(stamp_ns, known_people=people is not None)

    @property
    def changes(self) -> tuple[SeenChange, ...]:
        """All in which the place differs from its site, as far as it was seen."""
        by = (self._sensor,)
        found = []
        for thing, state in zip(self._things, self._states, strict=True):
            if state.gone_ns is None or not (state.motion or state.confidence):
                continue
            told = SeenChange("", state.since_ns, state.confidence, by, motion=state.motion)
            found += [replace(told, surface=name) for name in thing.surfaces]
        for name, new in self._new.items():
            box = Box(
                name=name,
                kind="box",
                center=_triple(new.parts.center[0]),
                size=_triple(new.parts.size[0]),
                yaw=float(new.parts.yaw[0]),
                material="",
            )
            found.append(SeenChange(name, new.since_ns, new.confidence, by, box=box))
        return tuple(found)

    def _count(self, look: Look, stamp_ns: int) -> np.ndarray:
        """Adds what a look says of all places; the returns that belong to what is there (-1 = to none)."""
        places: list[tuple[Hashable, Parts, bool]] = []
        for i, (thing, state) in enumerate(zip(self._things, self._states, strict=True)):
            places.append((("site", i), thing.parts, state.gone_ns is None and not state.suspect))
            if state.motion is not None:
                places.append((("now", i), thing.parts.moved(state.motion), True))
        places += [(("new", name), new.parts, True) for name, new in self._new.items()]
        counts: dict[Hashable, tuple[int, int]] = {}
        of = np.full(len(look.points), -1)
        for there in (False, True):
            some = [(key, parts) for key, parts, is_there in places if is_there is there]
            every = Parts.joined([parts for _, parts in some])
            hits, through = np.zeros((2, len(every)), np.int64)
            of = belongs(every, look, _NEAR, hits, through)
            owner = np.repeat(np.arange(len(some)), [len(parts) for _, parts in some])
            sums = (np.bincount(owner, n, len(some)) for n in (hits, through))
            for (key, _), hit, passed in zip(some, *sums, strict=True):
                counts[key] = int(hit), int(passed)
        self._evidence.add(stamp_ns, counts)
        return of

    def _judge(self, stamp_ns: int) -> None:
        """Which things are where the site, or an earlier look, has them."""
        for i, state in enumerate(self._states):
            through = self._evidence.through(("site", i))
            if through is not None:
                if state.gone_ns is None:
                    state.suspect = through >= _SUSPECT
                    state.there_ns = state.there_ns if state.suspect else stamp_ns
                    if through >= _GONE:
                        state.gone_ns = stamp_ns
                elif through <= _THERE and not self._overlaps(i):
                    self._states[i] = _State()
                    continue
            if state.gone_ns is None:
                continue
            here = self._evidence.through(("now", i))
            if state.motion is not None and here is not None and here >= _GONE:
                state.motion, state.gone_ns, state.confidence = None, stamp_ns, 0.0
            if state.motion is None and stamp_ns - state.gone_ns >= GONE_FOR * 1e9:
                state.since_ns, state.confidence = state.gone_ns, through or _GONE
        for name in list(self._new):
            through = self._evidence.through(("new", name))
            if through is not None and through >= _GONE:
                del self._new[name]

    def _overlaps(self, i: int) -> bool:
        """Whether a thing stands where it stood in part, whose returns say nothing of its old place."""
        state, parts = self._states[i], self._things[i].parts
        if state.motion is None:
            return False
        return bool((parts.moved(state.motion).away(parts.center) < parts.size.max() / 2).any())

    def _place(self, stamp_ns: int, known_people: bool) -> None:
        """Takes what stands in free space for a thing that is gone, or for something new."""
        for cluster in self._space.clusters(stamp_ns, STILL):
            if len(cluster.points) < _FEWEST_CELLS:
                break
            if self._is_a_thing(cluster, stamp_ns) or (
                known_people and self._is_new(cluster, stamp_ns)
            ):
                self._space.take(cluster)

    def _is_a_thing(self, cluster: Cluster, stamp_ns: int) -> bool:
        """A thing that is gone, unless this stood before it went."""
        fits, since = [], int(np.median(cluster.since_ns))
        for i, state in enumerate(self._states):
            stood = state.there_ns is not None and since < state.there_ns - _WINDOW * 1e9
            if state.motion is None and (state.suspect or state.gone_ns is not None) and not stood:
                fit = fitted_motion(self._things[i].parts, cluster.points, self._looks)
                if fit is not None:
                    fits.append((fit[1], i, fit[0]))
        if not fits:
            return False
        away, i, motion = min(fits, key=lambda fit: fit[0])
        state = self._states[i]
        gone = stamp_ns if state.gone_ns is None else state.gone_ns
        sure = cluster.share * float(np.exp(-away / _NEAR))
        self._states[i] = _State(state.there_ns, gone, False, motion, since, sure)
        return True

    def _is_new(self, cluster: Cluster, stamp_ns: int) -> bool:
        """Something that the site does not have, unless it is too small, may be a person, or is of a thing
        that may have moved a little."""
        points, since = cluster.points, int(np.median(cluster.since_ns))
        for thing, state in zip(self._things, self._states, strict=True):
            if state.motion is None and state.gone_ns is not None:
                continue
            parts = thing.parts.moved(state.motion) if state.motion else thing.parts
            if (parts.away(points) < 2 * _NEAR).mean() > 0.5:
                return not state.suspect
        for name, new in self._new.items():
            if new.parts.away(points).min() < 2 * _NEAR:
                points = np.concatenate([new.points, points])
                self._new[name] = replace(new, points=points, parts=self._standing(points))
                return True
        parts = self._standing(points)
        size = np.sort(parts.size[0, :2])
        tall = _PERSON_TALL[0] < points[:, 2].max() - self._space.floor < _PERSON_TALL[1]
        still = PERSON_STILL if tall and size[1] <= _PERSON_WIDE else UNKNOWN_STILL
        if parts.size.max() < _SMALLEST or stamp_ns - since < still * 1e9:
            return False
        if len(self._new) < _MOST_NEW:
            number = 1
            while (name := f"seen_{number}") in self._names | set(self._new):
                number += 1
            self._new[name] = _New(points, parts, since, cluster.share)
        return True

    def _standing(self, points: Float[np.ndarray, "n 3"]) -> Parts:
        """The box about some points, down to the floor where they nearly reach it."""
        box = box_about(points)
        low, high = points[:, 2].min(), max(points[:, 2].max(), self._space.floor + _THINNEST)
        if low < self._space.floor + _LEGS:
            low = self._space.floor
        size = np.maximum([*box.size[0, :2], high - low], _THINNEST)
        return replace(
            box, center=np.array([[*box.center[0, :2], (low + high) / 2]]), size=size[None]
        )


def _triple(values: Float[np.ndarray, " 3"]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
