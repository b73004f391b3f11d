"""Two opaque strips across one path: Kirchhoff's double integral by brute quadrature, and cases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WITHIN_DB, SHARE_WITHIN = 2.0, 0.9


@dataclass(frozen=True)
class StripPairs:
    """n pairs on links of `length` m: the strips' distances from the source `first` < `second`,
    and their edges (n, 2), left and right of the ray; all in metres."""

    length: Array
    first: Array
    second: Array
    first_edges: Array
    second_edges: Array


def strip_pairs(count: int = 50, seed: int = 21) -> StripPairs:
    """Spacings of 0.2 to 3 m, one of each; strips of a person's breadth from side to front, half
    of the pairs centred on the ray, half up to 0.15 m beside it, each strip for itself; links of 4
    to 10 m with a metre or more before the first strip and behind the second."""
    random = np.random.default_rng(seed)
    spacing = np.linspace(0.2, 3.0, count)
    length = np.maximum(random.uniform(4.0, 10.0, count), spacing + 2.0)
    first = random.uniform(1.0, length - spacing - 1.0)
    half = random.uniform(0.25, 0.5, (2, count)) / 2
    aside = np.where(np.arange(count) % 2, random.uniform(-0.15, 0.15, (2, count)), 0.0)
    edges = np.stack([aside - half, aside + half], axis=2)
    return StripPairs(length, first, first + spacing, edges[0], edges[1])


def field_behind_strips(
    length: float,
    distances: tuple[float, float],
    edges: tuple[Array, Array],
    wavelength: float,
    nodes: int = 700,
) -> tuple[complex, complex, complex]:
    """E/E0 on the ray behind the first strip alone, the second alone and both.

    Babinet: 1 - T1 - T2 + T12, each T the Fresnel-Kirchhoff integral over the strips themselves
    (Born and Wolf, Principles of Optics, 8.3.3) of exp(-j k detour) with the parabolic detour, by
    Gauss and Legendre's rule; no Fresnel function and no half-plane comes in.
    """
    a, c = distances[0], length - distances[1]
    b = distances[1] - distances[0]
    k = 2 * np.pi / wavelength
    at, weight = zip(*(_rule(*pair, nodes) for pair in edges), strict=True)
    taken = []
    for x, w, d in zip(at, weight, distances, strict=True):
        scale = np.sqrt(1j * length / (wavelength * d * (length - d)))
        phase = np.exp(-0.5j * k * x**2 * (1 / d + 1 / (length - d)))
        taken.append(scale * (w * phase).sum())
    x, y = at[0][:, None], at[1][None]
    both = np.exp(-0.5j * k * (x**2 / a + (x - y) ** 2 / b + y**2 / c))
    scale = 1j * np.sqrt(length / (a * b * c)) / wavelength
    overlap = scale * (weight[0] @ both @ weight[1])
    first, second = taken
    return 1 - first, 1 - second, complex(1 - first - second + overlap)


def _rule(low: float, high: float, nodes: int) -> tuple[Array, Array]:
    at, weight = _legendre(nodes)
    return (low + high) / 2 + (high - low) / 2 * at, (high - low) / 2 * weight


@cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    at, weight = np.polynomial.legendre.leggauss(nodes)
    return at, weight
