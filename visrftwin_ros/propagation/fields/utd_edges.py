"""Edges of the static scene, and the field that one diffracts.

Uniform theory of diffraction for a wedge of finite conductivity, as in Sionna RT: Kouyoumjian and
Pathak's terms with slab reflections on both faces. Sionna RT 2.2.0 puts the terms together so that
the field is smooth where a shadow ends but jumps where a face's reflection ends (Luebbers has the
reflected terms with the other sign); it is kept, so that links of robots that stand and of robots
that move follow one law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.special import fresnel as fresnel_integrals

from visrftwin_ros.propagation.paths.path_set import lengths
from visrftwin_ros.scene.surfaces import SurfaceMesh

Values = Float[np.ndarray, " n"]
Vectors = Float[np.ndarray, "n 3"]

_FLAT = 1e-3
"""1 + cosine of two faces' normals' angle below which they are one plane, and no edge."""
_POLE = 1e-6


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
        """The edges of surfaces `objects` that run along the unit vectors `along`
        nearest to `points`."""
        found = np.zeros((len(objects), 14))
        for surface in np.unique(objects):
            rows = np.flatnonzero(objects == surface)
            table = self._edges[surface]
            if not len(table.length):
                continue
            off = points[rows, None] - table.origin
            apart = np.linalg.norm(np.cross(off, table.along), axis=2)
            apart += np.linalg.norm(np.cross(along[rows, None], table.along), axis=2)
            best = table.take(apart.argmin(axis=1))
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
    """The field leaving the edges along unit `outgoing`, without spreading.

    field: arriving along unit `incoming`. before, after: metres of path on both
    sides of the edge. reflection: TE and TM of the near face, TE and TM of the far one, (N,).
    """
    edge, near, far = wedges.along, wedges.near, wedges.far
    exterior = np.pi + np.arccos(np.clip(_dot(near, far), -1, 1))
    sine = np.maximum(lengths(_cross(incoming, edge)), 1e-9)
    phi_in, phi_out = _azimuth(-incoming, edge, near), _azimuth(outgoing, edge, near)
    wavenumber = 2 * np.pi / wavelength
    kl = wavenumber * before * after / (before + after) * sine**2
    n = exterior / np.pi
    scale = -np.exp(-0.25j * np.pi) / (2 * n * np.sqrt(2 * np.pi * wavenumber) * sine)
    d1, d2 = (_cotangent_term(s, phi_out - phi_in, exterior, kl) for s in (1, -1))
    d3, d4 = (_cotangent_term(s, phi_out + phi_in, exterior, kl) for s in (1, -1))

    sent = _unit(_cross(incoming, edge))
    left = -_unit(_cross(outgoing, edge))
    parts = []
    for normal, te, tm in ((near, *reflection[:2]), (far, *reflection[2:])):
        mirrored = incoming - 2 * _dot(incoming, normal)[:, None] * normal
        across = _unit(_cross(incoming, normal))
        into = _turn(incoming, sent, across)
        out_of = _turn(mirrored, across, -_unit(_cross(mirrored, edge)))
        coefficients = np.stack([te, tm], axis=1)[:, :, None]
        parts.append(out_of @ (coefficients * into))
    wide = exterior > np.pi + phi_in
    parts[1] = np.where(wide[:, None, None], -np.eye(2), parts[1])
    matrix = parts[0] * (scale * (d1 - d4))[:, None, None]
    matrix += parts[1] * (scale * (d2 - d3))[:, None, None]
    basis_in = np.stack([sent, _cross(incoming, sent)], axis=1)
    basis_out = np.stack([left, _cross(outgoing, left)], axis=1)
    components = np.einsum("pix,psx->psi", basis_in, field)
    return np.asarray(np.einsum("pij,psj,pix->psx", matrix, components, basis_out))


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
    sine_integral, cosine_integral = fresnel_integrals(np.sqrt(2 * x / np.pi))
    # F(x) / sqrt(x), which stays finite where F goes to zero and the cotangent to infinity.
    over_root = np.sqrt(np.pi / 2) * np.exp(1j * x)
    over_root = over_root * (1 + 1j - 2j * (cosine_integral - 1j * sine_integral))
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
