"""Where a sounding would tell most of what is predicted.

Of the places that are asked about, the one whose sounding takes most off the variance of the predicted
powers of all of them (the criterion that Sacks et al., Statistical Science 4, 1989, call integrated mean
squared error), by the covariance of the errors that near places share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.residual_map import ResidualMap

_MOST_PLACES = 1500
"""Of a grid that covers a site: its spacing follows."""


class Covariance(Protocol):
    """Of errors: a ModelError or a ResidualMap."""

    @property
    def alone_db(self) -> float: ...
    @property
    def shared_db(self) -> float: ...
    @property
    def reach(self) -> float: ...


@dataclass(frozen=True, eq=False)
class NextSounding:
    """place: (3,) m. before_db, after_db: RMS over the places of the standard deviation of what is
    shared, before and after sounding there."""

    place: Float[np.ndarray, " 3"]
    before_db: float
    after_db: float


def most_telling(
    candidates: Float[np.ndarray, "n 3"],
    known: Float[np.ndarray, "m 3"],
    error: Covariance,
    count: int,
    trust: Float[np.ndarray, " m"] | None = None,
) -> tuple[list[int], list[float]]:
    """Indices of `count` of the N candidates, each the best after those before it, and the RMS standard
    deviation, dB, of all N before the first and after each.

    known: (M, 3) m, sounded already, of `trust` as in ResidualMap.
    """

    def between(some: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.asarray(error.shared_db**2 * np.exp(-cdist(some, others) / error.reach))

    left = between(candidates, candidates)
    own = error.alone_db**2
    if len(known):
        noise = own / (np.ones(len(known)) if trust is None else trust)
        across = between(known, candidates)
        factor = cho_factor(between(known, known) + np.diag(noise), lower=True)
        left = left - across.T @ cho_solve(factor, across)
    chosen: list[int] = []
    spread = [_rms(left)]
    for _ in range(min(count, len(candidates))):
        gain = (left**2).sum(axis=0) / (np.diag(left) + own)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        chosen.append(best)
        left = left - np.outer(left[:, best], left[best]) / (left[best, best] + own)
        spread.append(_rms(left))
    return chosen, spread


def next_sounding(
    residuals: ResidualMap, meshes: tuple[SurfaceMesh, ...], height: float
) -> NextSounding:
    """Over a grid of the site's ground plan at `height` m, for a robot that hears all access points of
    `residuals`, a map with soundings.

    Places inside furniture are among them: who drives there knows where it can go.
    """
    corners = np.concatenate([mesh.vertices for mesh in meshes])[:, :2]
    low, size = corners.min(axis=0), np.maximum(np.ptp(corners, axis=0), 0.1)
    spacing = np.sqrt(size.prod() / _MOST_PLACES)
    counts = np.maximum((size / spacing).astype(int), 1)
    axes = [low[k] + (np.arange(counts[k]) + 0.5) * size[k] / counts[k] for k in (0, 1)]
    x, y = (grid.ravel() for grid in np.meshgrid(*axes))
    candidates = np.column_stack([x, y, np.full(len(x), height)])
    # A sounding is of all access points at once: places count, not links.
    places, rows = np.unique(residuals.position, axis=0, return_index=True)
    chosen, spread = most_telling(candidates, places, residuals, 1, residuals.trust[rows])
    return NextSounding(candidates[chosen[0]], spread[0], spread[1])


def _rms(covariance: Float[np.ndarray, "n n"]) -> float:
    return float(np.sqrt(np.mean(np.maximum(np.diag(covariance), 0.0))))
