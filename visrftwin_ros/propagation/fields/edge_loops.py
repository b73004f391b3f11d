"""Compiled loops of `utd_edges`: what edges and their faces do, path by path."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_auxiliary import auxiliary

Values = Float[np.ndarray, " n"]
Vectors = Float[np.ndarray, "n 3"]
Vector = tuple[float, float, float]

_POLE = 1e-6
"""Sine below which a cotangent counts as at its pole."""
_LEAST_SINE = 1e-9


@compiled
def terms_at(
    incoming: Vectors,
    outgoing: Vectors,
    along: Vectors,
    near: Vectors,
    far: Vectors,
    before: Values,
    after: Values,
    wavelength: float,
) -> Complex[np.ndarray, "4 n"]:
    """`utd_edges.edge_terms`, of edges `along` between the faces of unit normals `near` and `far`."""
    found = np.empty((4, len(before)), np.complex128)
    wavenumber = 2.0 * math.pi / wavelength
    for i in range(len(before)):
        come, leave, edge, face = _of(incoming, i), _of(outgoing, i), _of(along, i), _of(near, i)
        between = min(max(_dot(face, _of(far, i)), -1.0), 1.0)
        exterior = math.pi + math.acos(between)
        across = _cross(come, edge)
        sine = max(math.sqrt(_dot(across, across)), _LEAST_SINE)
        phi_in = _azimuth((-come[0], -come[1], -come[2]), edge, face)
        phi_out = _azimuth(leave, edge, face)
        kl = wavenumber * before[i] * after[i] / (before[i] + after[i]) * sine * sine
        size = -math.pi / (2.0 * exterior * math.sqrt(2.0 * math.pi * wavenumber) * sine)
        scale = size * complex(math.sqrt(0.5), -math.sqrt(0.5))
        found[0, i] = scale * _cotangent_term(1.0, phi_out - phi_in, exterior, kl)
        found[1, i] = scale * _cotangent_term(-1.0, phi_out - phi_in, exterior, kl)
        found[2, i] = scale * _cotangent_term(1.0, phi_out + phi_in, exterior, kl)
        found[3, i] = scale * _cotangent_term(-1.0, phi_out + phi_in, exterior, kl)
    return found


@compiled
def faces_at(
    incoming: Vectors,
    edge: Vectors,
    normal: Vectors,
    te: Complex[np.ndarray, " n"],
    tm: Complex[np.ndarray, " n"],
) -> Complex[np.ndarray, "n 2 2"]:
    """`utd_edges.face_matrix`."""
    found = np.empty((len(te), 2, 2), np.complex128)
    for i in range(len(te)):
        come, along, face = _of(incoming, i), _of(edge, i), _of(normal, i)
        twice = 2.0 * _dot(come, face)
        mirrored = (
            come[0] - twice * face[0], come[1] - twice * face[1], come[2] - twice * face[2]
        )  # fmt: skip
        across = _unit(_cross(come, face))
        behind = _unit(_cross(along, mirrored))
        into_c, into_s = _turn(come, _unit(_cross(come, along)), across)
        out_c, out_s = _turn(mirrored, across, behind)
        found[i, 0, 0] = out_c * te[i] * into_c - out_s * tm[i] * into_s
        found[i, 0, 1] = out_c * te[i] * into_s + out_s * tm[i] * into_c
        found[i, 1, 0] = -out_s * te[i] * into_c - out_c * tm[i] * into_s
        found[i, 1, 1] = -out_s * te[i] * into_s + out_c * tm[i] * into_c
    return found


@compiled
def carried_by(
    matrix: Complex[np.ndarray, "n 2 2"],
    field: Complex[np.ndarray, "n 2 3"],
    incoming: Vectors,
    outgoing: Vectors,
    edge: Vectors,
) -> Complex[np.ndarray, "n 2 3"]:
    """`utd_edges.past_edge_by`."""
    found = np.empty_like(field)
    for i in range(len(field)):
        come, leave, along = _of(incoming, i), _of(outgoing, i), _of(edge, i)
        sent, left = _unit(_cross(come, along)), _unit(_cross(along, leave))
        beside, over = _cross(come, sent), _cross(leave, left)
        for p in range(2):
            one, other = 0j, 0j
            for x in range(3):
                one += field[i, p, x] * sent[x]
                other += field[i, p, x] * beside[x]
            first = one * matrix[i, 0, 0] + other * matrix[i, 0, 1]
            second = one * matrix[i, 1, 0] + other * matrix[i, 1, 1]
            for x in range(3):
                found[i, p, x] = first * left[x] + second * over[x]
    return found


@compiled
def _of(vectors: Vectors, row: int) -> Vector:
    return vectors[row, 0], vectors[row, 1], vectors[row, 2]


@compiled
def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
def _unit(vector: Vector) -> Vector:
    length = math.sqrt(_dot(vector, vector))
    size = 1.0 / length if length > 0.0 else 1.0
    return vector[0] * size, vector[1] * size, vector[2] * size


@compiled
def _turn(direction: Vector, old: Vector, new: Vector) -> tuple[float, float]:
    """Cosine and sine from components along `old` and `direction` x `old` to those of `new`."""
    return _dot(old, new), _dot(_cross(direction, old), new)


@compiled
def _azimuth(direction: Vector, edge: Vector, near: Vector) -> float:
    """Angle about the edge from the near face, 0 to 2 pi, of a unit direction away from it."""
    lift = _dot(direction, edge)
    flat = (
        direction[0] - lift * edge[0], direction[1] - lift * edge[1], direction[2] - lift * edge[2]
    )  # fmt: skip
    angle = math.atan2(_dot(near, flat), _dot(_cross(near, edge), flat))
    return angle if angle >= 0.0 else angle + 2.0 * math.pi


@compiled
def _cotangent_term(sign: float, beta: float, exterior: float, kl: float) -> complex:
    """cot((pi +- beta) / 2n) F(kL a+-(beta)), finite on the shadow boundaries."""
    n = exterior / math.pi
    psi = (math.pi + sign * beta) / (2.0 * n)
    turns = math.floor((beta + sign * math.pi) / (2.0 * exterior) + 0.5)
    x = kl * 2.0 * math.cos(exterior * turns - beta / 2.0) ** 2
    if not math.isfinite(x):
        return complex(math.nan, math.nan)
    # F(x) / sqrt(x), which stays finite where F goes to zero and the cotangent to infinity: what
    # Fresnel's integral lacks is its auxiliary functions' alone.
    over_root = math.sqrt(2.0 * math.pi) * auxiliary(math.sqrt(2.0 * x / math.pi))
    sine = math.sin(psi)
    if abs(sine) < _POLE:
        root = n * math.copysign(math.sqrt(2.0 * kl), 1.0 if sine >= 0.0 else -1.0)
    else:
        root = math.sqrt(x) / sine
    return math.cos(psi) * root * over_root
