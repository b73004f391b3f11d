"""Paths of many channels as flat arrays, and what a sounder of limited resolution makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.beams.arrays import unit_vectors
from visrftwin_ros.campaign.snapshot import MeasuredPaths
from visrftwin_ros.propagation.paths.path_set import PathSet, angles
from visrftwin_ros.propagation.people.body_paths import BodyPaths
from visrftwin_ros.twin.channel_state import LinkGroup

ANGULAR_RESOLUTION = np.radians(10.0)
"""Paths closer than this in both directions, and within a delay bin, are one path to a sounder.

Our choice: half the 22.5 degree beam of the horns of the array sounder that the paper used
(section 5.1), whose estimator resolves below its beam width.
"""


@dataclass(frozen=True)
class PathLists:
    """P paths of `count` channels, sorted by channel; NaN = not known.

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

    @cached_property
    def offsets(self) -> Int[np.ndarray, " count_plus_1"]:
        """(count + 1,): channel i has the paths offsets[i]:offsets[i + 1]."""
        return np.searchsorted(self.channel, np.arange(self.count + 1))

    def select(self, rows: Int[np.ndarray, " n"] | Bool[np.ndarray, " p"]) -> PathLists:
        """The paths `rows`, which must keep the order of the channels."""
        names = [f.name for f in fields(self) if f.name != "count"]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def of(self, channel: int) -> PathLists:
        """One channel's paths, under the number 0."""
        rows = np.arange(self.offsets[channel], self.offsets[channel + 1])
        return replace(self.select(rows), count=1, channel=np.zeros(len(rows), int))

    def stronger_by(self, gain_db: float) -> PathLists:
        """The same paths with `gain_db` more power each."""
        return replace(self, power=self.power * 10 ** (gain_db / 10))

    def above(self, floor_db: Float[np.ndarray, " count"]) -> PathLists:
        """The paths over each channel's floor (dB of power gain; NaN = it has none)."""
        floor = 10 ** (np.nan_to_num(floor_db, nan=-np.inf) / 10)
        return self.select(self.power >= floor[self.channel])

    def within(self, range_db: float) -> PathLists:
        """The paths no more than that far under the strongest of their channel."""
        strongest = np.zeros(self.count)
        np.maximum.at(strongest, self.channel, self.power)
        return self.select(self.power >= strongest[self.channel] * 10 ** (-range_db / 10))

    @classmethod
    def joined(cls, parts: Sequence[PathLists]) -> PathLists:
        """The channels of all `parts`, one after the other."""
        if not parts:
            return no_path_lists(0)
        first = np.cumsum([0, *(part.count for part in parts)])
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("power", "delay", "departure", "arrival")
        }
        channel = [part.channel + start for part, start in zip(parts, first, strict=False)]
        return cls(count=int(first[-1]), channel=np.concatenate(channel), **arrays)


def no_path_lists(count: int) -> PathLists:
    """`count` channels without a path."""
    none = np.zeros(0)
    return PathLists(count, np.zeros(0, int), none, none, np.zeros((0, 2)), np.zeros((0, 2)))


def measured_lists(snapshots: Sequence[MeasuredPaths]) -> PathLists:
    """Of measured paths; one whose gain is no number, or infinite, is left out."""
    parts = []
    for paths in snapshots:
        known = np.flatnonzero(np.isfinite(paths.gain_db))
        parts.append(
            PathLists(
                count=1,
                channel=np.zeros(len(known), int),
                power=10 ** (paths.gain_db[known] / 10),
                delay=paths.delay[known],
                departure=np.column_stack([paths.aod_azimuth, paths.aod_elevation])[known],
                arrival=np.column_stack([paths.aoa_azimuth, paths.aoa_elevation])[known],
            )
        )
    return PathLists.joined(parts)


def predicted_lists(group: LinkGroup, over_bodies: BodyPaths | None = None) -> PathLists:
    """Every path of a LinkGroup, one channel a link, with people's shadows and paths over them.

    over_bodies: of the same links.
    """
    parts = [_with_field(group.paths, group.blockage.field)]
    if over_bodies is not None:
        parts.append(_with_field(over_bodies.paths, over_bodies.blockage.field))
    channel = np.concatenate([part.channel for part in parts])
    order = np.argsort(channel, kind="stable")
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("power", "delay", "departure", "arrival")
    }
    return PathLists(count=len(group.paths.links), channel=channel[order], **columns)


def _with_field(paths: PathSet, field: np.ndarray) -> PathLists:
    return PathLists(
        count=len(paths.links),
        channel=paths.link.astype(int),
        power=paths.power * np.abs(field) ** 2,
        delay=paths.delay,
        departure=np.stack(angles(paths.departure), axis=-1).reshape(-1, 2),
        arrival=np.stack(angles(paths.arrival), axis=-1).reshape(-1, 2),
    )


def resolved(paths: PathLists, bandwidth: Float[np.ndarray, " count"]) -> PathLists:
    """What a sounder of that bandwidth [Hz] tells apart: closer paths are one, powers added.

    A tracer gives thousands of diffuse paths where an instrument sees a few; measured and
    predicted paths go through this alike.
    """
    parts = []
    for channel in range(paths.count):
        own = paths.of(channel)
        label = grouped(own, 1 / float(bandwidth[channel]), ANGULAR_RESOLUTION)
        parts.append(merged(own, label))
    return PathLists.joined(parts)


def grouped(paths: PathLists, delay: float, angle: float) -> Int[np.ndarray, " p"]:
    """(P,) group numbers, from 0, strongest seed first: the paths of one channel around the
    strongest one that is left, within `delay` [s] and `angle` [rad] of departure and arrival.

    What is not known of a path does not keep it out of a group.
    """
    label = np.full(len(paths), -1)
    left = np.argsort(-paths.power, kind="stable")
    sent, received = directions(paths.departure), directions(paths.arrival)
    near = np.cos(angle)
    number = 0
    while len(left):
        seed = left[0]
        away = np.abs(paths.delay[left] - paths.delay[seed]) > delay
        away |= sent[left] @ sent[seed] < near
        away |= received[left] @ received[seed] < near
        away[0] = False
        label[left[~away]] = number
        left = left[away]
        number += 1
    return label


def merged(paths: PathLists, label: Int[np.ndarray, " p"]) -> PathLists:
    """One path a group of one channel's: power added, the rest averaged by power; by power."""
    count = int(label.max(initial=-1)) + 1
    power = np.bincount(label, paths.power, count)

    def averaged(values: np.ndarray) -> np.ndarray:
        known = np.isfinite(values)
        weight = np.bincount(label[known], paths.power[known], count)
        total = np.bincount(label[known], (paths.power * values)[known], count)
        return np.divide(total, weight, out=np.full(count, np.nan), where=weight > 0)

    def direction(pairs: np.ndarray) -> np.ndarray:
        mean = np.column_stack([averaged(column) for column in directions(pairs).T])
        found = np.stack(angles(mean.reshape(-1, 3)), axis=-1)
        return np.asarray(found.reshape(-1, 2), float)

    order = np.argsort(-power, kind="stable")
    return PathLists(
        count=1,
        channel=np.zeros(count, int),
        power=power[order],
        delay=averaged(paths.delay)[order],
        departure=direction(paths.departure)[order],
        arrival=direction(paths.arrival)[order],
    )


def directions(pairs: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "p 3"]:
    """Unit vectors of azimuth and elevation, an unknown elevation taken as horizontal; NaN where
    the azimuth is not known."""
    return unit_vectors(pairs[:, 0], np.nan_to_num(pairs[:, 1]))
