"""Opaque strips across one path: Kirchhoff's multiple integral by brute quadrature, and cases."""

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


@dataclass(frozen=True)
class StripRows:
    """n rows of three strips: `length` (n,), `distances` (n, 3), `edges` (n, 3, 2)."""

    length: Array
    distances: Array
    edges: Array


def strip_rows(count: int = 30, seed: int = 22) -> StripRows:
    """Three strips in a row, made alike, 0.3 to 1.5 m from each to the next, each up to 0.15 m
    beside the ray."""
    random = np.random.default_rng(seed)
    before, behind = random.uniform(1.0, 4.0, (2, count))
    first, second = random.uniform(0.3, 1.5, (2, count))
    distances = np.stack([before, before + first, before + first + second], axis=1)
    half = random.uniform(0.25, 0.5, (count, 3)) / 2
    aside = random.uniform(-0.15, 0.15, (count, 3))
    return StripRows(
        distances[:, 2] + behind, distances, np.stack([aside - half, aside + half], axis=2)
    )


def field_behind_strips(
    length: float, distances: Array, edges: Array, wavelength: float, nodes: int = 700
) -> complex:
    """E/E0 on the ray behind one or more strips.

    Babinet: the sum over all subsets of (-1)^size T, each T the Fresnel-Kirchhoff integral over
    the strips themselves (Born and Wolf, Principles of Optics, 8.3.3) of exp(-j k detour) with
    parabolic detours, by Gauss and Legendre's rule; no Fresnel function and no half-plane comes in.
    """
    k = 2 * np.pi / wavelength

    def step(distance: float, apart: Array) -> NDArray[np.complex128]:
        return np.exp(-0.5j * k * apart**2 / distance) * np.sqrt(1j / (wavelength * distance))

    rules = [_rule(*pair, nodes) for pair in edges]
    total = 0j
    for taken in range(2 ** len(distances)):
        rows = [i for i in range(len(distances)) if taken >> i & 1]
        at, place, wave = 0.0, np.zeros(1), np.ones(1, complex)
        for i in rows:
            y, weight = rules[i]
            wave = weight * (wave @ step(distances[i] - at, place[:, None] - y))
            at, place = distances[i], y
        end = (wave * step(length - at, place)).sum() / np.sqrt(1j / (wavelength * length))
        total += (-1) ** len(rows) * end
    return complex(total)


def _rule(low: float, high: float, nodes: int) -> tuple[Array, Array]:
    at, weight = _legendre(nodes)
    return (low + high) / 2 + (high - low) / 2 * at, (high - low) / 2 * weight


@cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    at, weight = np.polynomial.legendre.leggauss(nodes)
    return at, weight
