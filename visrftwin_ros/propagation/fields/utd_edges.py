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

from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals
from visrftwin_ros.propagation.paths.path_set import lengths
from visrftwin_ros.scene.surfaces import SurfaceMesh

Values = Float[np.ndarray, " n"]
Vectors = Float[np.ndarray, "n 3"]

_FLAT = 1e-3
"""1 + cosine of two faces' normals' angle below which they are one plane, and no edge."""
_POLE = 1e-6
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
    edge, near = wedges.along, wedges.near
    exterior = np.pi + np.arccos(np.clip(_dot(near, wedges.far), -1, 1))
    sine = np.maximum(lengths(_cross(incoming, edge)), 1e-9)
    phi_in, phi_out = _azimuth(-incoming, edge, near), _azimuth(outgoing, edge, near)
    wavenumber = 2 * np.pi / wavelength
    kl = wavenumber * before * after / (before + after) * sine**2
    n = exterior / np.pi
    scale = -np.exp(-0.25j * np.pi) / (2 * n * np.sqrt(2 * np.pi * wavenumber) * sine)
    angles = phi_out - phi_in, phi_out + phi_in
    terms = [_cotangent_term(sign, beta, exterior, kl) for beta in angles for sign in (1, -1)]
    return np.asarray(scale * np.stack(terms))


def face_matrix(
    incoming: Vectors,
    edge: Vectors,
    normal: Vectors,
    te: Complex[np.ndarray, " n"],
    tm: Complex[np.ndarray, " n"],
) -> Complex[np.ndarray, "n 2 2"]:
    """What a face of unit `normal` reflects of waves along `incoming`, in the bases of
    `past_edge_by`."""
    mirrored = incoming - 2 * _dot(incoming, normal)[:, None] * normal
    across = _unit(_cross(incoming, normal))
    into = _turn(incoming, _unit(_cross(incoming, edge)), across)
    out_of = _turn(mirrored, across, -_unit(_cross(mirrored, edge)))
    return np.asarray(out_of @ (np.stack([te, tm], axis=1)[:, :, None] * into))


def past_edge_by(
    matrix: Complex[np.ndarray, "n 2 2"],
    field: Complex[np.ndarray, "n 2 3"],
    incoming: Vectors,
    outgoing: Vectors,
    edge: Vectors,
) -> Complex[np.ndarray, "n 2 3"]:
    """`field` by a matrix between components across incoming, edge and across edge, outgoing, each
    with the one at right angles to it and to the ray."""
    sent = _unit(_cross(incoming, edge))
    left = -_unit(_cross(outgoing, edge))
    basis_in = np.stack([sent, _cross(incoming, sent)], axis=1)
    basis_out = np.stack([left, _cross(outgoing, left)], axis=1)
    # Products of small matrices: a sum over three factors at once takes several times as long.
    components = field @ basis_in.swapaxes(1, 2)
    return np.asarray(components @ matrix.swapaxes(1, 2) @ basis_out)


def _azimuth(
    direction: Vectors,
    edge: Vectors,
    near: Vectors,
) -> Values:
    """Angle about the edge from the near face, 0 to 2 pi, of unit directions away from it."""
    flat = direction - _dot(direction, edge)[:, None] * edge
    on_face = (_cross(near, edge) * flat).sum(axis=1)
    return np.asarray(np.mod(np.arctan2(_dot(near, flat), on_face), 2 * np.pi))


def _cotangent_term(
    sign: int,
    beta: Values,
    exterior: Values,
    kl: Values,
) -> Complex[np.ndarray, " n"]:
    """cot((pi +- beta) / 2n) F(kL a+-(beta)), finite on the shadow boundaries."""
    n = exterior / np.pi
    psi = (np.pi + sign * beta) / (2 * n)
    turns = np.round((beta + sign * np.pi) / (2 * exterior))
    x = kl * 2 * np.cos(exterior * turns - beta / 2) ** 2
    # F(x) / sqrt(x), which stays finite where F goes to zero and the cotangent to infinity.
    over_root = np.sqrt(np.pi / 2) * np.exp(1j * x)
    over_root = over_root * (1 + 1j - 2j * phasor_integrals(np.sqrt(2 * x / np.pi)))
    sine = np.sin(psi)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.where(
            np.abs(sine) < _POLE,
            n * np.sqrt(2 * kl) * np.where(sine >= 0, 1, -1),
            np.sqrt(x) / sine,
        )
    return np.asarray(np.cos(psi) * root * over_root)


def _turn(
    direction: Vectors,
    old: Vectors,
    new: Vectors,
) -> Float[np.ndarray, "n 2 2"]:
    """From components along `old` and `direction` x `old` to those of `new`."""
    cosine = _dot(old, new)
    sine = (_cross(direction, old) * new).sum(axis=1)
    return np.stack([cosine, sine, -sine, cosine], axis=1).reshape(-1, 2, 2)


def _dot(a: Vectors, b: Vectors) -> Values:
    """Products of rows, several times faster than a product and a sum."""
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _cross(a: Vectors, b: Vectors) -> Vectors:
    """(N, 3), several times faster than `np.cross`."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


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
