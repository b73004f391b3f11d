"""The field round a perfectly conducting rectangular cylinder, by the method of moments."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import hankel2

Array = NDArray[np.float64]
_CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
_OUTWARDS = np.array([(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)])


def field_round_rectangle(
    source: Array,
    receivers: Array,
    size: Array,
    wavelength: float,
    polarisation: Literal["along", "across"],
    a_wave: float = 10.0,
) -> NDArray[np.complex128]:
    """E/E0 at `receivers` (R, 2) for a line source at `source` (2,), metres in the rectangle's axes.

    polarisation: E along the cylinder's axis or, of a magnetic line source, across it. Pulses and
    point matching (Harrington, Field Computation by Moment Methods, sections 3-2 and 3-3), `a_wave`
    pulses a wavelength: along, of the combined field, which knows no resonance inside.
    """
    k = 2 * np.pi / wavelength
    middle, length, outwards = _pieces(size, wavelength / a_wave)
    incident = hankel2(0, k * np.hypot(*(middle - source).T))
    apart = middle[:, None] - middle
    r = np.hypot(apart[..., 0], apart[..., 1])
    np.fill_diagonal(r, 1.0)
    free = hankel2(0, k * np.hypot(*(receivers - source).T))
    to = receivers[:, None] - middle
    distance = np.hypot(to[..., 0], to[..., 1])
    if polarisation == "along":
        # q, the normal derivative on the surface: (1/2 + K' + jkS) q = (d/dn + jk) E0, E = E0 - S q.
        single = -0.25j * hankel2(0, k * r) * length
        own = 1 - 2j / np.pi * np.log(np.exp(np.euler_gamma - 1) * k * length / 4)
        np.fill_diagonal(single, -0.25j * length * own)
        matrix = _facing(apart, r, outwards[:, None], k) * length + 1j * k * single
        matrix += 0.5 * np.eye(len(r))
        to_source = np.hypot(*(middle - source).T)
        slope = ((middle - source) * outwards).sum(axis=1) / to_source
        slope = -k * hankel2(1, k * to_source) * slope
        on_surface = np.linalg.solve(matrix, slope + 1j * k * incident)
        scattered = 0.25j * (hankel2(0, k * distance) * length) @ on_surface
    else:
        matrix = 0.5 * np.eye(len(r)) + _facing(apart, r, outwards, k) * length
        on_surface = np.linalg.solve(matrix, incident)
        scattered = -(_facing(to, distance, outwards, k) * length) @ on_surface
    return np.asarray((free + scattered) / free)


def _facing(apart: Array, r: Array, outwards: Array, k: float) -> NDArray:
    """Derivative of Green's function -j/4 H0(kr) along `apart` (R, P, 2) = r (R, P), outwards."""
    own = apart.shape[0] == apart.shape[1]
    derivative = 0.25j * k * hankel2(1, k * r) * (apart * outwards).sum(axis=2) / r
    if own:
        np.fill_diagonal(derivative, 0.0)
    return np.asarray(derivative)


def _pieces(size: Array, longest: float) -> tuple[Array, Array, Array]:
    """Middles (P, 2), lengths (P,) and outward normals (P, 2) of the pieces of the four sides."""
    corners = _CORNERS * size
    middles, lengths, normals = [], [], []
    for a, b, outwards in zip(corners, np.roll(corners, -1, axis=0), _OUTWARDS, strict=True):
        count = int(np.ceil(np.hypot(*(b - a)) / longest))
        share = (np.arange(count)[:, None] + 0.5) / count
        middles.append(a + share * (b - a))
        lengths.append(np.full(count, np.hypot(*(b - a)) / count))
        normals.append(np.tile(outwards, (count, 1)))
    return np.concatenate(middles), np.concatenate(lengths), np.concatenate(normals)
