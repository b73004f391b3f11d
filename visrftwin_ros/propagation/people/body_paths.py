"""Paths over people, kept up to date as people and robots move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies, nobody
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude
from visrftwin_ros.propagation.paths.link_metrics import LinkSums, link_sums
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.paths.path_set import BODY, PathSet, empty
from visrftwin_ros.propagation.people.body_reflection import (
    BodyScattering,
    Bounces,
    cross_section_bounces,
    ellipsoid_bounces,
    strongest_bounce,
)
from visrftwin_ros.propagation.people.body_screens import shadows
from visrftwin_ros.propagation.people.box_reflection import box_bounces
from visrftwin_ros.propagation.people.people_update import Blockage, PathFields, unblocked
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.site.model import MaterialEntry

LEAST_BOUNCE = 1e-2
"""A path over a body counts from this share of the power that its link has at that moment.

One left out changes the path loss by 0.04 dB. In a deep fade the link has little, and weaker
paths count: that is when a receiver lives on them.
"""
_LEAST_OF_FREE_SPACE = 1e-6
"""The same against free space, for links that have nothing at all."""
_OFF_END = 1e-3
"""Metres by which a free line of sight may seem short, in the tracer's single precision."""

_BOUNCES_OF: dict[str, Callable[..., Bounces]] = {
    "ellipsoid": ellipsoid_bounces,
    "rcs": cross_section_bounces,
}


class Sees(Protocol):
    """What hides what in the static scene (`visibility.Visibility`)."""

    def first_hit(
        self, origins: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]
    ) -> Float[np.ndarray, " n"]:
        """Metres to the first surface, inf where free."""


@dataclass(frozen=True)
class LinkEnds:
    """Of L links: transmitter, receiver in metres, nan where unknown; velocity, m/s, of
    the receiver."""

    transmitter: Float[np.ndarray, "links 3"]
    receiver: Float[np.ndarray, "links 3"]
    velocity: Float[np.ndarray, "links 3"]


@dataclass(frozen=True)
class BodyPaths:
    """P paths over one body each, numbered by the site's links.

    blockage: by the other people. doppler: Hz, of the body's and the receiver's motion.
    changed: the link's paths over bodies are not those of the update before. sums: their
    `free` is zero, since shadow loss compares with the place without people.
    """

    paths: PathSet
    blockage: Blockage
    doppler: Float[np.ndarray, " paths"]
    changed: Bool[np.ndarray, " links"]
    sums: LinkSums


class BodyReflections:
    """Finds the paths over people and boxes that matter on links to these ends."""

    def __init__(
        self,
        links: tuple[tuple[str, str], ...],
        scene: Sees,
        wavelength: float,
        model: BlockageModel = "thick",
        scattering: BodyScattering = "ellipsoid",
        materials: Mapping[str, MaterialEntry] | None = None,
    ) -> None:
        """materials: the site's own, of which boxes may be."""
        self._materials = materials or {}
        self._links = links
        self._scene = scene
        self._wavelength = wavelength
        self._model: BlockageModel = model
        self._scattering: BodyScattering = scattering
        if scattering == "ellipsoid":  # what compiles must not compile in the first tick
            nowhere = np.zeros((0, 3))
            ellipsoid_bounces(nowhere, nowhere, nobody(), np.zeros(0, np.intp), wavelength)
            strongest_bounce(nowhere, nowhere, nobody(), wavelength)
        self._last: tuple[Int[np.ndarray, " p"], Int[np.ndarray, "p numbers"]] | None = None

    def update(
        self, ends: LinkEnds, power: Float[np.ndarray, " links"], bodies: Bodies
    ) -> BodyPaths:
        """The paths over `bodies` now; power: what each link has without them."""
        link, body, bounces = self._candidates(ends, power, bodies)
        seen = self._seen(ends, link, bounces)
        link, body = link[seen], body[seen]
        paths = self._path_set(ends, link, bounces, seen)
        blockage = self._blocked_by_others(paths, bodies, body)
        toward = ends.velocity[link] * paths.arrival
        doppler = (toward.sum(axis=1) - bounces.stretching[seen]) / self._wavelength
        sums = link_sums(paths, blockage.field)
        return BodyPaths(
            paths=paths,
            blockage=blockage,
            doppler=doppler,
            changed=self._changed(paths, blockage.field, doppler),
            sums=replace(sums, free=np.zeros_like(sums.free)),
        )

    def _candidates(
        self, ends: LinkEnds, power: Float[np.ndarray, " links"], bodies: Bodies
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Bounces]:
        """Pairs of link and body strong enough to matter, links ascending."""
        tx, rx = ends.transmitter, ends.receiver
        with np.errstate(invalid="ignore", divide="ignore"):
            straight = np.linalg.norm(rx - tx, axis=1)
            free = free_space_amplitude(straight, self._wavelength) ** 2
            least = np.maximum(LEAST_BOUNCE * power, _LEAST_OF_FREE_SPACE * free)
            near = np.ones((len(tx), len(bodies)), bool) & (straight > 0)[:, None]
            near &= ~bodies.is_box
            if self._scattering == "ellipsoid":
                bound = strongest_bounce(tx, rx, bodies, self._wavelength)
                near &= bound >= least[:, None]
        link, body = np.nonzero(near)
        bounces = _BOUNCES_OF[self._scattering](
            tx[link], rx[link], bodies, body, self._wavelength, least[link]
        )
        if bodies.is_box.any():
            link, body, bounces = self._with_boxes(link, body, bounces, ends, straight > 0, bodies)
        with np.errstate(invalid="ignore"):
            strong = np.abs(bounces.transfer[:, 0, 0]) ** 2 >= least[link]
        kept = np.flatnonzero(bounces.found & strong)
        return link[kept], body[kept], _taken(bounces, kept)

    def _with_boxes(
        self,
        link: Int[np.ndarray, " k"],
        body: Int[np.ndarray, " k"],
        bounces: Bounces,
        ends: LinkEnds,
        known: Bool[np.ndarray, " links"],
        bodies: Bodies,
    ) -> tuple[Int[np.ndarray, " b"], Int[np.ndarray, " b"], Bounces]:
        """And off the faces of boxes, on the links whose ends are `known`; links ascending."""
        on, off = np.nonzero(known[:, None] & bodies.is_box)
        face, faces = box_bounces(
            ends.transmitter[on], ends.receiver[on], bodies, off, self._wavelength, self._materials
        )
        link, body = np.append(link, on[face]), np.append(body, off[face])
        order = np.argsort(link, kind="stable")
        return link[order], body[order], _taken(_joined(bounces, faces), order)

    def _seen(
        self, ends: LinkEnds, link: Int[np.ndarray, " k"], bounces: Bounces
    ) -> Int[np.ndarray, " s"]:
        """Rows whose two legs are free of the static scene."""
        if not len(link):
            return np.zeros(0, np.intp)
        origin = np.concatenate([ends.transmitter[link], ends.receiver[link]])
        leg = np.concatenate([bounces.point, bounces.point]) - origin
        length = np.linalg.norm(leg, axis=1)
        hit = self._scene.first_hit(origin, leg / length[:, None])
        free = (hit > length - _OFF_END).reshape(2, -1)
        return np.flatnonzero(free.all(axis=0))

    def _path_set(
        self,
        ends: LinkEnds,
        link: Int[np.ndarray, " s"],
        bounces: Bounces,
        rows: Int[np.ndarray, " s"],
    ) -> PathSet:
        if not len(link):
            return empty(self._links, 1)
        count = len(link)
        vertices = np.stack(
            [ends.transmitter[link], bounces.point[rows], ends.receiver[link]], axis=1
        )
        return PathSet(
            links=self._links,
            link=link.astype(np.int32),
            vertices=vertices,
            n_vertices=np.full(count, 3, np.int32),
            interactions=np.full((count, 1), BODY, np.uint8),
            objects=np.full((count, 1), -1, np.int32),
            normals=np.zeros((count, 1, 3)),
            transfer=bounces.transfer[rows],
            delay=bounces.delay[rows],
        )

    def _blocked_by_others(
        self, paths: PathSet, bodies: Bodies, body: Int[np.ndarray, " paths"]
    ) -> Blockage:
        """A body does not shadow the path that it reflects itself; several others multiply."""
        if not len(paths):
            return unblocked(paths)
        segments = path_segments(paths)
        segment = np.tile(np.arange(len(segments)), len(bodies))
        screen = np.repeat(np.arange(len(bodies)), len(segments))
        others = np.flatnonzero(body[segments.path[segment]] != screen)
        found = shadows(
            segments, bodies, segment[others], screen[others], self._wavelength, self._model
        )
        row, of = segments.path[found.segment], found.body
        # Body by body, its paths ascending: the product over the segments of a path.
        first = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(of, prepend=-1) != 0))
        row, of = row[first], of[first]
        factor = np.multiply.reduceat(found.field, first) if len(first) else found.field
        field = np.ones(len(paths), complex)
        by_body = []
        for i in sorted(np.unique(of), key=lambda i: bodies.ids[i]):
            factors = PathFields(row[of == i], factor[of == i])
            field[factors.path] *= factors.field
            by_body.append((bodies.ids[i], factors))
        touched = np.unique(row)
        everything = np.arange(len(paths))
        return Blockage(len(paths), touched, field[touched], tuple(by_body), everything)

    def _changed(
        self,
        paths: PathSet,
        field: Complex[np.ndarray, " paths"],
        doppler: Float[np.ndarray, " paths"],
    ) -> Bool[np.ndarray, " links"]:
        line, transfer = paths.vertices.reshape(-1, 9), paths.transfer.reshape(-1, 4)
        numbers = (line, transfer.real, transfer.imag, field.real, field.imag, doppler)
        # To the bit, so that what is not a number equals itself.
        bits = np.column_stack(numbers).view(np.int64)
        before = self._last if self._last is not None else (paths.link[:0], bits[:0])
        self._last = (paths.link, bits)
        counts = [np.bincount(link, minlength=len(self._links)) for link in (before[0], paths.link)]
        changed = counts[0] != counts[1]
        old, new = ((~changed[link], link, b) for link, b in (before, self._last))
        other = (old[2][old[0]] != new[2][new[0]]).any(axis=1)
        changed[new[1][new[0]][other]] = True
        return changed


def _taken(bounces: Bounces, rows: Int[np.ndarray, " k"]) -> Bounces:
    return Bounces(
        bounces.found[rows],
        bounces.point[rows],
        bounces.transfer[rows],
        bounces.delay[rows],
        bounces.stretching[rows],
    )


def _joined(first: Bounces, second: Bounces) -> Bounces:
    return Bounces(
        *(
            np.concatenate([getattr(part, f.name) for part in (first, second)])
            for f in fields(first)
        )
    )
