"""Paths whose vertices follow from their ends: mirror images, walls passed, one edge at most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Int32, UInt8
from scipy.constants import speed_of_light

from visrftwin_ros.propagation.fields.path_transfer import chain_transfer
from visrftwin_ros.propagation.fields.utd_edges import Wedges, edge_parameter
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    DIFFUSE,
    SPECULAR,
    PathSet,
)
from visrftwin_ros.propagation.replay.chain_loops import (
    built_again,
    drop_hidden,
    pieces_to_test,
    ray_tubes,
)
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene, SurfaceFields

Lines = Float[np.ndarray, "n v 3"]
Vectors = Float[np.ndarray, "n 3"]

_MARGIN = 5e-3
"""Metres by which a vertex may lie outside its surface's bounds before a ray decides."""


@dataclass(frozen=True)
class Chains:
    """N paths that are built again from vertex `start` on, D interactions at most.

    rows, start, n_vertices: (N,). vertices: as known; those up to `start` stay.
    interactions, objects, normals: as in PathSet. back: the interactions from the
    last to the first, in columns: aim, seen from behind, of the ray that leaves it towards the
    receiver (the image of the source in the mirrors up to here, or that of the edge's corner,
    3), how far the aim moves with each metre along the edge (3), normal (3) and its product with
    a point of the plane, bounds of the surface (low 3, high 3), and whether it is the edge.
    source: image of the source in all mirrors. edge: columns of Wedges, and
    whether there is one. outward: between the edge's faces. before: transfer up
    to `start` without spreading.
    """

    rows: Int[np.ndarray, " n"]
    start: Int[np.ndarray, " n"]
    n_vertices: Int32[np.ndarray, " n"]
    vertices: Lines
    interactions: UInt8[np.ndarray, "n v-2"]
    objects: Int32[np.ndarray, "n v-2"]
    normals: Float[np.ndarray, "n v-2 3"]
    back: Float[np.ndarray, "n v-2 17"]
    source: Vectors
    edge: Float[np.ndarray, "n 14"]
    outward: Vectors
    before: Complex[np.ndarray, "n 2 2"]

    @classmethod
    def of(cls, known: PathSet, rows: Int[np.ndarray, " n"], scene: SurfaceFields) -> Chains:
        paths = known.select(rows)
        count, depth = paths.interactions.shape
        held = paths.interactions == DIFFUSE
        start = np.where(held, np.arange(1, depth + 1), 0).max(axis=1, initial=0)
        edge = _edges(paths, scene)
        image, along, source = _images(paths, start, edge)
        chains = cls(
            rows=rows,
            start=start,
            n_vertices=paths.n_vertices,
            vertices=paths.vertices,
            interactions=paths.interactions,
            objects=paths.objects,
            normals=paths.normals,
            back=_backwards(paths, image, along, scene),
            source=source,
            edge=edge,
            outward=_outward(edge),
            before=np.tile(np.eye(2, dtype=complex), (count, 1, 1)),
        )
        # A path that is built again throughout owes nothing to the tracer's single precision.
        fixed = np.flatnonzero(start > 0)
        chain, _ = chains._transfer(fixed, paths.vertices[fixed], scene)
        chains.before[fixed] = np.linalg.pinv(chain) @ paths.transfer[fixed]
        return chains

    def at(
        self, receiver: Vectors, scene: ReplayScene
    ) -> tuple[
        Int[np.ndarray, " k"],
        Float[np.ndarray, "k v 3"],
        Float[np.ndarray, " k"],
        Complex[np.ndarray, "k 2 2"],
    ]:
        """Which of them reach `receiver`, ascending; vertices, delays and transfers. Those that
        cannot be `evaluated` never do."""
        rows, vertices = self._vertices(receiver)
        seen = self._visible(rows, vertices, scene)
        rows, vertices = rows[seen], vertices[seen]
        transfer, delay = self._from_known(rows, vertices, scene)
        return rows, vertices, delay, transfer

    def fields(self, scene: SurfaceFields) -> Complex[np.ndarray, "n 2 2"]:
        """Transfers at the known vertices."""
        rows = np.arange(len(self.rows))
        return self._from_known(rows, self.vertices, scene)[0]

    @cached_property
    def evaluated(self) -> Bool[np.ndarray, " n"]:
        """Whose fields can be computed: not those that bend twice, or where the surface has no edge
        or more than two faces meet."""
        bends = (self.interactions == DIFFRACTION).sum(axis=1)
        return (bends == 0) | ((bends == 1) & (self.edge[:, 13] > 0))

    def _vertices(
        self, receiver: Vectors
    ) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, "k v 3"]]:
        """Rows whose vertices all lie within their surfaces' bounds, and the vertices."""
        bent = self.edge[:, 13] > 0
        shift = np.zeros(len(receiver))
        on = np.flatnonzero(bent)
        if len(on):
            aim, along = self.back[on, 0, :3], self.back[on, 0, 3:6]
            shift[on] = edge_parameter(self.source[on], receiver[on], aim, along)
        with np.errstate(invalid="ignore"):
            alive = np.flatnonzero(
                np.isfinite(receiver).all(axis=1)
                & self.evaluated
                & (~bent | ((shift > 0) & (shift < self.edge[:, 6])))
            )
        vertices = np.empty((len(alive), *self.vertices.shape[1:]))
        rows = np.empty(len(alive), np.intp)
        chains = self.start, self.n_vertices, self.back, self.vertices
        count = built_again(alive, np.ascontiguousarray(receiver), shift, *chains, rows, vertices)
        return rows[:count], vertices[:count]

    def _visible(
        self, rows: Int[np.ndarray, " n"], vertices: Lines, scene: ReplayScene
    ) -> Bool[np.ndarray, " n"]:
        """Every new segment is free, and every new vertex lies on a surface."""
        valid, most = np.empty(len(rows), bool), len(rows) * (vertices.shape[1] - 1)
        owner, rays, aims = np.empty(most, np.intp), np.empty((most, 6)), np.empty((most, 3))
        known = self.start, self.n_vertices, self.interactions, self.normals
        edges = self.edge, self.outward
        count = pieces_to_test(rows, vertices, *known, *edges, valid, owner, rays, aims)
        hit = scene.visibility.first_hit(rays[:count, :3], rays[:count, 3:])
        drop_hidden(hit, aims[:count], owner[:count], valid)
        return valid

    def _from_known(
        self, rows: Int[np.ndarray, " n"], vertices: Lines, scene: SurfaceFields
    ) -> tuple[Complex[np.ndarray, "n 2 2"], Float[np.ndarray, " n"]]:
        """Transfers and delays from the transmitter to the receiver."""
        transfer, delay = self._transfer(rows, vertices, scene)
        fixed = np.flatnonzero(self.start[rows] > 0)
        transfer[fixed] = transfer[fixed] @ self.before[rows[fixed]]
        return transfer, delay

    def _transfer(
        self, rows: Int[np.ndarray, " n"], vertices: Lines, scene: SurfaceFields
    ) -> tuple[Complex[np.ndarray, "n 2 2"], Float[np.ndarray, " n"]]:
        """From vertex `start` to the receiver, with spreading, air and Lambert's law; and the delay
        of the whole path."""
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
        known = self.start, self.n_vertices, self.interactions, self.normals, self.edge
        length, spreading = ray_tubes(rows, vertices, *known, scene.decay)
        strength = scene.wavelength / (4 * np.pi) * spreading
        return chain * strength[:, None, None], length / speed_of_light


def _backwards(
    paths: PathSet,
    image: Float[np.ndarray, "n images 3"],
    along: Float[np.ndarray, "n images 3"],
    scene: SurfaceFields,
) -> Float[np.ndarray, "n images-1 17"]:
    """`back` of Chains, of images and along at each vertex."""
    points, normals = paths.vertices[:, 1:-1], paths.normals
    bounds = scene.bounds[np.maximum(paths.objects, 0)]
    table = np.concatenate(
        [
            image[:, 1:],
            along[:, 1:],
            normals,
            (points * normals).sum(axis=2, keepdims=True),
            bounds[:, :, 0] - _MARGIN,
            bounds[:, :, 1] + _MARGIN,
            (paths.interactions == DIFFRACTION)[..., None],
        ],
        axis=2,
    )
    order = np.maximum(paths.n_vertices[:, None] - 3 - np.arange(paths.depth), 0)
    return np.ascontiguousarray(np.take_along_axis(table, order[..., None], axis=1))


def _edges(paths: PathSet, scene: SurfaceFields) -> Float[np.ndarray, "n 14"]:
    """Columns of Wedges of the paths that bend, zero on the others."""
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


def _outward(edge: Float[np.ndarray, "n 14"]) -> Vectors:
    """Between the faces' normals; zero where there is no edge, or a single face ends."""
    middle = edge[:, 7:10] + edge[:, 10:13]
    length = np.linalg.norm(middle, axis=1, keepdims=True)
    return np.asarray(middle / np.where(length > 1e-6, length, 1.0))


def _images(
    paths: PathSet, start: Int[np.ndarray, " n"], edge: Float[np.ndarray, "n 14"]
) -> tuple[Float[np.ndarray, "n d 3"], Float[np.ndarray, "n d 3"], Vectors]:
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
