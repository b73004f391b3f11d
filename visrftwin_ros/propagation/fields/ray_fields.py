"""Compiled loops of `path_transfer`: fields carried from surface to surface."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float, Int, Int32, UInt8

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_at
from visrftwin_ros.propagation.paths.path_set import NONE, REFRACTION, SPECULAR

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
    depth = interactions.shape[1]
    for p in range(len(vertices)):
        way = _ahead(vertices, p, first[p])
        if sent:
            one, other = _spherical(way)
            theta, phi = (1.0 + 0j, 0j), (0j, 1.0 + 0j)
        else:
            one = basis[p, 0, 0], basis[p, 0, 1], basis[p, 0, 2]
            other = basis[p, 1, 0], basis[p, 1, 1], basis[p, 1, 2]
            theta, phi = (part[p, 0, 0], part[p, 1, 0]), (part[p, 0, 1], part[p, 1, 1])
        for d in range(first[p], until[p]):
            kind = interactions[p, d]
            if kind == NONE:
                break
            before, way = way, _ahead(vertices, p, d + 1)
            if kind != SPECULAR and kind != REFRACTION:
                continue
            normal = normals[p, d, 0], normals[p, d, 1], normals[p, d, 2]
            of = objects[p, d]
            slab = permittivity[of], thickness[of], spread[of]
            te, tm = slab_at(abs(_dot(before, normal)), slab, wavelength, kind == REFRACTION)
            if kind == SPECULAR:
                te, tm = _scaled(te, smoothness[of]), _scaled(tm, smoothness[of])
            across, up, along = _incidence(before, way, normal)
            theta = _past(theta, one, other, across, up, te, tm)
            phi = _past(phi, one, other, across, up, te, tm)
            one, other = across, along
        if until[p] >= depth:
            theta, phi = _received(theta, phi, one, other, _ahead(vertices, p, n_vertices[p] - 2))
        for x in range(3):
            basis[p, 0, x], basis[p, 1, x] = one[x], other[x]
        part[p, 0, 0], part[p, 1, 0] = theta
        part[p, 0, 1], part[p, 1, 1] = phi


@compiled
def bounced(
    incoming: Float[np.ndarray, "p 3"],
    outgoing: Float[np.ndarray, "p 3"],
    normal: Float[np.ndarray, "p 3"],
    te: Complex[np.ndarray, " p"],
    tm: Complex[np.ndarray, " p"],
) -> Complex[np.ndarray, "p 2 2"]:
    """[received, sent polarisation] over one reflection, from unit vectors and coefficients."""
    part = np.empty((len(te), 2, 2), np.complex128)
    for p in range(len(te)):
        before = incoming[p, 0], incoming[p, 1], incoming[p, 2]
        after = outgoing[p, 0], outgoing[p, 1], outgoing[p, 2]
        one, other = _spherical(before)
        across, up, along = _incidence(before, after, (normal[p, 0], normal[p, 1], normal[p, 2]))
        theta = _past((1.0 + 0j, 0j), one, other, across, up, te[p], tm[p])
        phi = _past((0j, 1.0 + 0j), one, other, across, up, te[p], tm[p])
        theta, phi = _received(theta, phi, across, along, after)
        part[p, 0, 0], part[p, 1, 0] = theta
        part[p, 0, 1], part[p, 1, 1] = phi
    return part


Vector = tuple[float, float, float]
Components = tuple[complex, complex]
# Numbers rather than small arrays: each view of an array is counted, by both cores in one place.


@compiled
def _ahead(vertices: Float[np.ndarray, "p v 3"], p: int, piece: int) -> Vector:
    """The unit direction of a piece; zero where it has no length."""
    x = vertices[p, piece + 1, 0] - vertices[p, piece, 0]
    y = vertices[p, piece + 1, 1] - vertices[p, piece, 1]
    z = vertices[p, piece + 1, 2] - vertices[p, piece, 2]
    return _unit((x, y, z))


@compiled
def _unit(vector: Vector) -> Vector:
    length = math.sqrt(_dot(vector, vector))
    share = 1.0 / length if length > 0.0 else 1.0
    return vector[0] * share, vector[1] * share, vector[2] * share


@compiled
def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
def _scaled(value: complex, share: float) -> complex:
    return complex(value.real * share, value.imag * share)


@compiled
def _spherical(way: Vector) -> tuple[Vector, Vector]:
    """theta and phi of a unit vector, as `path_transfer.spherical_basis`."""
    flat = math.sqrt(way[0] * way[0] + way[1] * way[1])
    cosine, sine = (way[0] / flat, way[1] / flat) if flat > 0.0 else (1.0, 0.0)
    return (way[2] * cosine, way[2] * sine, -flat), (-sine, cosine, 0.0)


@compiled
def _incidence(before: Vector, after: Vector, normal: Vector) -> tuple[Vector, Vector, Vector]:
    """k x n; then, before and after, what is at right angles to it and the ray; unit vectors."""
    across = _cross(before, normal)
    if _dot(across, across) < _HEAD_ON * _HEAD_ON:
        x, y, z = abs(before[0]), abs(before[1]), abs(before[2])
        if x <= y and x <= z:
            any_other = (1.0, 0.0, 0.0)
        elif y <= z:
            any_other = (0.0, 1.0, 0.0)
        else:
            any_other = (0.0, 0.0, 1.0)
        across = _cross(before, any_other)
    across = _unit(across)
    return across, _cross(before, across), _cross(after, across)


@compiled
def _past(
    field: Components,
    one: Vector,
    other: Vector,
    across: Vector,
    up: Vector,
    te: complex,
    tm: complex,
) -> Components:
    """A field along `one` and `other` past a surface, along `across` and at right angles to it."""
    first, second = _turned(field, one, other, across, up)
    return te * first, tm * second


@compiled
def _received(
    theta: Components, phi: Components, one: Vector, other: Vector, way: Vector
) -> tuple[Components, Components]:
    """From `one` and `other` to the receiver's basis: that of the direction that the wave, along
    `way`, comes from."""
    up, aside = _spherical(way)
    aside = -aside[0], -aside[1], -aside[2]
    return _turned(theta, one, other, up, aside), _turned(phi, one, other, up, aside)


@compiled
def _turned(
    field: Components, one: Vector, other: Vector, first: Vector, second: Vector
) -> Components:
    """Components along `first` and `second` of what they are along `one` and `other`."""
    a, b = field
    x, y = _dot(one, first), _dot(other, first)
    u, v = _dot(one, second), _dot(other, second)
    return (
        complex(a.real * x + b.real * y, a.imag * x + b.imag * y),
        complex(a.real * u + b.real * v, a.imag * u + b.imag * v),
    )
