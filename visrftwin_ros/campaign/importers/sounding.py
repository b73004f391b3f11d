"""What an import gives and what it has to be told, the same for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.snapshot import PATH_FIELDS, MeasuredPaths, Snapshot
from visrftwin_ros.errors import TwinError

GainReference = Literal["absolute", "relative"]

LONGEST_DELAY = 1e-4
"""Seconds, 30 km: a delay beyond it is in another unit."""

LATEST_TIME = 2.0**31
"""Seconds: what a ROS stamp can hold; a time beyond it is in another unit."""

_ASKED = {
    "tx": ("the transmitter's name", "--tx NAME"),
    "rx": ("the receiver's name", "--rx NAME"),
    "frequency": ("the carrier", "--frequency HZ"),
    "bandwidth": ("the bandwidth", "--bandwidth HZ"),
    "noise_floor_dbm": ("the noise floor", "--noise-floor DBM (nan: not known)"),
    "gain_reference": ("what the gains refer to", "--gain-reference absolute|relative"),
    "start": ("when it was recorded", "--start SECONDS (ROS time of the first record)"),
    "rate": ("how many records a second there are", "--rate HZ"),
}


@dataclass(frozen=True)
class Sounding:
    """What a file does not say of its recording; None where nobody said it.

    frequency, bandwidth, rate: Hz. start: s, ROS time. noise_floor_dbm may be NaN, said to be
    unknown. gain_reference: whether 0 dB is the transmitted power.
    """

    tx: str | None = None
    rx: str | None = None
    frequency: float | None = None
    bandwidth: float | None = None
    noise_floor_dbm: float | None = None
    gain_reference: GainReference | None = None
    start: float | None = None
    rate: float | None = None

    def name(self, field_name: str, source: Path) -> str:
        """A device's name. Raises TwinError with the option that gives it."""
        return str(self._said(field_name, source))

    def number(self, field_name: str, source: Path) -> float:
        """A number. Raises TwinError with the option that gives it."""
        return float(self._said(field_name, source))  # type: ignore[arg-type]

    def reference(self, source: Path) -> GainReference:
        """What the gains refer to. Raises TwinError with the option that gives it."""
        return self._said("gain_reference", source)  # type: ignore[return-value]

    def snapshot(
        self, stamp_ns: int, tx: str, rx: str, paths: MeasuredPaths, source: Path
    ) -> Snapshot:
        """One record. Raises TwinError with the option that gives what is missing, and for a device that
        would sound itself."""
        if tx == rx:
            raise TwinError(f"{source}: {tx} is both ends of a link: expected two devices")
        frequency, bandwidth, noise_floor_dbm = (
            self.number(name, source) for name in ("frequency", "bandwidth", "noise_floor_dbm")
        )
        return Snapshot(stamp_ns, tx, rx, frequency, bandwidth, paths, noise_floor_dbm)

    def stamp_ns(self, index: int, source: Path) -> int:
        """ROS time of the record with this index, from 0."""
        start, rate = self.number("start", source), self.number("rate", source)
        if not 0 < rate < np.inf:
            raise TwinError(f"--rate is {rate:g}: expected records a second, over 0")
        if not 0 <= start < LATEST_TIME:
            raise TwinError(f"--start is {start:g}: expected ROS time in seconds, from 0")
        return round(start * 1e9) + round(index / rate * 1e9)

    def _said(self, field_name: str, source: Path) -> object:
        value = getattr(self, field_name)
        if value is None:
            what, option = _ASKED[field_name]
            raise TwinError(f"{source} does not say {what}: give {option}")
        return value


@dataclass(frozen=True)
class Reading:
    """What a file gave.

    snapshots: in the file's order. problems: what was left out, with its place; empty where all
    was read. stands: (N, 3) m for each device whose place the file gives, a row for each of
    `stamps_ns[device]`; of its antenna where the device is among `antennas`, else of its base_link.
    facts: more for the bag's `campaign` topic.
    """

    snapshots: tuple[Snapshot, ...]
    problems: tuple[str, ...] = ()
    stands: Mapping[str, tuple[tuple[int, Float[np.ndarray, " 3"]], ...]] = field(
        default_factory=dict
    )
    facts: Mapping[str, object] = field(default_factory=dict)
    antennas: frozenset[str] = frozenset()


def measured_paths(**columns: Float[np.ndarray, " p"]) -> MeasuredPaths:
    """Paths of the columns given; NaN in the others."""
    count = len(next(iter(columns.values())))
    unknown = np.full(count, np.nan)
    return MeasuredPaths(**{name: columns.get(name, unknown) for name in PATH_FIELDS})


def wrong_with(paths: MeasuredPaths, reference: GainReference) -> str:
    """Why these numbers cannot be what they are taken for; empty where nothing is wrong.

    Delays may be NaN (power only); gains may not.
    """
    for name in PATH_FIELDS:
        if np.isinf(getattr(paths, name)).any():
            return f"{name} is infinite"
    if np.isnan(paths.gain_db).any():
        return "a gain is missing (NaN)"
    if (paths.delay < 0).any() or (paths.delay > LONGEST_DELAY).any():
        return (
            f"a delay of {_worst(paths.delay):g} s; expected 0 to {LONGEST_DELAY:g} s: "
            "which unit is it in?"
        )
    if reference == "absolute" and (paths.gain_db > 0).any():
        return (
            f"a gain of {paths.gain_db.max():g} dB over the transmitted power; expected 0 or less: "
            "not in dB, or --gain-reference relative?"
        )
    for name in ("aod_elevation", "aoa_elevation"):
        if (np.abs(getattr(paths, name)) > np.pi / 2 + 1e-6).any():
            return f"{name} reaches {_worst(getattr(paths, name)):g} rad; expected -pi/2 to pi/2"
    for name in ("aod_azimuth", "aoa_azimuth"):
        if (np.abs(getattr(paths, name)) > 2 * np.pi + 1e-6).any():
            return f"{name} reaches {_worst(getattr(paths, name)):g} rad; expected -2 pi to 2 pi"
    return ""


def _worst(values: Float[np.ndarray, " p"]) -> float:
    return float(values[np.nanargmax(np.abs(values))])


def wrapped(angle: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """Radians in (-pi, pi]."""
    return np.asarray(-((-angle + np.pi) % (2 * np.pi) - np.pi))
