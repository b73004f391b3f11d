"""Where along a campaign full solves are made, and what they found, kept for the passes that share them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

PLACE_SPACING = 0.1
"""Metres: a place asked about lies at most so far from one with a full solve."""


@dataclass(frozen=True, eq=False)
class Solves:
    """Those that several passes over one campaign share. places: (K, 3), one within PLACE_SPACING of every
    place that is asked about. folder: keeps what was found there, by scene and materials."""

    places: Float[np.ndarray, "k 3"]
    folder: Path


def solve_places(positions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "k 3"]:
    """Some of the positions, such that every one has one of them within PLACE_SPACING."""
    chosen: list[np.ndarray] = []
    for position in positions:
        if not chosen or _distance(np.array(chosen), position).min() > PLACE_SPACING:
            chosen.append(position)
    return np.array(chosen).reshape(-1, 3)


def nearest_places(
    positions: Float[np.ndarray, "n 3"], places: Float[np.ndarray, "k 3"]
) -> Int[np.ndarray, " n"]:
    """(N,) the number of the nearest place of each position."""
    return np.array([_distance(places, position).argmin() for position in positions], int)


def _distance(places: Float[np.ndarray, "k 3"], position: Float[np.ndarray, 3]) -> np.ndarray:
    return np.asarray(np.linalg.norm(places - position, axis=1))
