"""What a campaign gives a calibration: received powers and delay spreads, where and of whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.campaign.snapshot import Campaign, MeasuredPaths, Snapshot
from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site

LEAST = 5
"""Soundings with which a power offset and anything else can be told apart."""
_LEAST_EXTENT = 1.0
"""Metres that the places must span: nearer ones see the same surfaces at the same angles."""
_SAME_BAND = 0.05
"""Share of the carrier within which a material's values are those of the site's."""
_SAME_POWER = 0.2
"""Share of the soundings, no fewer than LEAST, that may read one power to the last digit: more of them
are at an end of the receiver's range."""
_OUTSIDE = 5.0
"""Metres beyond the outermost surface, on the ground plan, where a receiver still may be."""


@dataclass(frozen=True)
class Soundings:
    """N soundings.

    tx: N access points. position: (N, 3) m, the receiver's antenna, world frame. power_db: (N,) of all
    paths, against a reference of its own. delay_spread: (N,) s, RMS, NaN where the sounder resolved no
    delays. range_db: (N,) from the strongest path to the weakest that was reported, inf where it
    resolved none.
    """

    tx: tuple[str, ...]
    position: Float[np.ndarray, "n 3"]
    power_db: Float[np.ndarray, " n"]
    delay_spread: Float[np.ndarray, " n"]
    range_db: Float[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.tx)

    def take(self, rows: Int[np.ndarray, " k"] | Bool[np.ndarray, " n"]) -> Soundings:
        """The soundings `rows`."""
        index = np.arange(len(self))[rows]
        return Soundings(
            tuple(self.tx[i] for i in index),
            self.position[index],
            self.power_db[index],
            self.delay_spread[index],
            self.range_db[index],
        )


def joined(parts: Sequence[Soundings]) -> Soundings:
    """The soundings of all parts, one after the other."""
    return Soundings(
        tuple(name for part in parts for name in part.tx),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("position", "power_db", "delay_spread", "range_db")
        ),
    )


def usable_soundings(campaign: Campaign, site: Site) -> tuple[Soundings, list[str]]:
    """Those that can be calibrated on, and why the others cannot.

    Raises TwinError where too few are left, or all were made in one place.
    """
    aps = {ap.name for ap in site.access_points}
    corners = np.concatenate([mesh.vertices for mesh in surface_meshes(site)])[:, :2]
    extent = corners.min(axis=0) - _OUTSIDE, corners.max(axis=0) + _OUTSIDE
    kept: list[Snapshot] = []
    refused: Counter[str] = Counter()
    for snapshot in campaign.snapshots:
        reason = _unusable(snapshot, aps, site.radio.frequency, extent)
        if reason:
            refused[reason] += 1
        else:
            kept.append(snapshot)
    for power_db in _clipped(kept):
        at_end = [one for one in kept if _power_db(one.paths) == power_db]
        reason = f"{power_db:g} dB to the last digit, an end of the receiver's range"
        refused[reason] = len(at_end)
        kept = [one for one in kept if _power_db(one.paths) != power_db]
    problems = [f"{count} sounding(s) left out: {reason}" for reason, count in refused.items()]
    where = f"{campaign.source}: "
    if len(kept) < LEAST:
        why = "".join(f"; {text}" for text in problems)
        raise TwinError(
            f"{where}{len(kept)} sounding(s) that can be used with site {site.name!r}, expected at "
            f"least {LEAST}{why}"
        )
    found = _of_snapshots(kept)
    span = float(np.ptp(found.position, axis=0).max())
    if span < _LEAST_EXTENT:
        raise TwinError(
            f"{where}all {len(kept)} soundings lie within {span:.2g} m: one place cannot tell the "
            f"surfaces from the power's reference; expected places at least {_LEAST_EXTENT:g} m apart"
        )
    return found, problems


def _unusable(
    snapshot: Snapshot,
    aps: set[str],
    carrier: float,
    extent: tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]],
) -> str:
    """Why it cannot be used; empty where it can."""
    if snapshot.tx not in aps:
        return f"no access point {snapshot.tx!r} in the site"
    if abs(snapshot.frequency - carrier) > _SAME_BAND * carrier:
        return (
            f"made at {snapshot.frequency / 1e9:g} GHz, the site is one of {carrier / 1e9:g} GHz, and "
            f"materials differ by band"
        )
    if not np.isfinite(snapshot.rx_position).all():
        return f"no position of {snapshot.rx!r} at its stamp, in TF or the site"
    low, high = extent
    if (snapshot.rx_position[:2] < low).any() or (snapshot.rx_position[:2] > high).any():
        return f"{snapshot.rx!r} is outside the site's surfaces"
    if not np.isfinite(snapshot.paths.gain_db).any():
        return "no path with a gain"
    return ""


def _clipped(snapshots: Sequence[Snapshot]) -> list[float]:
    """Powers that too many of them read."""
    counts = Counter(_power_db(one.paths) for one in snapshots)
    least = max(LEAST, _SAME_POWER * len(snapshots))
    return [power_db for power_db, count in counts.items() if count >= least]


def _power_db(paths: MeasuredPaths) -> float:
    gain = paths.gain_db[np.isfinite(paths.gain_db)]
    return float(10 * np.log10(np.sum(10 ** (gain / 10))))


def _of_snapshots(snapshots: Sequence[Snapshot]) -> Soundings:
    figures = np.array([_figures(snapshot.paths) for snapshot in snapshots])
    return Soundings(
        tx=tuple(snapshot.tx for snapshot in snapshots),
        position=np.array([snapshot.rx_position for snapshot in snapshots], float),
        power_db=figures[:, 0],
        delay_spread=figures[:, 1],
        range_db=figures[:, 2],
    )


def _figures(paths: MeasuredPaths) -> tuple[float, float, float]:
    """power_db, delay_spread and range_db of one sounding."""
    gain, power = paths.gain_db[np.isfinite(paths.gain_db)], _power_db(paths)
    timed = np.isfinite(paths.gain_db) & np.isfinite(paths.delay)
    if timed.sum() < 2:
        return power, np.nan, np.inf
    weight = 10 ** (paths.gain_db[timed] / 10)
    delay = paths.delay[timed] - paths.delay[timed].min()
    mean = np.average(delay, weights=weight)
    spread = np.sqrt(np.average((delay - mean) ** 2, weights=weight))
    return power, float(spread) if spread > 0 else np.nan, float(np.ptp(gain))
