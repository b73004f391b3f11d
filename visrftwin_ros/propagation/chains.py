"""Paths whose vertices follow from their ends: mirror images, walls passed, one edge at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.propagation.diffraction import Wedges, edge_parameter
from visrftwin_ros.propagation.fields import chain_transfer
from visrftwin_ros.propagation.path_set import (
    DIFFRACTION,
    DIFFUSE,
    SPECULAR,
    PathSet,
    lengths,
    path_delay,
)
from visrftwin_ros.propagation.visibility import OFF_SURFACE, SHORTEST

if TYPE_CHECKING:
    from visrftwin_ros.propagation.moving import ReplayScene

Array = NDArray[np.float64]

_MARGIN = 5e-3
"""Metres by which a vertex may lie outside its surface's bounds before a ray decides."""


@dataclass(frozen=True)
class Chains:
    """N paths that are built again from vertex `start` on, D interactions at most.

    rows, start, n_vertices: (N,). vertices: (N, D + 2, 3) as known; those up to `start` stay.
    interactions, objects, normals: as in PathSet. image, image_along: (N, D + 1, 3): aim, seen
    from behind, of the ray that leaves vertex d towards the source: image[:, d] is that of the
    source in the mirrors up to d, or that of the edge's corner, from which the point on the edge
    is so many metres off times `image_along`. source: (N, 3) image of the source in all mirrors.
    edge: (N, 14) columns of Wedges, and whether there is one. before: (N, 2, 2) transfer up to
    `start` without spreading. low, high: (N, D, 3) bounds of the surfaces.
    """

    rows: NDArray[np.intp]
    start: NDArray[np.intp]
    n_vertices: NDArray[np.int32]
    vertices: Array
    interactions: NDArray[np.uint8]
    objects: NDArray[np.int32]
    normals: Array
    image: Array
    image_along: Array
    source: Array
    edge: Array
    before: NDArray[np.complex128]
    low: Array
    high: Array

    @classmethod
    def of(cls, known: PathSet, rows: NDArray[np.intp], scene: ReplayScene) -> Chains:
        paths = known.select(rows)
        count, depth = paths.interactions.shape
        held = paths.interactions == DIFFUSE
        start = np.where(held, np.arange(1, depth + 1), 0).max(axis=1, initial=0)
        edge = _edges(paths, scene)
        image, along, source = _images(paths, start, edge)
        bounds = scene.bounds[np.maximum(paths.objects, 0)]
        chains = cls(
            rows=rows,
            start=start,
            n_vertices=paths.n_vertices,
            vertices=paths.vertices,
            interactions=paths.interactions,
            objects=paths.objects,
            normals=paths.normals,
            image=image,
            image_along=along,
            source=source,
            edge=edge,
            before=np.tile(np.eye(2, dtype=complex), (count, 1, 1)),
            low=bounds[:, :, 0] - _MARGIN,
            high=bounds[:, :, 1] + _MARGIN,
        )
        # A path that is built again throughout owes nothing to the tracer's single precision.
        fixed = np.flatnonzero(start > 0)
        chain = chains._transfer(fixed, paths.vertices[fixed], scene)
        chains.before[fixed] = np.linalg.pinv(chain) @ paths.transfer[fixed]
        return chains

    def at(
        self, receiver: Array, scene: ReplayScene
    ) -> tuple[NDArray[np.intp], Array, Array, NDArray[np.complex128]]:
        """Which of them reach `receiver` (N, 3), ascending; vertices, delays and transfers."""
        rows, vertices = self._vertices(receiver)
        seen = self._visible(rows, vertices, scene)
        rows, vertices = rows[seen], vertices[seen]
        transfer = self._transfer(rows, vertices, scene) @ self.before[rows]
        return rows, vertices, path_delay(vertices), transfer

    def fields(self, scene: ReplayScene) -> NDArray[np.complex128]:
        """(N, 2, 2) transfers at the known vertices."""
        rows = np.arange(len(self.rows))
        return self._transfer(rows, self.vertices, scene) @ self.before

    def _vertices(self, receiver: Array) -> tuple[NDArray[np.intp], Array]:
        """Rows whose vertices all lie within their surfaces' bounds, and those (N, V, 3)."""
        bent = self.edge[:, 13] > 0
        shift = np.zeros(len(receiver))
        on = np.flatnonzero(bent)
        at = self.n_vertices[on] - 2
        shift[on] = edge_parameter(
            self.source[on], receiver[on], self.image[on, at], self.image_along[on, at]
        )
        with np.errstate(invalid="ignore"):
            alive = np.flatnonzero(
                np.isfinite(receiver).all(axis=1)
                & (~bent | ((shift > 0) & (shift < self.edge[:, 6])))
            )
        vertices = self.vertices[alive]
        after = np.arange(vertices.shape[1]) >= self.n_vertices[alive, None] - 1
        vertices[after] = np.repeat(receiver[alive], after.sum(axis=1), axis=0)
        for d in reversed(range(self.interactions.shape[1])):
            own = (d >= self.start[alive]) & (d < self.n_vertices[alive] - 2)
            on = np.flatnonzero(own)
            row, here = alive[on], vertices[on, d + 2]
            step = self.image_along[row, d + 1] * shift[row, None]
            aim = self.image[row, d + 1] + step - here
            normal, point = self.normals[row, d], self.vertices[row, d + 1]
            gap = np.einsum("ij,ij->i", point - here, normal)
            with np.errstate(divide="ignore", invalid="ignore"):
                share = gap / np.einsum("ij,ij->i", aim, normal)
            edge = self.interactions[row, d] == DIFFRACTION
            share = np.where(edge, 1.0, share)
            vertex = here + share[:, None] * aim
            with np.errstate(invalid="ignore"):
                fits = (vertex >= self.low[row, d]).all(axis=1)
                fits &= (vertex <= self.high[row, d]).all(axis=1)
                fits &= (share > 0) & ((share < 1) | edge)
            vertices[on, d + 1] = vertex
            kept = np.ones(len(alive), bool)
            kept[on[~fits]] = False
            alive, vertices = alive[kept], vertices[kept]
        return alive, vertices

    def _visible(
        self, rows: NDArray[np.intp], vertices: Array, scene: ReplayScene
    ) -> NDArray[np.bool_]:
        """(N,) every new segment is free, and every new vertex lies on a surface."""
        start, last = self.start[rows], self.n_vertices[rows] - 1
        steps = np.diff(vertices, axis=1)
        length = lengths(steps)
        piece = np.arange(length.shape[1])
        new = (piece >= start[:, None]) & (piece < last[:, None])
        valid = ~(new & ~(length > SHORTEST)).any(axis=1) & self._outside(rows, vertices)
        row, piece = np.nonzero(new & valid[:, None])
        direction = steps[row, piece] / length[row, piece, None]
        path = rows[row]
        normals, kinds = self.normals[path], self.interactions[path]
        pick, before = np.arange(len(row)), np.maximum(piece - 1, 0)
        target = np.minimum(piece, kinds.shape[1] - 1)
        from_surface, to_end = piece > 0, piece == last[row] - 1
        from_edge = from_surface & (kinds[pick, before] == DIFFRACTION)
        to_edge = ~to_end & (kinds[pick, target] == DIFFRACTION)
        # Off the surface along its normal, on the side on which the ray goes on: along the ray
        # itself, a grazing one would stay within the surface. Off an edge outwards.
        normal = normals[pick, before]
        side = np.sign(np.einsum("ij,ij->i", direction, normal))[:, None]
        outward = _outward(self.edge[path])
        off = np.where(from_edge[:, None], outward, side * normal) * from_surface[:, None]
        origin = vertices[row, piece] + OFF_SURFACE * off
        aim = vertices[row, piece + 1] + OFF_SURFACE * outward * to_edge[:, None]
        direction = aim - origin
        expected = lengths(direction)
        direction /= expected[:, None]
        target_normal = normals[pick, target]
        closing = np.einsum("ij,ij->i", direction, target_normal)
        gap = np.einsum("ij,ij->i", vertices[row, piece + 1] - origin, target_normal)
        hit = scene.visibility.first_hit(origin, direction)
        tolerance = 2 * OFF_SURFACE + 1e-5 * expected
        grazing = np.maximum(np.abs(closing), 1e-2)
        with np.errstate(divide="ignore", invalid="ignore"):
            arrives = np.where(
                to_end | to_edge,
                hit > expected - tolerance,
                np.abs(hit - gap / closing) < tolerance / grazing,
            )
        valid[row[~arrives]] = False
        return valid

    def _outside(self, rows: NDArray[np.intp], vertices: Array) -> NDArray[np.bool_]:
        """(N,) the pieces before and after the edge, if any, do not start inside the wedge."""
        free = np.ones(len(rows), bool)
        on = np.flatnonzero(self.edge[rows, 13] > 0)
        if not len(on):
            return free
        edge = self.edge[rows[on]]
        at = (self.interactions[rows[on]] == DIFFRACTION).argmax(axis=1) + 1
        for neighbour in (at - 1, at + 1):
            away = vertices[on, neighbour] - vertices[on, at]
            lit = np.einsum("ij,ij->i", away, edge[:, 7:10]) > 1e-6
            free[on] &= lit | (np.einsum("ij,ij->i", away, edge[:, 10:13]) > 1e-6)
        return free

    def _transfer(
        self, rows: NDArray[np.intp], vertices: Array, scene: ReplayScene
    ) -> NDArray[np.complex128]:
        """(N, 2, 2) from vertex `start` to the receiver, with spreading and Lambert's law."""
        edge, start = self.edge[rows], self.start[rows]
        wedges = Wedges(edge[:, :3], edge[:, 3:6], edge[:, 6], edge[:, 7:10], edge[:, 10:13])
        chain = chain_transfer(
            vertices,
            self.interactions[rows],
            self.objects[rows],
            self.normals[rows],
            self.n_vertices[rows],
            start,
            scene.electrics,
            scene.wavelength,
            wedges,
        )
        strength = scene.wavelength / (4 * np.pi) * self._spreading(rows, vertices)
        return np.asarray(chain * strength[:, None, None])

    def _spreading(self, rows: NDArray[np.intp], vertices: Array) -> Array:
        """(N,) 1 / length of the last ray tube, times Lambert's law where it starts.

        With a diffraction, 1 / sqrt(s s' (s + s')) of the uniform theory, as in Sionna.
        """
        start = self.start[rows]
        length = lengths(np.diff(vertices, axis=1))
        piece = np.arange(length.shape[1])
        spreading = 1 / np.where(piece >= start[:, None], length, 0.0).sum(axis=1)
        on = np.flatnonzero(self.edge[rows, 13] > 0)
        if len(on):
            at = (self.interactions[rows[on]] == DIFFRACTION).argmax(axis=1)[:, None]
            after = np.where(piece > at, length[on], 0.0).sum(axis=1)
            before = length[on].sum(axis=1) - after
            spreading[on] = 1 / np.sqrt(after * before * (after + before))
        on = np.flatnonzero(start > 0)
        if len(on):
            step = vertices[on, start[on] + 1] - vertices[on, start[on]]
            normal = self.normals[rows[on], start[on] - 1]
            cosine = np.abs((step * normal).sum(axis=1)) / np.linalg.norm(step, axis=1)
            spreading[on] *= np.sqrt(cosine)
        return spreading


def _edges(paths: PathSet, scene: ReplayScene) -> Array:
    """(N, 14) columns of Wedges of the paths that bend, zero on the others."""
    table = np.zeros((len(paths), 14))
    row, d = np.nonzero(paths.interactions == DIFFRACTION)
    if len(row):
        found = scene.edges.of(
            paths.objects[row, d], paths.vertices[row, d + 1], paths.normals[row, d]
        )
        incoming = paths.vertices[row, d + 1] - paths.vertices[row, d]
        found = found.facing(incoming)
        columns = (found.origin, found.along, found.length[:, None], found.near, found.far)
        table[row] = np.concatenate([*columns, (found.length > 0)[:, None]], axis=1)
    return table


def _outward(edge: Array) -> Array:
    """(N, 3) between the faces' normals; zero where there is no edge, or a single face ends."""
    middle = edge[:, 7:10] + edge[:, 10:13]
    length = np.linalg.norm(middle, axis=1, keepdims=True)
    return np.asarray(middle / np.where(length > 1e-6, length, 1.0))


def _images(paths: PathSet, start: NDArray[np.intp], edge: Array) -> tuple[Array, Array, Array]:
    """image, image_along and source of Chains."""
    count, depth = paths.interactions.shape
    rows = np.arange(count)
    source = paths.vertices[rows, start].copy()
    aim, along = source.copy(), np.zeros((count, 3))
    image, image_along = np.empty((count, depth + 1, 3)), np.zeros((count, depth + 1, 3))
    image[:, 0] = aim
    for d in range(depth):
        mirror = (paths.interactions[:, d] == SPECULAR) & (d >= start)
        normal, point = paths.normals[:, d] * mirror[:, None], paths.vertices[:, d + 1]
        for place in (source, aim):
            place -= 2 * ((place - point) * normal).sum(axis=1, keepdims=True) * normal
        along -= 2 * (along * normal).sum(axis=1, keepdims=True) * normal
        bends = (paths.interactions[:, d] == DIFFRACTION)[:, None]
        aim, along = np.where(bends, edge[:, :3], aim), np.where(bends, edge[:, 3:6], along)
        image[:, d + 1], image_along[:, d + 1] = aim, along
    return image, image_along, source
