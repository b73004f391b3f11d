"""Shadow loss over the next second from where people are heading."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.path_segments import ground_distance, path_segments
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_screens import reach, shadows
from visrftwin_ros.propagation.people.multiple_bodies import joint_ratios, standing_in
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel

HORIZONS = (0.25, 0.5, 0.75, 1.0)
"""Seconds ahead."""

_SAMPLES = 16
_BOUND = 0.9
"""Quantile over the sampled futures that `upper_bound_db` is: one future in ten is worse."""
_KEPT_POWER = 0.99
_MOST_PATHS = 8


@dataclass(frozen=True)
class ShadowForecast:
    """Shadow loss ahead: horizons (H,) seconds; mean_db, upper_bound_db (L, H), links in order.

    nan where the link has no path.
    """

    horizons: NDArray[np.float64]
    mean_db: NDArray[np.float64]
    upper_bound_db: NDArray[np.float64]


class Forecaster:
    """Looks ahead along the strong paths of a PathSet.

    People and boxes go on at constant velocity; `_SAMPLES` futures are drawn from the Gaussian
    that their covariance becomes by then (the same Sobol points every time, so equal input gives
    equal output). The tracker's noise for turning on the way is left out: on PETS it made the bound
    no truer and the warnings worse (`bench/forecast_score.py`). Up to eight paths that carry 99 %
    of a link's power are evaluated; the rest is taken as unshadowed, and paths over bodies are
    left out.
    """

    def __init__(self, paths: PathSet, wavelength: float, model: BlockageModel = "thick") -> None:
        strong = _strong_rows(paths)
        self._links = len(paths.links)
        self._paths = paths.select(strong)
        self._rest = np.bincount(paths.link, paths.power, self._links) - np.bincount(
            self._paths.link, self._paths.power, self._links
        )
        self._segments = path_segments(self._paths)
        self._longest = float(
            (self._segments.behind + self._segments.length + self._segments.ahead).max(initial=0)
        )
        self._wavelength = wavelength
        self._model: BlockageModel = model

    def forecast(
        self,
        bodies: Bodies,
        covariance: NDArray[np.float64] | None = None,
        standing: Bodies | None = None,
    ) -> ShadowForecast:
        """The loss at HORIZONS.

        covariance: (N, 4, 4) of x, y, vx, vy now, metres and m/s; None means exactly known.
        standing: bodies that stay where they are, as the robots do whose paths these are.
        """
        times = np.array(HORIZONS)
        drawn = _futures(bodies, covariance, times)  # (H * M, N, 2)
        now = np.ones((1, len(self._paths)), complex)
        if standing is not None and len(standing):
            now = self._fields(standing, standing.position[None, :, :2])
        field = self._fields(bodies, drawn) * now
        power = self._power(field).reshape(len(times), -1, self._links)
        free = self._rest + np.bincount(self._paths.link, self._paths.power, self._links)
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = 10 * np.log10(free / power)
        # Weibull's plotting position: of 16 draws the plain quantile would hold 85 % of futures.
        bound = np.quantile(loss, _BOUND, axis=1, method="weibull")
        return ShadowForecast(times, loss.mean(axis=1).T, bound.T)

    def _power(self, field: NDArray[np.complex128]) -> NDArray[np.float64]:
        """(F, L) received power in each of the F futures with these fields on the paths."""
        futures = len(field)
        power = np.abs(field) ** 2 * self._paths.power
        number = np.arange(futures)[:, None] * self._links + self._paths.link
        summed = np.bincount(number.ravel(), power.ravel(), futures * self._links)
        return summed.reshape(futures, self._links) + self._rest

    def _fields(self, bodies: Bodies, drawn: NDArray[np.float64]) -> NDArray[np.complex128]:
        """(F, P) E/E0 on each path in each of the F futures."""
        futures, people = drawn.shape[:2]
        everyone = bodies.take(np.tile(np.arange(people), futures))
        position = everyone.position.copy()
        position[:, :2] = drawn.reshape(-1, 2)
        everyone = everyone.at(position)
        segments = self._segments
        near = ground_distance(segments, everyone) < reach(
            everyone, self._longest, self._wavelength
        )
        segment, body = np.nonzero(near)
        found = shadows(segments, everyone, segment, body, self._wavelength, self._model)
        field = np.ones((futures, len(self._paths)), complex)
        future = found.body // max(people, 1)
        np.multiply.at(field, (future, segments.path[found.segment]), found.field)
        deep, standing = standing_in(segments, everyone, found)
        # A path of each future is a path of its own.
        of_future = future[deep] * len(self._paths) + standing.path
        number, ratio = joint_ratios(
            replace(standing, path=of_future), self._wavelength, self._model
        )
        np.multiply.at(field.reshape(-1), number, ratio)
        return field


def _futures(
    bodies: Bodies, covariance: NDArray[np.float64] | None, times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(H * M, N, 2) places: the mean and drawn ones of a constant-velocity Gaussian."""
    mean = bodies.position[None, :, :2] + times[:, None, None] * bodies.velocity[None, :, :2]
    if covariance is None or not len(bodies):
        return mean
    now, cross, speed = covariance[:, :2, :2], covariance[:, :2, 2:], covariance[:, 2:, 2:]
    t = times[:, None, None, None]
    spread = now + t * (cross + cross.transpose(0, 2, 1)) + t**2 * speed
    # Eigenvectors rather than Cholesky: a track's covariance may be singular.
    values, vectors = np.linalg.eigh((spread + np.swapaxes(spread, -1, -2)) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    uniform = qmc.Sobol(2 * len(bodies), scramble=True, rng=7).random(_SAMPLES)
    drawn = norm.ppf(np.clip(uniform, 1e-3, 1 - 1e-3)).reshape(_SAMPLES, len(bodies), 2)
    offset = np.einsum("hnij,mnj->hmni", root, drawn)
    return (mean[:, None] + offset).reshape(-1, len(bodies), 2)


def _strong_rows(paths: PathSet) -> NDArray[np.intp]:
    """Per link the strongest rows that carry `_KEPT_POWER`, `_MOST_PATHS` at most, ascending."""
    order = np.lexsort((-paths.power, paths.link))
    power = paths.power[order]
    rank = np.arange(len(order)) - paths.offsets[paths.link[order]]
    before = np.cumsum(power) - power
    start_of_link = before[paths.offsets[paths.link[order]]] if len(order) else before
    total = np.bincount(paths.link, paths.power, len(paths.links))[paths.link[order]]
    kept = (before - start_of_link < _KEPT_POWER * total) & (rank < _MOST_PATHS)
    return np.sort(order[kept])
