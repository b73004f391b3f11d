"""Compiled loop of `path_transfer`: fields carried from surface to surface."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.compiled import compiled

_HEAD_ON = 1e-9
"""Sine of incidence below which any vector across the ray does."""


@compiled
def past_surfaces(
    way: Float[np.ndarray, "p pieces 3"],
    normals: Float[np.ndarray, "p d 3"],
    te: Complex[np.ndarray, "p d"],
    tm: Complex[np.ndarray, "p d"],
    met: Bool[np.ndarray, "p d"],
    first: Int[np.ndarray, " p"],
    until: Int[np.ndarray, " p"],
    part: Complex[np.ndarray, "p 2 2"],
    basis: Float[np.ndarray, "p 2 3"],
) -> None:
    """Carries fields past the surfaces first <= d < until that are `met`, in place.

    part [component, sent polarisation]: along `basis`, two unit vectors across the ray. way: unit
    directions of the pieces. te, tm: the surfaces' coefficients.
    """
    # k x n; then, before and after, what is at right angles to it and the ray.
    across, turn, axis = np.zeros((3, 3)), np.zeros((2, 2)), np.zeros(3)
    for p in range(len(way)):
        for d in range(first[p], until[p]):
            if not met[p, d]:
                continue
            before, after = way[p, d], way[p, d + 1]
            if _cross(before, normals[p, d], across[0]) < _HEAD_ON:
                axis[:] = 0.0
                axis[np.abs(before).argmin()] = 1.0
                _cross(before, axis, across[0])
            size = np.sqrt(across[0, 0] ** 2 + across[0, 1] ** 2 + across[0, 2] ** 2)
            for x in range(3):
                across[0, x] /= size if size > 0 else 1.0
            _cross(before, across[0], across[1])
            _cross(after, across[0], across[2])
            turn[:] = 0.0
            for component in range(2):
                for old in range(2):
                    for x in range(3):
                        turn[component, old] += basis[p, old, x] * across[component, x]
            for sent in range(2):
                one, other = part[p, 0, sent], part[p, 1, sent]
                part[p, 0, sent] = te[p, d] * (one * turn[0, 0] + other * turn[0, 1])
                part[p, 1, sent] = tm[p, d] * (one * turn[1, 0] + other * turn[1, 1])
            for x in range(3):
                basis[p, 0, x], basis[p, 1, x] = across[0, x], across[2, x]


@compiled
def _cross(
    a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"], product: Float[np.ndarray, " 3"]
) -> float:
    """Fills the product; its length."""
    product[0] = a[1] * b[2] - a[2] * b[1]
    product[1] = a[2] * b[0] - a[0] * b[2]
    product[2] = a[0] * b[1] - a[1] * b[0]
    return float(np.sqrt(product[0] ** 2 + product[1] ** 2 + product[2] ** 2))
