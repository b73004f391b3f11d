"""The field at the end of a path: what each surface and edge on it does, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int, Int32, UInt8

from visrftwin_ros.propagation.fields.fresnel_coefficients import (
    SurfaceElectrics,
    slab_reflection,
    slab_transmission,
)
from visrftwin_ros.propagation.fields.utd_edges import Wedges, diffracted_field
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, REFRACTION, SPECULAR

Columns = Float[np.ndarray, "3 p"]
ComplexValues = Complex[np.ndarray, " p"]

_Law = Callable[..., tuple[Complex[np.ndarray, " k"], Complex[np.ndarray, " k"]]]


def chain_transfer(
    vertices: Float[np.ndarray, "p v 3"],
    interactions: UInt8[np.ndarray, "p v-2"],
    objects: Int32[np.ndarray, "p v-2"],
    normals: Float[np.ndarray, "p v-2 3"],
    n_vertices: Int[np.ndarray, " p"],
    start: Int[np.ndarray, " p"],
    electrics: SurfaceElectrics,
    wavelength: float,
    wedges: Wedges,
) -> Complex[np.ndarray, "p 2 2"]:
    """What theta, phi leaving vertex `start` become in theta, phi at the receiver.

    The vertices after `start` must be specular reflections, refractions and at most one
    diffraction, at `wedges` (one a path, of no meaning on others); spreading is left out. The
    receiver's basis is that of the direction the wave comes from, as an antenna there sees it.
    """
    rows = np.arange(len(vertices))
    # Axis by axis from here on, paths last: every step below runs along the memory.
    line, normal = (np.ascontiguousarray(np.moveaxis(a, 0, -1)) for a in (vertices, normals))
    step = line[1:] - line[:-1]
    length = np.stack([np.sqrt(_dot(piece, piece)) for piece in step])
    way = step / np.where(length > 0, length, 1.0)[:, None]
    basis = np.stack(spherical_basis(way[start, :, rows].T))
    part = np.zeros((2, 2, len(rows)), complex)
    part[0, 0] = part[1, 1] = 1.0
    ray = _Rays(part, basis)
    bends = interactions == DIFFRACTION
    edge_at = np.where(bends.any(axis=1), bends.argmax(axis=1), bends.shape[1])
    met = (interactions == SPECULAR) | (interactions == REFRACTION)

    def pass_surfaces(d: int, on: Int[np.ndarray, " k"]) -> None:
        if not len(on):
            return
        incoming, outgoing, facing = (a.take(on, axis=1) for a in (way[d], way[d + 1], normal[d]))
        surface, mirrored = objects[on, d], interactions[on, d] == SPECULAR
        cosine = np.abs(_dot(incoming, facing))
        te, tm = np.empty((2, len(on)), complex)
        laws: tuple[_Law, ...] = (slab_transmission, slab_reflection)
        for law, rows in zip(laws, (~mirrored, mirrored), strict=True):
            te[rows], tm[rows] = law(cosine[rows], *electrics.slabs(surface[rows]), wavelength)
        smooth = np.where(mirrored, electrics.smoothness[surface], 1.0)
        te, tm = te * smooth, tm * smooth
        ray.put(on, ray.take(on).past(incoming, outgoing, facing, te, tm))

    for d in range(interactions.shape[1]):
        pass_surfaces(d, np.flatnonzero(met[:, d] & (d >= start) & (d < edge_at)))
    bent = np.flatnonzero(bends.any(axis=1))
    if len(bent):
        at, before = edge_at[bent], np.arange(len(length))[:, None] <= edge_at[bent]
        incoming, outgoing = way[at, :, bent], way[at + 1, :, bent]
        pieces = length[:, bent]
        field = _past_edge(
            ray.take(bent).field(),
            (incoming, outgoing),
            ((pieces * before).sum(axis=0), (pieces * ~before).sum(axis=0)),
            objects[bent, at],
            wedges.take(bent),
            electrics,
            wavelength,
        )
        ray.put(bent, _Rays.of(field, outgoing.T))
        for d in range(1, interactions.shape[1]):
            pass_surfaces(d, np.flatnonzero(met[:, d] & (d > edge_at)))
    return ray.received(way[n_vertices - 2, :, rows].T)


def bounce_transfer(
    incoming: Float[np.ndarray, "p 3"],
    outgoing: Float[np.ndarray, "p 3"],
    normal: Float[np.ndarray, "p 3"],
    te: ComplexValues,
    tm: ComplexValues,
) -> Complex[np.ndarray, "p 2 2"]:
    """As `chain_transfer` over one reflection, from unit vectors and coefficients."""
    incoming, outgoing, normal = (np.ascontiguousarray(a.T) for a in (incoming, outgoing, normal))
    part = np.tile(np.eye(2, dtype=complex)[..., None], incoming.shape[1])
    sent = _Rays(part, np.stack(spherical_basis(incoming)))
    return sent.past(incoming, outgoing, normal, te, tm).received(outgoing)


@dataclass(frozen=True)
class _Rays:
    """Fields of P rays: part (2, 2, P) [component, sent polarisation] along basis (2, 3, P), two
    unit vectors across the ray."""

    part: Complex[np.ndarray, "2 2 p"]
    basis: Float[np.ndarray, "2 3 p"]

    @classmethod
    def of(cls, field: Complex[np.ndarray, "p 2 3"], direction: Columns) -> _Rays:
        """Of fields (P, sent polarisation, xyz) that travel along `direction` (3, P)."""
        basis = np.stack(spherical_basis(direction))
        return cls(np.einsum("psx,ixp->isp", field, basis), basis)

    def field(self) -> Complex[np.ndarray, "p 2 3"]:
        """(P, sent polarisation, xyz)."""
        return np.asarray(np.einsum("isp,ixp->psx", self.part, self.basis))

    def take(self, rows: Int[np.ndarray, " k"]) -> _Rays:
        return _Rays(self.part.take(rows, axis=2), self.basis.take(rows, axis=2))

    def put(self, rows: Int[np.ndarray, " k"], rays: _Rays) -> None:
        """Overwrites the rays `rows`."""
        self.part[..., rows], self.basis[..., rows] = rays.part, rays.basis

    def past(
        self,
        incoming: Columns,
        outgoing: Columns,
        normal: Columns,
        te: ComplexValues,
        tm: ComplexValues,
    ) -> _Rays:
        """After a surface with these coefficients."""
        across = _perpendicular(incoming, normal)
        part = [self._along(across) * te, self._along(_cross(incoming, across)) * tm]
        return _Rays(np.stack(part), np.stack([across, _cross(outgoing, across)]))

    def received(self, last: Columns) -> Complex[np.ndarray, "p 2 2"]:
        """(P, received, sent) polarisations, rays that travel along `last` (3, P)."""
        theta, phi = spherical_basis(last)
        both = np.stack([self._along(theta), self._along(-phi)])
        return np.ascontiguousarray(np.moveaxis(both, -1, 0))

    def _along(self, axis: Columns) -> Complex[np.ndarray, "2 p"]:
        """(2, P) the component along unit vectors `axis` (3, P) across the rays."""
        first, second = (_dot(vector, axis) for vector in self.basis)
        return np.asarray(self.part[0] * first + self.part[1] * second)


def _past_edge(
    field: Complex[np.ndarray, "n 2 3"],
    directions: tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]],
    lengths_beside: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    surface: Int[np.ndarray, " n"],
    wedges: Wedges,
    electrics: SurfaceElectrics,
    wavelength: float,
) -> Complex[np.ndarray, "n 2 3"]:
    """The field after the edge, to which and from which the wave goes along unit
    `directions`, on a path with `lengths_beside` on its two sides, metres."""
    incoming, outgoing = directions
    wedges = wedges.facing(incoming)
    slab = *electrics.slabs(surface), wavelength
    reflection = [
        coefficient * electrics.smoothness[surface]
        for way, face in ((incoming, wedges.near), (outgoing, wedges.far))
        for coefficient in slab_reflection(np.abs((way * face).sum(axis=1)), *slab)
    ]
    return diffracted_field(
        field, incoming, outgoing, wedges, *lengths_beside, reflection, wavelength
    )


def spherical_basis(
    direction: Columns,
) -> tuple[Columns, Columns]:
    """theta and phi (3, P) of unit vectors (3, P); phi is +y straight up and down."""
    x, y, z = direction
    flat = np.sqrt(x * x + y * y)
    upright = flat == 0
    length = np.where(upright, 1.0, flat)
    c, s = np.where(upright, 1.0, x / length), y / length
    return np.stack([z * c, z * s, -flat]), np.stack([-s, c, np.zeros_like(s)])


def _perpendicular(direction: Columns, normal: Columns) -> Columns:
    """Unit k x n (3, P), or any unit vector across k where the wave meets the surface head on."""
    across = _cross(direction, normal)
    length = np.sqrt(_dot(across, across))
    head_on = np.flatnonzero(length < 1e-9)
    if len(head_on):
        axis = np.eye(3)[np.abs(direction[:, head_on]).argmin(axis=0)].T
        across[:, head_on] = _cross(direction[:, head_on], axis)
        length[head_on] = np.sqrt(_dot(across, across))[head_on]
    return np.asarray(across / np.where(length > 0, length, 1.0))


def _cross(a: Columns, b: Columns) -> Columns:
    """(3, P)."""
    return np.stack(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


def _dot(a: Columns, b: Columns) -> Float[np.ndarray, " p"]:
    """Products of columns."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])
