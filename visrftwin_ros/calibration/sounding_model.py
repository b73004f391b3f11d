"""What soundings should read, as a function of materials, access points' references and antennas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.calibration.sounded_paths import SoundedPaths
from visrftwin_ros.calibration.soundings import Soundings

OFFSET_SD_DB = {"relative": 30.0, "absolute": 1.0, "telemetry": 3.0}
"""Of an access point's power against the reference of the campaign: unknown, a cable's, or a radio's
against its data sheet."""
ANTENNA_SD_DB = 3.0
"""Of the antenna's gain against an isotropic one, along each axis of the world: an element before a
wall gains some dB ahead and loses them behind."""
_PER_NEPER = 10 / np.log(10)
_SHORTEST = 1e-10
"""Seconds of delay spread that count as none: it keeps a single path's from being a logarithm of 0."""
_FAINTEST = 1e-30
"""Power gain of a sounding without a path."""

Vector = Float[np.ndarray, " x"]


@dataclass(frozen=True)
class Readings:
    """Of N soundings, and their slopes by each of X numbers of standard deviation 1.

    power_db: (N,). spread_db: (N,) 10 log10 of the RMS delay spread in s.
    """

    power_db: Float[np.ndarray, " n"]
    spread_db: Float[np.ndarray, " n"]
    power_slopes: Float[np.ndarray, "n x"]
    spread_slopes: Float[np.ndarray, "n x"]


def reference_db(
    sounded: SoundedPaths, soundings: Soundings, access_points: tuple[str, ...]
) -> Float[np.ndarray, " a"]:
    """By access point: the median of measured over predicted power at the prior's mean, 0 where it has
    no sounding."""
    power = sounded.power(sounded.parameters.mean)
    total = np.bincount(sounded.paths.link, power, minlength=len(soundings))
    above = soundings.power_db - 10 * np.log10(np.maximum(total, _FAINTEST))
    tx = np.array(soundings.tx)
    return np.array(
        [np.median(above[tx == name]) if (tx == name).any() else 0.0 for name in access_points]
    )


@dataclass(frozen=True, eq=False)
class SoundingModel:
    """N soundings' readings by X = K + 4 A numbers, each in standard deviations from its prior.

    The K of the materials; then by access point its power offset; then by access point and axis of the
    world the dB by which its antenna favours a path that leaves along it. reference: of the campaign's
    gains, a key of OFFSET_SD_DB. start_db: (A,) offsets to start at.
    """

    sounded: SoundedPaths
    soundings: Soundings
    access_points: tuple[str, ...]
    reference: str
    start_db: Float[np.ndarray, " a"]

    def take(self, rows: Int[np.ndarray, " k"]) -> SoundingModel:
        """Of the soundings `rows`, ascending."""
        return replace(self, sounded=self.sounded.take(rows), soundings=self.soundings.take(rows))

    @property
    def n_materials(self) -> int:
        return len(self.sounded.parameters)

    @cached_property
    def mean(self) -> Vector:
        """Of the prior, in dB for what is not of a material."""
        antennas = np.zeros(3 * len(self.access_points))
        return np.concatenate([self.sounded.parameters.mean, self.start_db, antennas])

    @cached_property
    def sd(self) -> Vector:
        """Of the prior."""
        count = len(self.access_points)
        offsets = np.full(count, OFFSET_SD_DB[self.reference])
        antennas = np.full(3 * count, ANTENNA_SD_DB)
        return np.concatenate([self.sounded.parameters.sd, offsets, antennas])

    @cached_property
    def _of_sounding(self) -> Int[np.ndarray, " n"]:
        """Which access point."""
        return np.array([self.access_points.index(tx) for tx in self.soundings.tx], int)

    @cached_property
    def heard(self) -> Bool[np.ndarray, " paths"]:
        """Paths within the sounder's range of its sounding's strongest, at the prior's mean: of these is
        its delay spread."""
        link, power = self.sounded.paths.link, self.sounded.power(self.sounded.parameters.mean)
        strongest = np.zeros(len(self.soundings))
        np.maximum.at(strongest, link, power)
        least = strongest * 10 ** (-self.soundings.range_db / 10)
        return np.asarray(power >= least[link])

    def material_numbers(self, numbers: Vector) -> Float[np.ndarray, " k"]:
        """Those of `MaterialParameters`."""
        return np.asarray((self.mean + self.sd * numbers)[: self.n_materials])

    def powers_db(self, numbers: Vector) -> Float[np.ndarray, " n"]:
        """(N,) as in Readings, at the cost of one evaluation."""
        power = self.sounded.power(self.material_numbers(numbers)) * self._antenna(numbers)
        return self._offsets(numbers) + 10 * np.log10(self._total(power))

    def readings(self, numbers: Vector) -> Readings:
        """With slopes."""
        paths, materials = self.sounded.paths, self.material_numbers(numbers)
        antenna = self._antenna(numbers)
        bare = self.sounded.power(materials)
        total = self._total(bare * antenna)
        count = len(self.soundings)
        sum_slopes = np.zeros((len(numbers), count))
        heard_slopes = np.zeros((len(numbers), 3, count))
        every = np.arange(len(paths))
        changes = list(self.sounded.power_slopes(materials))
        changes += [(every[:0], np.zeros(0))] * len(self.access_points)
        for ap in range(len(self.access_points)):
            own = np.flatnonzero(self._of_sounding[paths.link] == ap)
            for axis in range(3):
                gain = paths.departure[own, axis] / _PER_NEPER
                changes.append((own, bare[own] * gain))
        for x, (rows, slope) in enumerate(changes):
            weighted = np.zeros(len(paths))
            weighted[rows] = slope * antenna[rows] * self.sd[x]
            sum_slopes[x] = np.bincount(paths.link, weighted, minlength=count)
            heard_slopes[x] = self._moments(weighted * self.heard)
        power_slopes = _PER_NEPER * sum_slopes / total
        for ap in range(len(self.access_points)):
            x = self.n_materials + ap
            power_slopes[x] = self.sd[x] * (self._of_sounding == ap)
        heard = self._moments(bare * antenna * self.heard)
        spread, spread_slopes = _spread(heard, heard_slopes)
        return Readings(
            self._offsets(numbers) + 10 * np.log10(total), spread, power_slopes.T, spread_slopes.T
        )

    def _offsets(self, numbers: Vector) -> Float[np.ndarray, " n"]:
        plain, first = self.mean + self.sd * numbers, self.n_materials
        offsets = plain[first : first + len(self.access_points)]
        return np.asarray(offsets[self._of_sounding])

    def _antenna(self, numbers: Vector) -> Float[np.ndarray, " paths"]:
        """Power gain of the access point's antenna on each path."""
        plain, first = self.mean + self.sd * numbers, self.n_materials + len(self.access_points)
        along = plain[first:].reshape(-1, 3)[self._of_sounding[self.sounded.paths.link]]
        gain_db = (along * self.sounded.paths.departure).sum(axis=1)
        return np.asarray(10 ** (gain_db / 10))

    def _total(self, power: Float[np.ndarray, " paths"]) -> Float[np.ndarray, " n"]:
        link, count = self.sounded.paths.link, len(self.soundings)
        return np.maximum(np.bincount(link, power, minlength=count), _FAINTEST)

    def _moments(self, power: Float[np.ndarray, " paths"]) -> Float[np.ndarray, "3 n"]:
        """Sums of power, power times excess delay, power times its square."""
        link, count = self.sounded.paths.link, len(self.soundings)
        delay = self.sounded.excess_delay
        weights = (power, power * delay, power * delay**2)
        return np.array([np.bincount(link, w, minlength=count) for w in weights])


def _spread(
    sums: Float[np.ndarray, "3 n"], slopes: Float[np.ndarray, "x 3 n"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "x n"]]:
    """10 log10 of the RMS delay spread, and its slopes."""
    power = np.maximum(sums[0], _FAINTEST)
    mean, square = sums[1] / power, sums[2] / power
    variance = np.maximum(square - mean**2, 0) + _SHORTEST**2
    per_sum = np.stack([2 * mean**2 - square, -2 * mean, np.ones_like(mean)])
    grown = np.einsum("xsn,sn->xn", slopes, per_sum) / power
    return 5 * np.log10(variance), _PER_NEPER / 2 * grown / variance
