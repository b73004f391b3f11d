"""The field at the end of a path: what each surface and edge on it does, one after the other."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int, Int32, UInt8

from visrftwin_ros.compiled import on_two_cores
from visrftwin_ros.propagation.fields.fresnel_coefficients import (
    SurfaceElectrics,
    slab_reflection,
)
from visrftwin_ros.propagation.fields.ray_fields import bounced, past_surfaces
from visrftwin_ros.propagation.fields.utd_edges import Wedges, diffracted_field
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, lengths

Columns = Float[np.ndarray, "3 p"]
ComplexValues = Complex[np.ndarray, " p"]


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
    depth = interactions.shape[1]
    bends = interactions == DIFFRACTION
    bent = np.flatnonzero(bends.any(axis=1))
    edge_at = np.full(len(vertices), depth)
    edge_at[bent] = bends[bent].argmax(axis=1)
    part = np.empty((len(vertices), 2, 2), complex)
    basis = np.empty((len(vertices), 2, 3))
    permittivity, thickness, spread = electrics.slabs(np.arange(len(electrics.thickness)))
    lines = vertices, interactions, objects, normals, n_vertices.astype(np.intp)

    def carry(
        rows: slice | Int[np.ndarray, " n"],
        first: Int[np.ndarray, " p"],
        until: Int[np.ndarray, " p"],
        sent: bool,
    ) -> Complex[np.ndarray, "n 2 2"]:
        line, kinds, of, normal, count, begin, end = (
            np.ascontiguousarray(column[rows]) for column in (*lines, first, until)
        )
        fields, across = part[rows], basis[rows]
        past_surfaces(
            line, kinds, of, normal, count, begin, end, sent,
            permittivity, thickness, spread, electrics.smoothness, wavelength, fields, across,
        )  # fmt: skip
        return fields

    # Slices are views, into which the fields are written.
    begin = start.astype(np.intp)
    found = on_two_cores(lambda rows: carry(rows, begin, edge_at, True), len(vertices))
    if len(bent):
        at, before = edge_at[bent], np.arange(depth + 1) <= edge_at[bent, None]
        step = np.diff(vertices[bent], axis=1)
        length = lengths(step)
        way = step / np.where(length > 0, length, 1.0)[..., None]
        on = np.arange(len(bent))
        incoming, outgoing = way[on, at], way[on, at + 1]
        field = _past_edge(
            np.einsum("pis,pix->psx", part[bent], basis[bent]),
            (incoming, outgoing),
            ((length * before).sum(axis=1), (length * ~before).sum(axis=1)),
            objects[bent, at],
            wedges.take(bent),
            electrics,
            wavelength,
        )
        basis[bent] = _basis(outgoing)
        part[bent] = np.einsum("psx,pix->pis", field, basis[bent])
        found[bent] = carry(bent, edge_at + 1, np.full(len(vertices), depth), False)
    return found


def bounce_transfer(
    incoming: Float[np.ndarray, "p 3"],
    outgoing: Float[np.ndarray, "p 3"],
    normal: Float[np.ndarray, "p 3"],
    te: ComplexValues,
    tm: ComplexValues,
) -> Complex[np.ndarray, "p 2 2"]:
    """As `chain_transfer` over one reflection, from unit vectors and coefficients."""
    before, after, face = map(np.ascontiguousarray, (incoming, outgoing, normal))
    return bounced(before, after, face, np.asarray(te, complex), np.asarray(tm, complex))


def _basis(direction: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 2 3"]:
    """theta and phi."""
    return np.ascontiguousarray(np.stack(spherical_basis(direction.T)).transpose(2, 0, 1))


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
