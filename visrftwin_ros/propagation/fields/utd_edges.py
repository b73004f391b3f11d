"""Edges of the static scene, and the field that one diffracts.

Uniform theory of diffraction for a wedge of finite conductivity: Kouyoumjian and Pathak's four terms
(Proc. IEEE 62, 1974), of which Luebbers (IEEE Trans. AP 32, 1984) multiplies the two that go with a
face's reflection by that face's coefficients. The field is smooth where the shadow ends and where a
face's reflection ends; for a perfect conductor it is Kouyoumjian and Pathak's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Complex, Float, Int

from visrftwin_ros.propagation.fields.edge_loops import carried_by, faces_at, terms_at
from visrftwin_ros.propagation.paths.path_set import lengths
from visrftwin_ros.scene.surfaces import SurfaceMesh

Values = Float[np.ndarray, " n"]
Vectors = Float[np.ndarray, "n 3"]

_FLAT = 1e-3
"""1 + cosine of two faces' normals' angle below which they are one plane, and no edge."""
_ON_EDGE = 0.01
"""Metres plus sine of the angle within which a point and a direction are those of an edge."""


@dataclass(frozen=True)
class Wedges:
    """N edges: a corner `origin`, unit `along`, `length` in metres, outward
    unit normals `near` of the face that the wave comes to, `far` of the other."""

    origin: Vectors
    along: Vectors
    length: Values
    near: Vectors
    far: Vectors

    def take(self, rows: Int[np.ndarray, " k"]) -> Wedges:
        return Wedges(*(getattr(self, f.name)[rows] for f in fields(self)))

    def facing(self, incoming: Vectors) -> Wedges:
        """With the faces in the order in which waves along `incoming` meet them."""
        swapped = (_dot(incoming, self.near) > 0)[:, None]
        return Wedges(
            np.where(swapped, self.origin + self.length[:, None] * self.along, self.origin),
            np.where(swapped, -self.along, self.along),
            self.length,
            np.where(swapped, self.far, self.near),
            np.where(swapped, self.near, self.far),
        )


class SceneEdges:
    """The edges of a scene's surfaces."""

    def __init__(self, meshes: Sequence[SurfaceMesh]) -> None:
        self._edges = [_edges(mesh) for mesh in meshes]

    @property
    def all(self) -> tuple[Int[np.ndarray, " n"], Wedges]:
        """The surface of each edge, and the edges."""
        count = [len(table.length) for table in self._edges]
        columns = zip(*([getattr(t, f.name) for f in fields(t)] for t in self._edges), strict=True)
        return np.repeat(np.arange(len(count)), count), Wedges(*map(np.concatenate, columns))

    def of(
        self,
        objects: Int[np.ndarray, " n"],
        points: Vectors,
        along: Vectors,
    ) -> Wedges:
        """The edges of surfaces `objects` that run along the unit vectors `along` nearest to
        `points`; all zero where there is none, as where more than two faces meet."""
        found = np.zeros((len(objects), 14))
        for surface in np.unique(objects):
            rows = np.flatnonzero(objects == surface)
            table = self._edges[surface]
            if not len(table.length):
                continue
            off = points[rows, None] - table.origin
            apart = np.linalg.norm(np.cross(off, table.along), axis=2)
            apart += np.linalg.norm(np.cross(along[rows, None], table.along), axis=2)
            nearest = apart.argmin(axis=1)
            there = apart[np.arange(len(rows)), nearest] < _ON_EDGE
            rows, best = rows[there], table.take(nearest[there])
            columns = (best.origin, best.along, best.length[:, None], best.near, best.far)
            found[rows] = np.concatenate([*columns, np.ones((len(rows), 1))], axis=1)
        return Wedges(found[:, :3], found[:, 3:6], found[:, 6], found[:, 7:10], found[:, 10:13])


def edge_parameter(
    source: Vectors,
    target: Vectors,
    origin: Vectors,
    along: Vectors,
) -> Values:
    """Metres from `origin` at which the shortest way from source to target over the straight
    edge `along` bends."""
    from_source, from_target = source - origin, target - origin
    at_source = _dot(from_source, along)
    at_target = _dot(from_target, along)
    off_source = np.sqrt(np.maximum(_dot(from_source, from_source) - at_source**2, 0))
    off_target = np.sqrt(np.maximum(_dot(from_target, from_target) - at_target**2, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return at_source + (at_target - at_source) * off_source / (off_source + off_target)


def diffracted_field(
    field: Complex[np.ndarray, "n 2 3"],
    incoming: Vectors,
    outgoing: Vectors,
    wedges: Wedges,
    before: Values,
    after: Values,
    reflection: Sequence[Complex[np.ndarray, " n"]],
    wavelength: float,
) -> Complex[np.ndarray, "n 2 3"]:
    """The field leaving the edges along unit `outgoing`, without spreading (Luebbers 1984, eq. 4).

    field: arriving along unit `incoming`. before, after: metres of path on both
    sides of the edge. reflection: TE and TM (N,) of the near face, at the angle at which `incoming`
    meets it, and of the far face, at the angle at which `outgoing` leaves it.
    """
    terms = edge_terms(incoming, outgoing, wedges, before, after, wavelength)
    edge, near, far = wedges.along, wedges.near, wedges.far
    unmirrored = outgoing - 2 * _dot(outgoing, far)[:, None] * far
    near_face = face_matrix(incoming, edge, near, *reflection[:2])
    far_face = face_matrix(unmirrored, edge, far, *reflection[2:])
    straight = (terms[0] + terms[1])[:, None, None]
    matrix = STRAIGHT * straight + far_face * terms[2][:, None, None]
    matrix += near_face * terms[3][:, None, None]
    return past_edge_by(matrix, field, incoming, outgoing, edge)


STRAIGHT = -np.eye(2)
"""What lets a wave by as it is, between the two bases of `past_edge_by`: they face each other."""


def edge_terms(
    incoming: Vectors,
    outgoing: Vectors,
    wedges: Wedges,
    before: Values,
    after: Values,
    wavelength: float,
) -> Complex[np.ndarray, "4 n"]:
    """Kouyoumjian and Pathak's four terms with their common factor, square roots of metres, their
    eq. (25): two of the wave itself, then those of the far and of the near face's reflection."""
    rows = incoming, outgoing, wedges.along, wedges.near, wedges.far, before, after
    come, leave, along, near, far, to_edge, from_edge = map(_packed, rows)
    return terms_at(come, leave, along, near, far, to_edge, from_edge, wavelength)


def face_matrix(
    incoming: Vectors,
    edge: Vectors,
    normal: Vectors,
    te: Complex[np.ndarray, " n"],
    tm: Complex[np.ndarray, " n"],
) -> Complex[np.ndarray, "n 2 2"]:
    """What a face of unit `normal` reflects of waves along `incoming`, in the bases of
    `past_edge_by`."""
    return faces_at(*map(_packed, (incoming, edge, normal, te, tm)))


def past_edge_by(
    matrix: Complex[np.ndarray, "n 2 2"],
    field: Complex[np.ndarray, "n 2 3"],
    incoming: Vectors,
    outgoing: Vectors,
    edge: Vectors,
) -> Complex[np.ndarray, "n 2 3"]:
    """`field` by a matrix between components across incoming, edge and across edge, outgoing, each
    with the one at right angles to it and to the ray."""
    return carried_by(*map(_packed, (matrix, field, incoming, outgoing, edge)))


def _packed(array: np.ndarray) -> np.ndarray:
    """In memory as the loops are compiled for."""
    return np.ascontiguousarray(array)


def _dot(a: Vectors, b: Vectors) -> Values:
    """Products of rows, several times faster than a product and a sum."""
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _unit(vectors: Vectors) -> Vectors:
    length = lengths(vectors)[..., None]
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def _edges(mesh: SurfaceMesh) -> Wedges:
    """Where faces of different planes meet, and where a face ends."""
    owners: dict[tuple[int, int], list[int]] = {}
    for face, corners in enumerate(mesh.faces.tolist()):
        for k in range(3):
            a, b = sorted((corners[k], corners[(k + 1) % 3]))
            owners.setdefault((a, b), []).append(face)
    normals = mesh.face_normals
    pairs = [(corners, (f[0], f[-1])) for corners, f in owners.items() if len(f) <= 2]
    ends = np.array([p[0] for p in pairs], int).reshape(-1, 2)
    faces = np.array([p[1] for p in pairs], int).reshape(-1, 2)
    near, far = normals[faces[:, 0]], normals[faces[:, 1]].copy()
    alone = faces[:, 0] == faces[:, 1]
    far[alone] *= -1
    centre = mesh.vertices[mesh.faces].mean(axis=1)
    origin = mesh.vertices[ends[:, 0]]
    # Outward: a face's normal points away from the other face.
    for normal, other in ((near, faces[:, 1]), (far, faces[:, 0])):
        inward = ((normal * (centre[other] - origin)).sum(axis=1) > 1e-9) & ~alone
        normal[inward] *= -1
    step = mesh.vertices[ends[:, 1]] - origin
    length = np.linalg.norm(step, axis=1)
    along = _unit(step)
    # The near face lies on the side of near x along.
    backwards = (np.cross(near, along) * (centre[faces[:, 0]] - origin)).sum(axis=1) < 0
    along[backwards] *= -1
    origin = np.where(backwards[:, None], mesh.vertices[ends[:, 1]], origin)
    kept = np.flatnonzero((near * far).sum(axis=1) < 1 - _FLAT)
    return Wedges(origin, along, length, near, far).take(kept)
