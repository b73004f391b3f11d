"""What moving people change: only the paths that they touch are evaluated again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex, Int, Int32
from scipy.constants import speed_of_light

from visrftwin_ros.bodies.people import BOX, PERSON, Bodies
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_segments import PlaceGrid, Scan, Segments, path_segments
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, PathSet
from visrftwin_ros.propagation.people.body_occlusion import PassingOutlines, StandingOutlines
from visrftwin_ros.propagation.people.body_screens import reach, shadows
from visrftwin_ros.propagation.people.multiple_bodies import Standing, joint_ratios, standing_in
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel

ComplexValues = Complex[np.ndarray, " k"]

LEAST_SHARE = 1e-3
"""A link is affected where a body comes near a path with at least this share of its power.

A tracer scatters thousands of diffuse paths a link over the whole scene, each of some millionths
of the power: somebody is always on one of those, and no receiver would notice.
"""

LEAST_DIFFRACTED = 1e-4
"""From this share of its link's power on a weak path is diffracted, unless it is a diffuse sample: by
flat bodies, which cost half of what thick ones do. That moves 99 % of link powers by less than 0.03 dB,
those in shadows over 20 dB by 0.2 dB in the middle and 0.6 dB at most.

What is weaker and not diffuse comes to 0.4 % of a link's power at most in the lobby of the benches,
and is three quarters of such paths: a body's outline cuts it as it does the samples. That moves 99 %
of link powers by less than 0.05 dB, the deepest shadows by 0.5 dB.
"""

_BLOCKING = 10 ** (-3 / 20)
"""A body blocks a path when it alone takes 3 dB or more off it; less is a fringe, of up to 2 dB
beside a thick body."""

BEHIND_A_BODY = 0.46
"""|E/E0| of a sampled path through a body's outline: 6.7 dB, the mean power behind walkers of
the `thick` model on paths 1 to 16 m long between any heights of 0 to 3 m, any way past them. That is
less than behind a trunk, 13 dB: head and legs leave a fifth of the outline open.

A weak diffuse path is one random sample of a scattered field. Fringes mean nothing on it and average
out over the samples, so it is cut by the body's outline instead of diffracted: many times cheaper.
"""

BEHIND_A_BOX = 0.17
"""The same of boxes: 15.4 dB, the mean power by `box_diffraction` behind a robot's chassis 1.2 x 0.8 x
1 m; 14.0 dB behind a chair, 18.9 dB behind a small car, on paths as above that a box's outline cuts.
"""

_NONE = np.zeros(0, np.intp)


def rehearsal() -> tuple[PathSet, Bodies]:
    """A direct and a scattered path of one link, and two people on their way: what runs on these is
    compiled, or loaded, and need not be when it counts."""
    vertices = np.array([[[0.0, 0, 1], [2, 0, 1], [2, 0, 1]], [[0, 0, 1], [1, 0, 1], [2, 0, 1]]])
    paths = PathSet(
        links=(("", ""),),
        link=np.zeros(2, np.int32),
        vertices=vertices,
        n_vertices=np.array([2, 3], np.int32),
        interactions=np.array([[0], [DIFFUSE]], np.uint8),
        objects=np.zeros((2, 1), np.int32),
        normals=np.zeros((2, 1, 3)),
        transfer=np.eye(2, dtype=complex) * np.array([1.0, 1e-3]).reshape(2, 1, 1),
        delay=np.full(2, 2.0 / speed_of_light),
    )
    half, places = np.full(2, 0.5), np.array([[0.7, 0.0, 0.0], [1.3, 0.0, 0.0]])
    return paths, Bodies(("a", "b"), places, 0 * places, half, half, 4 * half, 0 * half)


def prepare_updates(wavelength: float) -> None:
    """Compiles, or loads, what updates run, and tabulates: once a process, before the first tick."""
    paths, pair = rehearsal()
    for standing in (True, False):
        for shape in (PERSON, BOX):
            update = PeopleUpdate(paths, wavelength, standing=standing)
            update.update(replace(pair, shape=(shape, shape)))
    link_sums(paths, np.ones(2, complex))


@dataclass(frozen=True)
class PathFields:
    """One body's factor E/E0 on each path that it is near: rows ascending, and the factors."""

    path: Int[np.ndarray, " k"]
    field: ComplexValues

    def without(self, rows: Bool[np.ndarray, " k"]) -> PathFields:
        """Those of the other `rows`."""
        return PathFields(self.path[~rows], self.field[~rows])


@dataclass(frozen=True)
class Blockage:
    """The effect of people on the P paths of a PathSet.

    touched: rows with somebody near, ascending, and factor: complex E/E0 on these; several bodies
    are multiple diffraction, on weak paths they multiply.
    by_body: every body near some path, as its id, and its factors; sorted by id, an id may come
    more than once. evaluated: rows evaluated at this update, ascending.
    """

    paths: int
    touched: Int[np.ndarray, " t"]
    factor: Complex[np.ndarray, " t"]
    by_body: tuple[tuple[str, PathFields], ...]
    evaluated: Int[np.ndarray, " e"]

    @cached_property
    def field(self) -> Complex[np.ndarray, " paths"]:
        """E/E0 of all, 1 where nobody is near."""
        field = np.ones(self.paths, complex)
        field[self.touched] = self.factor
        return field

    def blocked_by(self, path: int) -> tuple[str, ...]:
        """Ids of the bodies that each take at least 3 dB off `path`."""
        found = []
        for name, fields in self.by_body:
            row = np.searchsorted(fields.path, path)
            if row < len(fields.path) and fields.path[row] == path:
                found.extend([name] if abs(fields.field[row]) <= _BLOCKING else [])
        return tuple(found)


def unblocked(paths: PathSet) -> Blockage:
    """Nobody there."""
    return Blockage(len(paths), _NONE, np.zeros(0, complex), (), _NONE)


class PeopleUpdate:
    """Keeps the blockage of a PathSet up to date as people move.

    A body that did not move since the last update costs nothing; one that moved, appeared or
    left costs the paths near its old and new places. All other entries stay bit for bit, and the
    result is the same as if every path had been evaluated against every body.
    Paths under `least_share` of their link's power are evaluated only while the link is affected
    by way of a stronger one. `standing`: the paths will see many updates, so index them by place.
    `joint`: several bodies on one path of `least_share` or more are multiple diffraction; else, and
    on weaker paths, they multiply.
    """

    def __init__(
        self,
        paths: PathSet,
        wavelength: float,
        model: BlockageModel = "thick",
        least_share: float = LEAST_SHARE,
        standing: bool = True,
        joint: bool = True,
    ) -> None:
        total = np.bincount(paths.link, paths.power, len(paths.links))
        strong = paths.power >= least_share * total[paths.link]
        faint = paths.power < LEAST_DIFFRACTED * total[paths.link]
        sampled = ~strong & (faint | (paths.interactions == DIFFUSE).any(axis=1))
        weak = ~strong & ~sampled
        self._link = paths.link
        self._strong = _Diffracted(
            paths, np.flatnonzero(strong), standing, wavelength, model, joint, flat=False
        )
        self._weak: tuple[_Tier, ...] = (
            _Diffracted(paths, np.flatnonzero(weak), standing, wavelength, model, False, flat=True),
            _Sampled(paths, np.flatnonzero(sampled), standing),
        )
        self._poses: dict[str, tuple[float, ...]] = {}
        self._affected = np.zeros(len(paths.links), bool)
        self._field = np.ones(len(paths), complex)
        self._everything = np.ones(len(paths.links), bool)

    def update(self, bodies: Bodies) -> Blockage:
        """The blockage with these bodies; ids must be unique and poses finite."""
        poses = dict(zip(bodies.ids, bodies.poses(), strict=True))
        moved = [i for i, name in enumerate(bodies.ids) if self._poses.get(name) != poses[name]]
        still = [i for i, name in enumerate(bodies.ids) if self._poses.get(name) == poses[name]]
        gone = [name for name in self._poses if name not in poses]
        away = [*gone, *(bodies.ids[i] for i in moved)]

        evaluated = [
            self._strong.forget(away),
            self._strong.evaluate(bodies, moved, self._everything),
        ]
        affected = np.zeros_like(self._affected)
        affected[self._link[self._strong.touched()]] = True
        newly = affected & ~self._affected
        for tier in self._weak:
            evaluated.append(tier.forget(away))
            evaluated.append(tier.forget_links(self._affected & ~affected))
            if affected.any():
                evaluated.append(tier.evaluate(bodies, moved, affected))
            if newly.any():
                evaluated.append(tier.evaluate(bodies, still, newly))

        marked = np.zeros(len(self._link), bool)
        for rows in evaluated:
            marked[rows] = True
        self._poses, self._affected = poses, affected
        return self._assembled(marked)

    def _assembled(self, marked: Bool[np.ndarray, " paths"]) -> Blockage:
        """Puts the bodies' factors into the field, at the `marked` rows only."""
        field, evaluated = self._field, np.flatnonzero(marked)
        field[evaluated] = 1.0
        # In the order of the ids, so that the product does not depend on who moved when.
        tiers = (self._strong, *self._weak)
        near = sorted((e for tier in tiers for e in tier.by_body), key=lambda entry: entry[0])
        touched = np.zeros(len(field), bool)
        for _, fields in near:
            _multiply(field, fields.path, fields.field, marked, touched)
        path, ratio = self._strong.joint(marked)
        np.multiply.at(field, path, ratio)
        rows = np.flatnonzero(touched)
        return Blockage(len(field), rows, field[rows], tuple(near), evaluated)


@compiled
def _multiply(
    field: Complex[np.ndarray, " paths"],
    path: Int[np.ndarray, " k"],
    factor: ComplexValues,
    marked: Bool[np.ndarray, " paths"],
    touched: Bool[np.ndarray, " paths"],
) -> None:
    """Into `field` the factors on `marked` paths; all of these paths are `touched`."""
    for k in range(len(path)):
        touched[path[k]] = True
        if marked[path[k]]:
            field[path[k]] *= factor[k]


@compiled
def _products(
    path: Int[np.ndarray, " k"],
    body: Int[np.ndarray, " k"],
    field: ComplexValues,
    link: Int32[np.ndarray, " paths"],
    wanted: Bool[np.ndarray, " links"],
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], ComplexValues]:
    """Of the paths of `wanted` links each pair of a path and a body once, with the product over its
    segments, which follow each other."""
    paths, bodies, fields = np.empty_like(path), np.empty_like(body), np.empty_like(field)
    count = 0
    for k in range(len(path)):
        if not wanted[link[path[k]]]:
            continue
        if count and paths[count - 1] == path[k] and bodies[count - 1] == body[k]:
            fields[count - 1] *= field[k]
        else:
            paths[count], bodies[count], fields[count] = path[k], body[k], field[k]
            count += 1
    return paths[:count], bodies[:count], fields[:count]


class _Tier(ABC):
    """Some paths of a PathSet, treated alike, and what each body does to them."""

    def __init__(self, paths: PathSet, rows: Int[np.ndarray, " k"]) -> None:
        self._paths = paths
        self._rows = rows
        self._fields: dict[str, PathFields] = {}

    @abstractmethod
    def _factors(
        self, bodies: Bodies, rows: list[int], links: Bool[np.ndarray, " links"]
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], ComplexValues]:
        """Of the bodies `rows`, ascending, on the paths of `links` at least: paths, ascending for
        each body, bodies, ascending, and factors, (K,) each."""

    @property
    def by_body(self) -> list[tuple[str, PathFields]]:
        return list(self._fields.items())

    def touched(self) -> Int[np.ndarray, " k"]:
        """Paths with somebody near, some of them twice."""
        return np.concatenate([_NONE, *(f.path for f in self._fields.values())])

    def forget(self, names: list[str]) -> Int[np.ndarray, " k"]:
        """Takes these bodies away; the paths that they were near."""
        gone = [self._fields.pop(name).path for name in names if name in self._fields]
        return np.concatenate([_NONE, *gone])

    def forget_links(self, links: Bool[np.ndarray, " links"]) -> Int[np.ndarray, " k"]:
        """Takes everybody off the paths of these links; those paths."""
        gone = [_NONE]
        if links.any():
            for name, fields in self._fields.items():
                rows = links[self._paths.link[fields.path]]
                gone.append(fields.path[rows])
                self._fields[name] = fields.without(rows)
        return np.concatenate(gone)

    def evaluate(
        self, bodies: Bodies, rows: list[int], links: Bool[np.ndarray, " links"]
    ) -> Int[np.ndarray, " k"]:
        """Adds what `bodies` with these indices do to the paths of `links`; those paths."""
        if not rows or not len(self._rows):
            return _NONE
        # Bodies in the order of `rows`, each with its paths ascending.
        found = self._factors(bodies, rows, links)
        path, body, field = _products(*found, self._paths.link, links)
        for i, begin, end in zip(
            rows, np.searchsorted(body, rows), np.searchsorted(body, rows, "right"), strict=True
        ):
            if begin < end:
                self._add(bodies.ids[i], PathFields(path[begin:end], field[begin:end]))
        return path

    def _add(self, name: str, new: PathFields) -> None:
        """Takes in factors on other links than are known."""
        known = self._fields.get(name)
        if known is not None:
            rows, factors = np.append(known.path, new.path), np.append(known.field, new.field)
            order = np.argsort(rows, kind="stable")
            new = PathFields(rows[order], factors[order])
        self._fields[name] = new


class _Diffracted(_Tier):
    """Paths whose shadow is a diffracted field."""

    def __init__(
        self,
        paths: PathSet,
        rows: Int[np.ndarray, " k"],
        standing: bool,
        wavelength: float,
        model: BlockageModel,
        joint: bool,
        flat: bool,
    ) -> None:
        super().__init__(paths, rows)
        self._joint, self._flat = joint, flat
        self._stand_still = standing
        self._wavelength = wavelength
        self._model: BlockageModel = model
        self._standing: list[tuple[tuple[str, ...], Int[np.ndarray, " k"], Standing]] = []
        """Ids, whose number each of the bodies that stand has, and these."""
        self._longest = float(paths.delay[rows].max(initial=0.0) * speed_of_light)
        if standing:
            _ = self._places

    @cached_property
    def _segments(self) -> Segments:
        # The weak paths of a moving robot's link are cut into segments only if it is affected.
        return path_segments(self._paths, self._rows)

    @cached_property
    def _links_passed(self) -> Int32[np.ndarray, " segments"]:
        return self._paths.link[self._segments.path]

    @cached_property
    def _places(self) -> PlaceGrid | Scan:
        return PlaceGrid(self._segments) if self._stand_still else Scan(self._segments)

    def _factors(
        self, bodies: Bodies, rows: list[int], links: Bool[np.ndarray, " links"]
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], ComplexValues]:
        chosen = np.array(rows, np.intp)
        reaches = reach(bodies, self._longest, self._wavelength)[chosen]
        segment, number = self._places.near(bodies.position[chosen, :2], reaches)
        body = chosen[number]
        if not links.all():
            wanted = links[self._links_passed[segment]]
            segment, body = segment[wanted], body[wanted]
        found = shadows(
            self._segments, bodies, segment, body, self._wavelength, self._model, self._flat
        )
        if self._joint:
            deep, standing = standing_in(self._segments, bodies, found)
            self._standing.append((bodies.ids, found.body[deep], standing))
        return self._segments.path[found.segment], found.body, found.field

    def forget(self, names: list[str]) -> Int[np.ndarray, " k"]:
        known, self._standing = self._standing, []
        for ids, body, standing in known:
            left = np.array([name not in names for name in ids])[body]
            if left.any():
                self._standing.append((ids, body[left], standing.take(left)))
        return super().forget(names)

    def joint(
        self, marked: Bool[np.ndarray, " paths"]
    ) -> tuple[Int[np.ndarray, " s"], ComplexValues]:
        """Of the `marked` paths those with several bodies, and what that makes of their product."""
        bodies = np.zeros(len(marked), np.intp)
        for _, _, standing in self._standing:
            np.add.at(bodies, standing.path, 1)
        several = marked & (bodies > 1)
        if not several.any():
            return _NONE, np.zeros(0, complex)
        rank = {
            name: i for i, name in enumerate(sorted({n for ids, *_ in self._standing for n in ids}))
        }
        parts, ranks = [], []
        for ids, body, standing in self._standing:
            rows = np.flatnonzero(several[standing.path])
            parts.append(standing.take(rows))
            ranks.append(np.array([rank[name] for name in ids])[body[rows]])
        # In the order of the ids, so that bodies side by side do not depend on who moved when.
        order = np.argsort(np.concatenate(ranks), kind="stable")
        everyone = Standing.together(parts).take(order)
        return joint_ratios(everyone, self._wavelength, self._model)


class _Sampled(_Tier):
    """Weak diffuse and faint paths, which a body's outline cuts."""

    def __init__(self, paths: PathSet, rows: Int[np.ndarray, " k"], standing: bool) -> None:
        super().__init__(paths, rows)
        self._standing = standing
        if standing:
            _ = self._outlines

    @cached_property
    def _outlines(self) -> StandingOutlines | PassingOutlines:
        return (StandingOutlines if self._standing else PassingOutlines)(self._paths, self._rows)

    def _factors(
        self, bodies: Bodies, rows: list[int], links: Bool[np.ndarray, " links"]
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], ComplexValues]:
        path, body = self._outlines.crossed(bodies, rows)
        factor = np.where(bodies.is_box[body], BEHIND_A_BOX, BEHIND_A_BODY)
        return path, body, factor.astype(complex)
