"""Shadow loss over the next seconds from where people may walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.codebook import beam_gains
from visrftwin_ros.beams.rates_802_11ad import noise_dbm
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.walks_ahead import walks_ahead
from visrftwin_ros.propagation.paths.path_segments import ground_distance, path_segments
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_screens import reach, shadows
from visrftwin_ros.propagation.people.multiple_bodies import joint_ratios, standing_in
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.site.model import Site

HORIZONS = tuple(0.25 * k for k in range(13))
"""Seconds ahead, from now on."""

_BOUND = 0.9
"""Quantile over the sampled futures that `upper_bound_db` is: one future in ten is worse."""
_KEPT_POWER = 0.99
_MOST_PATHS = 8


Mounts = tuple[Mount | None, Mount | None]
"""How the arrays at the ends of a link stand; None where it is not known."""


@dataclass(frozen=True)
class ShadowForecast:
    """Links in M futures: horizons: (H,) s. loss_db: (L, M, H) shadow loss of isotropic antennas.
    beam_gain_db: (L, M, H) gain from one array's input to the other's output with the best pair of
    beams of that moment; nan where an end's array has no known heading.

    Links in order; nan where a link has no path.
    """

    horizons: Float[np.ndarray, " h"]
    loss_db: Float[np.ndarray, "l m h"]
    beam_gain_db: Float[np.ndarray, "l m h"]

    def snr_db(self, links: Sequence[tuple[str, str]], site: Site) -> Float[np.ndarray, "l m h"]:
        """With these beams, of `links`."""
        sent = {ap.name: ap.tx_power_dbm for ap in site.access_points}
        power = np.array([sent[tx] for tx, _ in links])[:, None, None]
        return self.beam_gain_db + power - noise_dbm(site.radio)

    @property
    def mean_db(self) -> Float[np.ndarray, "l h"]:
        """Over the futures."""
        return self.loss_db.mean(axis=1)

    @property
    def upper_bound_db(self) -> Float[np.ndarray, "l h"]:
        """What nine futures in ten stay under."""
        # Weibull's plotting position: of 16 draws the plain quantile would hold 85 % of futures.
        return np.quantile(self.loss_db, _BOUND, axis=1, method="weibull")


class Forecaster:
    """Looks ahead along the strong paths of a PathSet.

    People and boxes walk on as `bodies.walks_ahead` draws. Up to eight paths that carry 99 % of a
    link's power are evaluated; the rest is taken as unshadowed, and paths over bodies are left out.
    Beams: those of the codebooks that are best for one of these paths alone, which the rest reaches
    with the gain of an isotropic antenna.
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
        self._aimed: tuple[Sequence[Mounts], NDArray[np.float64]] | None = None

    def forecast(
        self,
        bodies: Bodies,
        covariance: Float[np.ndarray, "n 4 4"] | None = None,
        standing: Bodies | None = None,
        mounts: Sequence[Mounts] = (),
    ) -> ShadowForecast:
        """The loss at HORIZONS.

        covariance: of x, y, vx, vy now, metres and m/s; None means exactly known.
        standing: bodies that stay where they are, as the robots do whose paths these are.
        mounts: of each link, for its beams.
        """
        walks = walks_ahead(bodies, covariance, np.array(HORIZONS))
        now = np.ones((1, len(self._paths)), complex)
        if standing is not None and len(standing):
            now = self._fields(standing, standing.position[None, :, :2])
        futures, times, *each = walks.position.shape
        field = self._fields(bodies, walks.position.reshape(futures * times, *each)) * now
        if self._aimed is None or self._aimed[0] != mounts:
            self._aimed = mounts, _pair_gains(self._paths, mounts)
        ones = np.ones((1, len(self._paths)))
        free = self._power(ones, ones)[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = 10 * np.log10(free / self._power(field, ones)[..., 0])
            gain = 10 * np.log10(self._power(field, self._aimed[1]).max(axis=2))
        gain[:, np.isnan(loss).any(axis=0)] = np.nan
        shape = (futures, times, self._links)
        return ShadowForecast(
            walks.times, *(each.reshape(shape).transpose(2, 0, 1) for each in (loss, gain))
        )

    def _power(
        self, field: NDArray[np.inexact], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(F, L, C) received power in each of the F futures with these fields on the paths and each
        of C `weights` (C, P) of theirs."""
        power = np.abs(field) ** 2 * self._paths.power
        out = np.zeros((len(field), self._links, len(weights)))
        there = np.unique(self._paths.link)
        if len(there):
            first = self._paths.offsets[there]
            for c, weight in enumerate(weights):
                out[:, there, c] = np.add.reduceat(power * weight, first, axis=1)
        return out + self._rest[:, None]

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


def _pair_gains(paths: PathSet, mounts: Sequence[Mounts]) -> NDArray[np.float64]:
    """(C, P) gain along each path with the pairs that suit each one of its link's paths best."""
    gains = np.full((_MOST_PATHS, len(paths)), np.nan if not mounts else 0.0)
    for link, (tx, rx) in enumerate(mounts):
        rows = paths.of_link(link)
        if tx is None or rx is None:
            gains[:, rows] = np.nan
            continue
        sent = beam_gains(tx, paths.departure[rows])
        received = beam_gains(rx, paths.arrival[rows])
        pairs = sent[:, sent.argmax(axis=1)] * received[:, received.argmax(axis=1)]
        gains[: pairs.shape[1], rows] = pairs.T
    return gains
