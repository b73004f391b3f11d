"""What moving people change: only the paths that they touch are evaluated again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.blockage import BlockageModel
from visrftwin_ros.propagation.body_screens import reach, shadows
from visrftwin_ros.propagation.path_set import PathSet
from visrftwin_ros.propagation.segments import GroundGrid, Scan, Segments, path_segments

LEAST_SHARE = 1e-3
"""A link is affected where a body comes near a path with at least this share of its power.

A tracer scatters thousands of diffuse paths a link over the whole scene, each of some millionths
of the power: somebody is always on one of those, and no receiver would notice.
"""

_BLOCKING = 10 ** (-1 / 20)
"""A body blocks a path when it alone takes 1 dB or more off it; less is a fringe."""


@dataclass(frozen=True)
class Blockage:
    """The effect of people on the P paths of a PathSet.

    field: (P,) complex E/E0, 1 where nobody is near; several bodies multiply.
    touched_path, touched_body, touched_field: (K,) every pair of a path and a body near it, the
    body as its id, sorted by path.
    evaluated: (E,) rows evaluated at this update, ascending.
    """

    field: NDArray[np.complex128]
    touched_path: NDArray[np.intp]
    touched_body: NDArray[np.str_]
    touched_field: NDArray[np.complex128]
    evaluated: NDArray[np.intp]

    def blocked_by(self, path: int) -> tuple[str, ...]:
        """Ids of the bodies that each take at least 1 dB off `path`."""
        rows = slice(*np.searchsorted(self.touched_path, [path, path + 1]))
        blocking = np.abs(self.touched_field[rows]) <= _BLOCKING
        return tuple(str(body) for body in self.touched_body[rows][blocking])


def unblocked(paths: PathSet) -> Blockage:
    """Nobody there."""
    nothing = np.zeros(0, np.intp)
    return Blockage(
        np.ones(len(paths), complex), nothing, np.zeros(0, str), np.zeros(0, complex), nothing
    )


class PeopleUpdate:
    """Keeps the blockage of a PathSet up to date as people move.

    A body that did not move since the last update costs nothing; one that moved, appeared or
    left costs the paths near its old and new places. All other entries stay bit for bit, and the
    result is the same as if every path had been evaluated against every body.
    Paths under `least_share` of their link's power are evaluated only while the link is affected
    by way of a stronger one. `standing`: the paths will see many updates, so index them by place.
    """

    def __init__(
        self,
        paths: PathSet,
        wavelength: float,
        model: BlockageModel = "fresnel",
        least_share: float = LEAST_SHARE,
        standing: bool = True,
    ) -> None:
        total = np.bincount(paths.link, paths.power, len(paths.links))
        strong = paths.power >= least_share * total[paths.link]
        self._link = paths.link
        self._strong = _Tier(paths, np.flatnonzero(strong), wavelength, model, standing)
        self._weak = _Tier(paths, np.flatnonzero(~strong), wavelength, model, standing)
        self._poses: dict[str, tuple[float, ...]] = {}
        self._affected = np.zeros(len(paths.links), bool)
        self._blockage = unblocked(paths)

    def update(self, bodies: Bodies) -> Blockage:
        """The blockage with these bodies; ids must be unique and poses finite."""
        poses = dict(zip(bodies.ids, bodies.poses(), strict=True))
        moved = [i for i, name in enumerate(bodies.ids) if self._poses.get(name) != poses[name]]
        still = [i for i, name in enumerate(bodies.ids) if self._poses.get(name) == poses[name]]
        gone = [name for name in self._poses if name not in poses]
        away = [*gone, *(bodies.ids[i] for i in moved)]

        evaluated = [self._strong.forget(away)]
        evaluated.append(self._strong.evaluate(bodies, moved, None))
        affected = np.zeros_like(self._affected)
        affected[self._link[self._strong.touched()]] = True

        evaluated.append(self._weak.forget(away))
        evaluated.append(self._weak.forget_links(self._affected & ~affected))
        if affected.any():
            evaluated.append(self._weak.evaluate(bodies, moved, affected))
            newly = affected & ~self._affected
            if newly.any():
                evaluated.append(self._weak.evaluate(bodies, still, newly))

        rows = np.unique(np.concatenate(evaluated))
        self._poses, self._affected = poses, affected
        self._blockage = self._assemble(rows)
        return self._blockage

    def _assemble(self, evaluated: NDArray[np.intp]) -> Blockage:
        """Multiplies the bodies' factors into a copy of the field at the `evaluated` rows only."""
        field = self._blockage.field.copy()
        field[evaluated] = 1.0
        marked = np.zeros(len(field), bool)
        marked[evaluated] = True
        # In the order of the ids, so that the product does not depend on who moved when.
        near = sorted([*self._strong.by_body, *self._weak.by_body], key=lambda entry: entry[0])
        for _, fields in near:
            rows = marked[fields.path]
            field[fields.path[rows]] *= fields.field[rows]
        path = np.concatenate([np.zeros(0, np.intp), *(f.path for _, f in near)])
        order = np.argsort(path, kind="stable")
        names = np.repeat(np.array([name for name, _ in near], str), [len(f.path) for _, f in near])
        touched = np.concatenate([np.zeros(0, complex), *(f.field for _, f in near)])
        return Blockage(field, path[order], names[order], touched[order], evaluated)


@dataclass(frozen=True)
class _PathFields:
    """One body's factor on each path that it is near: rows ascending (k,) and factors (k,)."""

    path: NDArray[np.intp]
    field: NDArray[np.complex128]

    def without(self, rows: NDArray[np.bool_]) -> _PathFields:
        return _PathFields(self.path[~rows], self.field[~rows])


class _Tier:
    """The strong or the weak paths of a PathSet, and what each body does to them."""

    def __init__(
        self,
        paths: PathSet,
        rows: NDArray[np.intp],
        wavelength: float,
        model: BlockageModel,
        standing: bool,
    ) -> None:
        self._paths = paths
        self._rows = rows
        self._wavelength = wavelength
        self._model: BlockageModel = model
        self._standing = standing
        self._longest = float(paths.delay[rows].max(initial=0.0) * speed_of_light)
        self._segments: Segments | None = None
        self._places: GroundGrid | Scan | None = None
        self._fields: dict[str, _PathFields] = {}
        if standing:
            self._prepare()

    @property
    def by_body(self) -> list[tuple[str, _PathFields]]:
        return list(self._fields.items())

    def touched(self) -> NDArray[np.intp]:
        """Paths with somebody near, some of them twice."""
        return np.concatenate([np.zeros(0, np.intp), *(f.path for f in self._fields.values())])

    def forget(self, names: list[str]) -> NDArray[np.intp]:
        """Takes these bodies away; the paths that they were near."""
        gone = [self._fields.pop(name).path for name in names if name in self._fields]
        return np.concatenate([np.zeros(0, np.intp), *gone])

    def forget_links(self, links: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Takes everybody off the paths of these links (L,); those paths."""
        gone = [np.zeros(0, np.intp)]
        if links.any():
            for name, fields in self._fields.items():
                rows = links[self._paths.link[fields.path]]
                gone.append(fields.path[rows])
                self._fields[name] = fields.without(rows)
        return np.concatenate(gone)

    def evaluate(
        self, bodies: Bodies, rows: list[int], links: NDArray[np.bool_] | None
    ) -> NDArray[np.intp]:
        """Adds what `bodies` with these indices do to the paths of `links`; those paths."""
        if not rows or not len(self._rows):
            return np.zeros(0, np.intp)
        segments, places = self._prepare()
        reaches = reach(bodies, self._longest, self._wavelength)
        near = [places.near(bodies.position[i, :2], reaches[i]) for i in rows]
        segment = np.concatenate(near)
        body = np.repeat(np.array(rows, np.intp), [len(n) for n in near])
        if links is not None:
            wanted = links[self._paths.link[segments.path[segment]]]
            segment, body = segment[wanted], body[wanted]
        found = shadows(segments, bodies, segment, body, self._wavelength, self._model)
        path = segments.path[found.segment]
        for i in rows:
            mine = found.body == i
            if mine.any():
                self._add(bodies.ids[i], path[mine], found.field[mine])
        return path

    def _add(self, name: str, path: NDArray[np.intp], field: NDArray[np.complex128]) -> None:
        """The product over a path's segments, merged with what is known of other links."""
        order = np.argsort(path, kind="stable")
        rows, first = np.unique(path[order], return_index=True)
        factors = np.multiply.reduceat(field[order], first)
        known = self._fields.get(name)
        if known is not None:
            rows, factors = np.append(known.path, rows), np.append(known.field, factors)
            order = np.argsort(rows, kind="stable")
            rows, factors = rows[order], factors[order]
        self._fields[name] = _PathFields(rows, factors)

    def _prepare(self) -> tuple[Segments, GroundGrid | Scan]:
        # The weak paths of a moving robot's link are cut into segments only if it is affected.
        if self._segments is None or self._places is None:
            self._segments = path_segments(self._paths, self._rows)
            self._places = GroundGrid(self._segments) if self._standing else Scan(self._segments)
        return self._segments, self._places
