"""Multipath components as a receiver tells them: power, delay and angles, without their geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Multipath:
    """P multipath components of `count` channels, sorted by channel; NaN = not known.

    channel: (P,) number of the channel, ascending. power: (P,) linear power gain. delay: (P,) s.
    departure, arrival: (P, 2) azimuth and elevation above the horizontal, rad, world frame, both
    pointing away from the device.
    """

    count: int
    channel: Int[np.ndarray, " p"]
    power: Float[np.ndarray, " p"]
    delay: Float[np.ndarray, " p"]
    departure: Float[np.ndarray, "p 2"]
    arrival: Float[np.ndarray, "p 2"]

    def __len__(self) -> int:
        return len(self.channel)

    @classmethod
    def of_link(
        cls,
        power: Float[np.ndarray, " p"],
        delay: Float[np.ndarray, " p"],
        departure: Float[np.ndarray, "p 2"],
        arrival: Float[np.ndarray, "p 2"],
    ) -> Multipath:
        """One channel, under the number 0."""
        return cls(1, np.zeros(len(power), int), power, delay, departure, arrival)

    @classmethod
    def joined(cls, parts: Sequence[Multipath]) -> Multipath:
        """The channels of all `parts`, one after the other."""
        if not parts:
            return no_multipath(0)
        first = np.cumsum([0, *(part.count for part in parts)])
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("power", "delay", "departure", "arrival")
        }
        channel = [part.channel + start for part, start in zip(parts, first, strict=False)]
        return cls(count=int(first[-1]), channel=np.concatenate(channel), **arrays)

    @cached_property
    def offsets(self) -> Int[np.ndarray, " count_plus_1"]:
        """(count + 1,): channel i has the paths offsets[i]:offsets[i + 1]."""
        return np.searchsorted(self.channel, np.arange(self.count + 1))

    def select(self, rows: Int[np.ndarray, " n"] | Bool[np.ndarray, " p"]) -> Multipath:
        """The paths `rows`, which must keep the order of the channels."""
        names = [f.name for f in fields(self) if f.name != "count"]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def of(self, channel: int) -> Multipath:
        """One channel's paths, under the number 0."""
        rows = np.arange(self.offsets[channel], self.offsets[channel + 1])
        return replace(self.select(rows), count=1, channel=np.zeros(len(rows), int))

    def stronger_by(self, gain_db: Float[np.ndarray, " count"]) -> Multipath:
        """The same paths with each channel's own `gain_db` more power."""
        return replace(self, power=self.power * 10 ** (gain_db[self.channel] / 10))

    def above(self, floor_db: Float[np.ndarray, " count"]) -> Multipath:
        """The paths over each channel's floor (dB of power gain; NaN = it has none)."""
        floor = 10 ** (np.nan_to_num(floor_db, nan=-np.inf) / 10)
        return self.select(self.power >= floor[self.channel])

    def within(self, range_db: float) -> Multipath:
        """The paths no more than that far under the strongest of their channel."""
        strongest = np.zeros(self.count)
        np.maximum.at(strongest, self.channel, self.power)
        return self.select(self.power >= strongest[self.channel] * 10 ** (-range_db / 10))


def no_multipath(count: int) -> Multipath:
    """`count` channels without a path."""
    none = np.zeros(0)
    return Multipath(count, np.zeros(0, int), none, none, np.zeros((0, 2)), np.zeros((0, 2)))
