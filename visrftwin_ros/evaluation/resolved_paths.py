"""Measured and predicted paths alike: what a sounder of limited resolution tells apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.beams.arrays import unit_vectors
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.campaign.snapshot import MeasuredPaths
from visrftwin_ros.propagation.paths.path_set import PathSet, angles
from visrftwin_ros.propagation.people.body_paths import BodyPaths
from visrftwin_ros.twin.channel_state import LinkGroup

ANGULAR_RESOLUTION = np.radians(10.0)
"""Paths closer than this in both directions, and within a delay bin, are one path to a sounder.

Our choice: half the 22.5 degree beam of the horns of the array sounder that the paper used
(section 5.1), whose estimator resolves below its beam width.
"""


def measured_multipath(snapshots: Sequence[MeasuredPaths]) -> Multipath:
    """Of measured paths; one whose gain is no number, or infinite, is left out."""
    parts = []
    for paths in snapshots:
        known = np.flatnonzero(np.isfinite(paths.gain_db))
        parts.append(
            Multipath.of_link(
                power=10 ** (paths.gain_db[known] / 10),
                delay=paths.delay[known],
                departure=np.column_stack([paths.aod_azimuth, paths.aod_elevation])[known],
                arrival=np.column_stack([paths.aoa_azimuth, paths.aoa_elevation])[known],
            )
        )
    return Multipath.joined(parts)


def predicted_multipath(group: LinkGroup, over_bodies: BodyPaths | None = None) -> Multipath:
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
    return Multipath(count=len(group.paths.links), channel=channel[order], **columns)


def _with_field(paths: PathSet, field: np.ndarray) -> Multipath:
    return Multipath(
        count=len(paths.links),
        channel=paths.link.astype(int),
        power=paths.power * np.abs(field) ** 2,
        delay=paths.delay,
        departure=np.stack(angles(paths.departure), axis=-1).reshape(-1, 2),
        arrival=np.stack(angles(paths.arrival), axis=-1).reshape(-1, 2),
    )


def resolved(paths: Multipath, bandwidth: Float[np.ndarray, " count"]) -> Multipath:
    """What a sounder of that bandwidth [Hz] tells apart: closer paths are one, powers added.

    A tracer gives thousands of diffuse paths where an instrument sees a few; measured and
    predicted paths go through this alike.
    """
    parts = []
    for channel in range(paths.count):
        own = paths.of(channel)
        label = grouped(own, 1 / float(bandwidth[channel]), ANGULAR_RESOLUTION)
        parts.append(merged(own, label))
    return Multipath.joined(parts)


def grouped(paths: Multipath, delay: float, angle: float) -> Int[np.ndarray, " p"]:
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


def merged(paths: Multipath, label: Int[np.ndarray, " p"]) -> Multipath:
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
    return Multipath.of_link(
        power=power[order],
        delay=averaged(paths.delay)[order],
        departure=direction(paths.departure)[order],
        arrival=direction(paths.arrival)[order],
    )


def directions(pairs: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "p 3"]:
    """Unit vectors of azimuth and elevation, an unknown elevation taken as horizontal; NaN where
    the azimuth is not known."""
    return unit_vectors(pairs[:, 0], np.nan_to_num(pairs[:, 1]))
