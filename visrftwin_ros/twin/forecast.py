"""Shadow loss over the next seconds from where people may walk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.codebook import beam_gains
from visrftwin_ros.beams.mcs_table import noise_dbm
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.walks_ahead import walks_ahead
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_outlines import REACH_IN_ZONES
from visrftwin_ros.propagation.people.body_screens import shadows
from visrftwin_ros.propagation.people.multiple_bodies import joint_ratios, standing_in
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.site.model import Site

HORIZONS = tuple(0.25 * k for k in range(13))
"""Seconds ahead, from now on."""

_BOUND = 0.9
"""Quantile over the sampled futures that `upper_bound_db` is: one future in ten is worse."""
_BLOCK = 16
"""Futures that are looked at together."""
_KEPT_POWER = 0.99
_MOST_PATHS = 8
_SURE_PATHS = 3
_LEAST_SHARE = 0.02
"""Of a link's power, that a path beyond the third must carry to be looked at."""


Mounts = tuple[Mount | None, Mount | None]
"""How the arrays at the ends of a link stand; None where it is not known."""


@dataclass(frozen=True)
class ShadowForecast:
    """Links in M futures: horizons: (H,) s. loss_db: (L, M, H) shadow loss of isotropic antennas.
    beam_gain_db: (L, M, H) gain from one array's input to the other's output with the best pair of
    beams of that moment; nan where an end's array has no known heading.

    Links in order; nan where a link has no path. refused: why a robot's plan was not used, by robot.
    """

    horizons: Float[np.ndarray, " h"]
    loss_db: Float[np.ndarray, "l m h"]
    beam_gain_db: Float[np.ndarray, "l m h"]
    refused: Mapping[str, str] = field(default_factory=dict)

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
    link's power are evaluated, beyond three those of 2 % of it; the rest is taken as unshadowed,
    and paths over bodies are left out.
    Beams: those of the codebooks that are best for one of these paths alone, which the rest reaches
    with the gain of an isotropic antenna.
    """

    def __init__(self, paths: PathSet, wavelength: float, model: BlockageModel = "thick") -> None:
        strong = _strong_rows(paths)
        self._links = len(paths.links)
        self._paths = paths.select(strong)
        rest = np.bincount(paths.link, paths.power, self._links) - np.bincount(
            self._paths.link, self._paths.power, self._links
        )
        self._rest = rest.astype(float)  # numpy counts no paths in whole numbers
        self._segments = path_segments(self._paths)
        segments = self._segments
        longest = segments.behind + segments.length + segments.ahead
        self._zones = REACH_IN_ZONES * np.sqrt(wavelength * longest) / 2
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
        return ShadowForecast(
            walks.times, *self.at_moments(bodies, walks.position, standing, mounts)
        )

    def at_moments(
        self,
        bodies: Bodies,
        position: Float[np.ndarray, "m h n 2"],
        standing: Bodies | None = None,
        mounts: Sequence[Mounts] = (),
    ) -> tuple[Float[np.ndarray, "l m h"], Float[np.ndarray, "l m h"]]:
        """Loss and gain, as in ShadowForecast, with the bodies there [m] in M futures at H moments."""
        now = np.ones((1, len(self._paths)), complex)
        if standing is not None and len(standing):
            now = self._fields(standing, standing.position[None, :, :2])
        # All of a moment beside each other: they are in the same place more or less.
        moments = np.ascontiguousarray(position.swapaxes(0, 1))
        times, futures, *each = moments.shape
        field = self._fields(bodies, moments.reshape(times * futures, *each)) * now
        if self._aimed is None or self._aimed[0] != mounts:
            self._aimed = mounts, _pair_gains(self._paths, mounts)
        known = self._paths.power, self._paths.offsets, self._rest, self._aimed[1]
        received, best = _received(field, *known)
        free, _ = _received(np.ones_like(field[:1]), *known)
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = 10 * np.log10(free / received)
            gain = 10 * np.log10(best)
        gain[:, np.isnan(loss).any(axis=0)] = np.nan
        shape = (times, futures, self._links)
        return loss.reshape(shape).transpose(2, 1, 0), gain.reshape(shape).transpose(2, 1, 0)

    def _fields(self, bodies: Bodies, drawn: NDArray[np.float64]) -> NDArray[np.complex128]:
        """(F, P) E/E0 on each path in each of the F futures."""
        futures, people = drawn.shape[:2]
        everyone = bodies.take(np.tile(np.arange(people), futures))
        position = everyone.position.copy()
        position[:, :2] = drawn.reshape(-1, 2)
        everyone = everyone.at(position)
        segments = self._segments
        radius = np.hypot(bodies.width, bodies.depth) / 2
        segment, body = _near(segments.start, segments.end, self._zones, radius, drawn)
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


@compiled
def _near(
    start: Float[np.ndarray, "s 3"],
    end: Float[np.ndarray, "s 3"],
    zones: Float[np.ndarray, " s"],
    radius: Float[np.ndarray, " n"],
    drawn: Float[np.ndarray, "f n 2"],
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Segments, and bodies numbered over all futures, that are within `zones` and the body's
    `radius` of each other on the ground [m]."""
    futures, people = drawn.shape[:2]
    segment, body = np.empty(1024, np.intp), np.empty(1024, np.intp)
    count = 0
    x, y = np.empty((people, futures)), np.empty((people, futures))
    for n in range(people):
        for f in range(futures):
            x[n, f], y[n, f] = drawn[f, n, 0], drawn[f, n, 1]
    blocks = (futures + _BLOCK - 1) // _BLOCK
    middle, around = np.empty((people, blocks, 2)), np.empty((people, blocks))
    for n in range(people):
        for b in range(blocks):
            some = slice(b * _BLOCK, min((b + 1) * _BLOCK, futures))
            left, right = x[n, some].min(), x[n, some].max()
            low, high = y[n, some].min(), y[n, some].max()
            middle[n, b, 0], middle[n, b, 1] = 0.5 * (left + right), 0.5 * (low + high)
            around[n, b] = 0.5 * math.sqrt((right - left) ** 2 + (high - low) ** 2)
    for s in range(len(start)):
        sx, sy = start[s, 0], start[s, 1]
        dx, dy = end[s, 0] - sx, end[s, 1] - sy
        square = max(dx * dx + dy * dy, 1e-12)
        for n in range(people):
            reach = radius[n] + zones[s]
            for b in range(blocks):
                limit = (reach + around[n, b]) ** 2
                if not _apart(middle[n, b, 0] - sx, middle[n, b, 1] - sy, dx, dy, square) < limit:
                    continue
                first, last = b * _BLOCK, min((b + 1) * _BLOCK, futures)
                if count + _BLOCK > len(segment):
                    segment = np.append(segment, np.empty_like(segment))
                    body = np.append(body, np.empty_like(body))
                for f in range(first, last):
                    if _apart(x[n, f] - sx, y[n, f] - sy, dx, dy, square) < reach * reach:
                        segment[count], body[count] = s, f * people + n
                        count += 1
    return segment[:count], body[:count]


@compiled
def _apart(x: float, y: float, dx: float, dy: float, square: float) -> float:
    """Square of the distance from a place to a stretch (dx, dy) from the origin; square: of its
    length."""
    share = min(max((x * dx + y * dy) / square, 0.0), 1.0)
    return (x - share * dx) ** 2 + (y - share * dy) ** 2


@compiled
def _received(
    field: Complex[np.ndarray, "f p"],
    power: Float[np.ndarray, " p"],
    offsets: Int[np.ndarray, " o"],
    rest: Float[np.ndarray, " l"],
    pairs: Float[np.ndarray, "c p"],
) -> tuple[Float[np.ndarray, "f l"], Float[np.ndarray, "f l"]]:
    """Power of isotropic antennas, and with the best of the C pairs of beams; rest: of each link,
    what comes with the gain of an isotropic antenna and unshadowed."""
    futures, links = len(field), len(rest)
    received, best = np.empty((futures, links)), np.empty((futures, links))
    sums = np.empty(len(pairs))
    for f in range(futures):
        for link in range(links):
            total, sums[:] = rest[link], rest[link]
            for p in range(offsets[link], offsets[link + 1]):
                value = field[f, p]
                came = power[p] * (value.real * value.real + value.imag * value.imag)
                total += came
                for c in range(len(pairs)):
                    sums[c] += pairs[c, p] * came
            received[f, link], best[f, link] = total, sums.max()
    return received, best


def _strong_rows(paths: PathSet) -> NDArray[np.intp]:
    """Per link the strongest rows that carry `_KEPT_POWER`, `_MOST_PATHS` at most, ascending;
    beyond `_SURE_PATHS` those of `_LEAST_SHARE`."""
    order = np.lexsort((-paths.power, paths.link))
    power = paths.power[order]
    rank = np.arange(len(order)) - paths.offsets[paths.link[order]]
    before = np.cumsum(power) - power
    start_of_link = before[paths.offsets[paths.link[order]]] if len(order) else before
    total = np.bincount(paths.link, paths.power, len(paths.links))[paths.link[order]]
    kept = (before - start_of_link < _KEPT_POWER * total) & (rank < _MOST_PATHS)
    kept &= (rank < _SURE_PATHS) | (power >= _LEAST_SHARE * total)
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
