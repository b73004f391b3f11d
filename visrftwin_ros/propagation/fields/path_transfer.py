"""The field at the end of a path: what each surface and edge on it does, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Int32, UInt8

from visrftwin_ros.propagation.fields.fresnel_coefficients import (
    SurfaceElectrics,
    slab_reflection,
    slab_transmission,
)
from visrftwin_ros.propagation.fields.ray_fields import past_surfaces
from visrftwin_ros.propagation.fields.utd_edges import Wedges, diffracted_field
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, REFRACTION, SPECULAR, lengths

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
    rows, depth = np.arange(len(vertices)), interactions.shape[1]
    step = np.diff(vertices, axis=1)
    length = lengths(step)
    way = step / np.where(length > 0, length, 1.0)[..., None]
    part, basis = _sent(way[rows, start])
    bends = interactions == DIFFRACTION
    bent = np.flatnonzero(bends.any(axis=1))
    edge_at = np.full(len(rows), depth)
    edge_at[bent] = bends[bent].argmax(axis=1)
    met = (interactions == SPECULAR) | (interactions == REFRACTION)
    met &= np.arange(depth) >= start[:, None]
    te, tm = _coefficients(way, interactions, objects, normals, met, electrics, wavelength)
    surfaces = te, tm, met
    past_surfaces(way, normals, *surfaces, start.astype(np.intp), edge_at, part, basis)
    if len(bent):
        at, before = edge_at[bent], np.arange(depth + 1) <= edge_at[bent, None]
        incoming, outgoing = way[bent, at], way[bent, at + 1]
        pieces = length[bent]
        field = _past_edge(
            np.einsum("pis,pix->psx", part[bent], basis[bent]),
            (incoming, outgoing),
            ((pieces * before).sum(axis=1), (pieces * ~before).sum(axis=1)),
            objects[bent, at],
            wedges.take(bent),
            electrics,
            wavelength,
        )
        basis[bent] = _basis(outgoing)
        part[bent] = np.einsum("psx,pix->pis", field, basis[bent])
        end = np.where(edge_at < depth, depth, 0)
        past_surfaces(way, normals, *surfaces, edge_at + 1, end, part, basis)
    return _received(part, basis, way[rows, n_vertices - 2])


def bounce_transfer(
    incoming: Float[np.ndarray, "p 3"],
    outgoing: Float[np.ndarray, "p 3"],
    normal: Float[np.ndarray, "p 3"],
    te: ComplexValues,
    tm: ComplexValues,
) -> Complex[np.ndarray, "p 2 2"]:
    """As `chain_transfer` over one reflection, from unit vectors and coefficients."""
    part, basis = _sent(incoming)
    count = len(incoming)
    none, one = np.zeros(count, np.intp), np.ones(count, np.intp)
    past_surfaces(
        np.stack([incoming, outgoing], axis=1),
        np.ascontiguousarray(normal)[:, None],
        np.asarray(te, complex)[:, None],
        np.asarray(tm, complex)[:, None],
        np.ones((count, 1), bool),
        none,
        one,
        part,
        basis,
    )
    return _received(part, basis, outgoing)


def _coefficients(
    way: Float[np.ndarray, "p pieces 3"],
    interactions: UInt8[np.ndarray, "p d"],
    objects: Int32[np.ndarray, "p d"],
    normals: Float[np.ndarray, "p d 3"],
    met: Bool[np.ndarray, "p d"],
    electrics: SurfaceElectrics,
    wavelength: float,
) -> tuple[Complex[np.ndarray, "p d"], Complex[np.ndarray, "p d"]]:
    """TE and TM of the surfaces that are `met`, zero of others."""
    te, tm = np.zeros((2, *met.shape), complex)
    laws: tuple[tuple[int, _Law], ...] = (
        (SPECULAR, slab_reflection),
        (REFRACTION, slab_transmission),
    )
    for kind, law in laws:
        row, d = np.nonzero(met & (interactions == kind))
        surface = objects[row, d]
        cosine = np.abs(np.einsum("ij,ij->i", way[row, d], normals[row, d]))
        smooth = electrics.smoothness[surface] if kind == SPECULAR else 1.0
        for found, values in zip(
            (te, tm), law(cosine, *electrics.slabs(surface), wavelength), strict=True
        ):
            found[row, d] = values * smooth
    return te, tm


def _basis(direction: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 2 3"]:
    """theta and phi."""
    return np.ascontiguousarray(np.stack(spherical_basis(direction.T)).transpose(2, 0, 1))


def _sent(
    direction: Float[np.ndarray, "p 3"],
) -> tuple[Complex[np.ndarray, "p 2 2"], Float[np.ndarray, "p 2 3"]]:
    """Unit fields in theta and phi along `direction`: [component, sent], and their basis."""
    return np.tile(np.eye(2, dtype=complex), (len(direction), 1, 1)), _basis(direction)


def _received(
    part: Complex[np.ndarray, "p 2 2"],
    basis: Float[np.ndarray, "p 2 3"],
    last: Float[np.ndarray, "p 3"],
) -> Complex[np.ndarray, "p 2 2"]:
    """(P, received, sent) polarisations of rays that travel along `last`."""
    seen = _basis(last) * np.array([[1.0], [-1.0]])
    return np.asarray((seen @ basis.swapaxes(1, 2)) @ part)


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
