"""What a campaign asks of a predictor, without the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.campaign.snapshot import Campaign, Snapshot, TrueChannel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.model import Site

_OUTSIDE = 5.0
"""Metres beyond the outermost surface, on the ground plan, where a receiver still may be."""
_SAME_CARRIER = 0.1
"""Share by which a campaign's carrier may differ from the site's: further off, thicknesses, roughness and
the values of materials are those of another band."""
_OFF_END = 1e-3
"""Metres by which a free line of sight may seem short, in the tracer's single precision."""


@dataclass(frozen=True)
class Questions:
    """N links at N times: who, when and where.

    stamp_ns: (N,). tx, rx: N names. tx_position, rx_position: (N, 3) m, antennas, world frame.
    frequency, bandwidth: (N,) Hz. line_of_sight: (N,) no surface of the site cuts the straight
    line; people are not regarded.
    """

    stamp_ns: Int[np.ndarray, " n"]
    tx: tuple[str, ...]
    rx: tuple[str, ...]
    tx_position: Float[np.ndarray, "n 3"]
    rx_position: Float[np.ndarray, "n 3"]
    frequency: Float[np.ndarray, " n"]
    bandwidth: Float[np.ndarray, " n"]
    line_of_sight: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.stamp_ns)

    @property
    def distance(self) -> Float[np.ndarray, " n"]:
        """Metres between the antennas."""
        return np.asarray(np.linalg.norm(self.rx_position - self.tx_position, axis=1))

    def take(self, rows: Sequence[int] | Int[np.ndarray, " k"]) -> Questions:
        """The questions `rows`."""
        index = np.asarray(rows, int)
        return Questions(
            self.stamp_ns[index],
            tuple(self.tx[i] for i in index),
            tuple(self.rx[i] for i in index),
            self.tx_position[index],
            self.rx_position[index],
            self.frequency[index],
            self.bandwidth[index],
            self.line_of_sight[index],
        )


def usable_snapshots(campaign: Campaign, site: Site) -> tuple[list[Snapshot], list[str]]:
    """The snapshots that can be predicted, and why the others cannot.

    Raises TwinError where none is left: the site is not the campaign's.
    """
    recorded = campaign.facts.get("site") or site.name
    if recorded != site.name:
        raise TwinError(
            f"{campaign.source}: recorded in site {recorded!r}, asked to be judged in {site.name!r}: "
            f"expected a site of that name (another model of the same place carries it too)"
        )
    extent = _extent(site)
    kept = []
    refused: dict[str, int] = {}
    for snapshot in campaign.snapshots:
        reason = _unusable(snapshot, site, extent)
        if reason:
            refused[reason] = refused.get(reason, 0) + 1
        else:
            kept.append(snapshot)
    problems = [f"{count} snapshot(s) left out: {reason}" for reason, count in refused.items()]
    if not kept:
        why = "; ".join(problems) or "it has no snapshots"
        raise TwinError(
            f"{campaign.source}: nothing to evaluate with site {site.name!r}: {why} (expected "
            f"snapshots from {', '.join(ap.name for ap in site.access_points)} to places inside the site)"
        )
    return kept, problems


def snapshot_questions(snapshots: Sequence[Snapshot], site: Site, sees: Visibility) -> Questions:
    """Of snapshots that `usable_snapshots` kept."""
    return _questions(
        snapshots,
        np.array([s.frequency for s in snapshots]),
        np.array([s.bandwidth for s in snapshots]),
        site,
        sees,
    )


def truth_questions(channels: Sequence[TrueChannel], site: Site, sees: Visibility) -> Questions:
    """Of true channels whose access points the site has and whose receivers have a place."""
    count = len(channels)
    frequency = np.full(count, site.radio.frequency)
    return _questions(channels, frequency, np.full(count, site.radio.bandwidth), site, sees)


def usable_truth(campaign: Campaign, site: Site) -> list[TrueChannel]:
    """The true channels that can be asked about."""
    aps = {ap.name for ap in site.access_points}
    return [c for c in campaign.truth_channels if c.tx in aps and np.isfinite(c.rx_position).all()]


def _questions(
    links: Sequence[Snapshot] | Sequence[TrueChannel],
    frequency: Float[np.ndarray, " n"],
    bandwidth: Float[np.ndarray, " n"],
    site: Site,
    sees: Visibility,
) -> Questions:
    aps = {ap.name: np.array(ap.position, float) for ap in site.access_points}
    tx = np.array([aps[link.tx] for link in links]).reshape(-1, 3)
    rx = np.array([link.rx_position for link in links], float).reshape(-1, 3)
    step = rx - tx
    length = np.linalg.norm(step, axis=1)
    hit = sees.first_hit(tx, step / np.maximum(length, 1e-9)[:, None])
    return Questions(
        stamp_ns=np.array([link.stamp_ns for link in links], np.int64),
        tx=tuple(link.tx for link in links),
        rx=tuple(link.rx for link in links),
        tx_position=tx,
        rx_position=rx,
        frequency=frequency,
        bandwidth=bandwidth,
        line_of_sight=hit > length - _OFF_END,
    )


def _unusable(snapshot: Snapshot, site: Site, extent: tuple[np.ndarray, np.ndarray]) -> str:
    """Why it cannot be predicted; empty where it can."""
    ap = next((ap for ap in site.access_points if ap.name == snapshot.tx), None)
    if ap is None:
        return f"no access point {snapshot.tx!r} in the site"
    carrier = site.radio.frequency
    if abs(snapshot.frequency / carrier - 1) > _SAME_CARRIER:
        return (
            f"sounded at {snapshot.frequency / 1e9:g} GHz, the site's radio is at "
            f"{carrier / 1e9:g} GHz: expected a site with that radio.frequency and its materials"
        )
    if not np.isfinite(snapshot.rx_position).all():
        return f"no position of {snapshot.rx!r} at its stamp, in TF or the site"
    if not np.isfinite(snapshot.paths.gain_db).any():
        return "no path with a gain"
    low, high = extent
    for name, place in ((snapshot.tx, ap.position[:2]), (snapshot.rx, snapshot.rx_position[:2])):
        if (np.less(place, low) | np.greater(place, high)).any():
            return f"{name!r} is outside the site's surfaces"
    return ""


def _extent(site: Site) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
    """Corners of the ground plan, with _OUTSIDE around it."""
    corners = np.concatenate([mesh.vertices for mesh in surface_meshes(site)])[:, :2]
    return corners.min(axis=0) - _OUTSIDE, corners.max(axis=0) + _OUTSIDE
