"""What bodies reflect, by physical optics on the facets of their meshes.

The lab's own model, apart from the twin's cylinder and cross-section: every facet lit from the
transmitter and facing the receiver sends on R times the incident wave,

    E = (j k / 4 pi) Int R (cos i + cos s) exp(-j k (s' + s)) / (s' s) dS

(Kirchhoff's integral over a locally plane reflector; Balanis, Advanced Engineering
Electromagnetics, 2nd ed., section 7.10; Ruck et al., Radar Cross Section Handbook, section 2.2.2).
The phase is exact at the facets' corners and linear between them, which makes each facet's integral
a closed form, for facets of a few centimetres. Facets that another part of the same body hides still count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from visrftwin_ros.bodies.surface import body_coefficients
from visrftwin_ros.lab.radio.body_truth import Person

Array = NDArray[np.float64]

_LEAST_TURN = 1e-3
"""Radians between the corners of a facet, at least, in its closed form: exact equals would be 0/0."""
_CLOSEST = 0.02


@dataclass(frozen=True)
class Echo:
    """transfer: complex amplitude between vertical isotropic antennas, free space included,
    without the carrier's phase over `delay` [s]. point: (3,) metres, where the way is shortest."""

    transfer: complex
    delay: float
    point: Array


@dataclass(frozen=True)
class Facets:
    """The triangles of one body: corners (F, 3, 3) metres, normal (F, 3) outwards, area (F,) m^2."""

    corners: Array
    normal: Array
    area: Array

    @classmethod
    def of(cls, person: Person) -> Facets:
        """Turned outwards whichever way the mesh's triangles run, if they all run the same way."""
        faces = person.mesh.faces if person.facets is None else person.facets
        corners = person.vertices[faces]
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        cross = np.cross(b - a, c - a)
        middle = person.vertices.mean(axis=0)
        outwards = np.sign(np.einsum("ij,ij->", a - middle, cross)) or 1.0
        length = np.linalg.norm(cross, axis=1)
        kept = length > 1e-12
        normal = outwards * cross[kept] / length[kept, None]
        return cls(corners[kept], normal, length[kept] / 2)


def echo(
    facets: Facets, material: str, transmitter: Array, receiver: Array, wavelength: float
) -> Echo | None:
    """The echo of one body between two ends (3,); None where no facet faces both."""
    middle = facets.corners.mean(axis=1)
    to_tx, to_rx = transmitter - middle, receiver - middle
    near = np.einsum("ij,ij->i", to_tx, facets.normal)
    far = np.einsum("ij,ij->i", to_rx, facets.normal)
    lit = np.flatnonzero((near > 0) & (far > 0))
    if not len(lit):
        return None
    to_tx, to_rx = to_tx[lit], to_rx[lit]
    s_in = np.maximum(np.linalg.norm(to_tx, axis=1), _CLOSEST)
    s_out = np.maximum(np.linalg.norm(to_rx, axis=1), _CLOSEST)
    corners = facets.corners[lit]
    way = np.linalg.norm(corners - transmitter, axis=2) + np.linalg.norm(corners - receiver, axis=2)
    shortest = int((s_in + s_out).argmin())
    delay = float(s_in[shortest] + s_out[shortest])
    wave_number = 2 * np.pi / wavelength
    cosines = near[lit] / s_in + far[lit] / s_out
    strength = _reflection(facets.normal[lit], to_tx, s_in, to_rx, s_out, material, wavelength)
    facet = 2 * facets.area[lit] * _mean_phasor(-wave_number * (way - delay))
    field = 1j * wave_number / (4 * np.pi) * (strength * cosines / (s_in * s_out) * facet).sum()
    transfer = complex(wavelength / (4 * np.pi) * field)
    return Echo(transfer, delay / speed_of_light, middle[lit[shortest]])


def _mean_phasor(phase: Array) -> NDArray[np.complex128]:
    """(F,) half the mean of exp(j phase) over triangles with these phases (F, 3) at the corners.

    By the theorem of Hermite and Genocchi: minus the second divided difference of exp(j x).
    """
    phase = np.sort(phase, axis=1)
    first = phase[:, 0]
    second = np.maximum(phase[:, 1], first + _LEAST_TURN)
    third = np.maximum(phase[:, 2], second + _LEAST_TURN)
    one, two, three = np.exp(1j * first), np.exp(1j * second), np.exp(1j * third)
    return np.asarray(
        -((three - two) / (third - second) - (two - one) / (second - first)) / (third - first)
    )


def _reflection(
    normal: Array,
    to_tx: Array,
    s_in: Array,
    to_rx: Array,
    s_out: Array,
    material: str,
    wavelength: float,
) -> NDArray[np.complex128]:
    """(F,) reflection of a vertical field into a vertical antenna at the angle that mirrors.

    The share of the vertical that lies across the plane of incidence reflects as TE, the rest as
    TM, whose coefficient has the other sign at normal incidence (P.2040-4).
    """
    inward, outward = to_tx / s_in[:, None], to_rx / s_out[:, None]
    half = inward + outward
    length = np.linalg.norm(half, axis=1)
    cosine = np.clip(np.einsum("ij,ij->i", inward, half) / np.maximum(length, 1e-9), 0.0, 1.0)
    te, tm = body_coefficients(np.full(len(normal), material, dtype=object), cosine, wavelength)
    across = np.cross(inward, outward)
    size = np.linalg.norm(across, axis=1)
    flat = np.hypot(inward[:, 0], inward[:, 1])
    level = (across[:, 2] / np.maximum(size * flat, 1e-9)) ** 2
    upright = np.where(size > 1e-6, np.minimum(level, 1.0), 1.0)
    return np.asarray(upright * te - (1 - upright) * tm)
