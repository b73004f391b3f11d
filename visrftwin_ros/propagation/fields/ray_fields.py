"""Compiled loops of `path_transfer`: fields carried from surface to surface."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int, Int32, UInt8

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_at
from visrftwin_ros.propagation.paths.path_set import REFRACTION, SPECULAR

_HEAD_ON = 1e-9
"""Sine of incidence below which any vector across the ray does."""


@compiled
def past_surfaces(
    vertices: Float[np.ndarray, "p v 3"],
    interactions: UInt8[np.ndarray, "p v-2"],
    objects: Int32[np.ndarray, "p v-2"],
    normals: Float[np.ndarray, "p v-2 3"],
    n_vertices: Int[np.ndarray, " p"],
    first: Int[np.ndarray, " p"],
    until: Int[np.ndarray, " p"],
    sent: bool,
    permittivity: Complex[np.ndarray, " surfaces"],
    thickness: Float[np.ndarray, " surfaces"],
    spread: Float[np.ndarray, " surfaces"],
    smoothness: Float[np.ndarray, " surfaces"],
    wavelength: float,
    part: Complex[np.ndarray, "p 2 2"],
    basis: Float[np.ndarray, "p 2 3"],
) -> None:
    """Carries fields past the surfaces first <= d < until that reflect or let through, in place.

    part [component, sent polarisation]: along `basis`, two unit vectors across the ray; where they
    are `sent`, unit fields in theta and phi from vertex `first`. Of a path without anything after
    `until` it becomes [received, sent polarisation].
    """
    before, after = np.empty(3), np.empty(3)
    across, turn, smooth = np.zeros((3, 3)), np.zeros((2, 2)), 1.0
    for p in range(len(vertices)):
        line = vertices[p]
        _ahead(line, first[p], after)
        if sent:
            _spherical(after, basis[p])
            part[p, 0, 0] = part[p, 1, 1] = 1.0
            part[p, 0, 1] = part[p, 1, 0] = 0.0
        for d in range(first[p], until[p]):
            kind = interactions[p, d]
            if kind != SPECULAR and kind != REFRACTION:
                continue
            _ahead(line, d, before)
            _ahead(line, d + 1, after)
            cosine = 0.0
            for x in range(3):
                cosine += before[x] * normals[p, d, x]
            of = objects[p, d]
            slab = permittivity[of], thickness[of], spread[of]
            te, tm = slab_at(abs(cosine), slab, wavelength, kind == REFRACTION)
            smooth = smoothness[of] if kind == SPECULAR else 1.0
            _past(before, after, normals[p, d], te * smooth, tm * smooth,
                  part[p], basis[p], across, turn)  # fmt: skip
        if until[p] >= interactions.shape[1]:
            _ahead(line, n_vertices[p] - 2, after)
            _receive(after, part[p], basis[p], across, turn)


@compiled
def bounced(
    incoming: Float[np.ndarray, "p 3"],
    outgoing: Float[np.ndarray, "p 3"],
    normal: Float[np.ndarray, "p 3"],
    te: Complex[np.ndarray, " p"],
    tm: Complex[np.ndarray, " p"],
) -> Complex[np.ndarray, "p 2 2"]:
    """[received, sent polarisation] over one reflection, from unit vectors and coefficients."""
    part, basis = np.empty((len(te), 2, 2), np.complex128), np.empty((2, 3))
    across, turn = np.zeros((3, 3)), np.zeros((2, 2))
    for p in range(len(te)):
        _spherical(incoming[p], basis)
        part[p, 0, 0] = part[p, 1, 1] = 1.0
        part[p, 0, 1] = part[p, 1, 0] = 0.0
        _past(incoming[p], outgoing[p], normal[p], te[p], tm[p], part[p], basis, across, turn)
        _receive(outgoing[p], part[p], basis, across, turn)
    return part


@compiled
def _ahead(line: Float[np.ndarray, "v 3"], piece: int, way: Float[np.ndarray, " 3"]) -> None:
    """Fills the unit direction of a piece; zero where it has no length."""
    square = 0.0
    for x in range(3):
        way[x] = line[piece + 1, x] - line[piece, x]
        square += way[x] * way[x]
    length = np.sqrt(square)
    for x in range(3):
        way[x] /= length if length > 0 else 1.0


@compiled
def _spherical(way: Float[np.ndarray, " 3"], basis: Float[np.ndarray, "2 3"]) -> None:
    """Fills theta and phi of a unit vector, as `path_transfer.spherical_basis`."""
    flat = np.sqrt(way[0] * way[0] + way[1] * way[1])
    cosine, sine = (way[0] / flat, way[1] / flat) if flat > 0 else (1.0, 0.0)
    basis[0, 0], basis[0, 1], basis[0, 2] = way[2] * cosine, way[2] * sine, -flat
    basis[1, 0], basis[1, 1], basis[1, 2] = -sine, cosine, 0.0


@compiled
def _past(
    before: Float[np.ndarray, " 3"],
    after: Float[np.ndarray, " 3"],
    normal: Float[np.ndarray, " 3"],
    te: complex,
    tm: complex,
    part: Complex[np.ndarray, "2 2"],
    basis: Float[np.ndarray, "2 3"],
    across: Float[np.ndarray, "3 3"],
    turn: Float[np.ndarray, "2 2"],
) -> None:
    """Carries one path's field past one surface. across, turn: room to work in."""
    # k x n; then, before and after, what is at right angles to it and the ray.
    if _cross(before, normal, across[0]) < _HEAD_ON:
        across[1] = 0.0
        across[1, np.abs(before).argmin()] = 1.0
        _cross(before, across[1], across[0])
    size = np.sqrt(across[0, 0] ** 2 + across[0, 1] ** 2 + across[0, 2] ** 2)
    for x in range(3):
        across[0, x] /= size if size > 0 else 1.0
    _cross(before, across[0], across[1])
    _cross(after, across[0], across[2])
    _turn(basis, across, turn)
    for sent in range(2):
        one, other = part[0, sent], part[1, sent]
        part[0, sent] = te * (one * turn[0, 0] + other * turn[0, 1])
        part[1, sent] = tm * (one * turn[1, 0] + other * turn[1, 1])
    for x in range(3):
        basis[0, x], basis[1, x] = across[0, x], across[2, x]


@compiled
def _receive(
    way: Float[np.ndarray, " 3"],
    part: Complex[np.ndarray, "2 2"],
    basis: Float[np.ndarray, "2 3"],
    across: Float[np.ndarray, "3 3"],
    turn: Float[np.ndarray, "2 2"],
) -> None:
    """From `basis` to the receiver's: that of the direction that the wave, along `way`, comes from."""
    _spherical(way, across)
    for x in range(3):
        across[1, x] = -across[1, x]
    _turn(basis, across, turn)
    for sent in range(2):
        one, other = part[0, sent], part[1, sent]
        part[0, sent] = one * turn[0, 0] + other * turn[0, 1]
        part[1, sent] = one * turn[1, 0] + other * turn[1, 1]


@compiled
def _turn(
    old: Float[np.ndarray, "2 3"], new: Float[np.ndarray, "3 3"], turn: Float[np.ndarray, "2 2"]
) -> None:
    """Fills the products [new, old] of the first two rows of each."""
    for i in range(2):
        for k in range(2):
            turn[i, k] = 0.0
            for x in range(3):
                turn[i, k] += old[k, x] * new[i, x]


@compiled
def _cross(
    a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"], product: Float[np.ndarray, " 3"]
) -> float:
    """Fills the product; its length."""
    product[0] = a[1] * b[2] - a[2] * b[1]
    product[1] = a[2] * b[0] - a[0] * b[2]
    product[2] = a[0] * b[1] - a[1] * b[0]
    return float(np.sqrt(product[0] ** 2 + product[1] ** 2 + product[2] ** 2))
