"""The tracker's state: one row a walker, columns as arrays."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from visrftwin_ros.perception.tracking.camera_turn import CameraTurn
from visrftwin_ros.perception.tracking.people import People

SEEN_WITHIN_NS = 1_000_000_000
"""A sensor that has been silent for longer does not see anybody."""

NEVER_NS = -(10**18)
"""Before all times, also those of recordings that begin at 0."""


@dataclass
class TrackTable:
    """N tracks.

    mean, covariance: of x y vx vy h (m, m/s). log_odds: of existence. shown: published now.
    heading: rad. score: of the last box. seen: in the last measurement of `sensor`, which saw it
    last. standing: s that it was seen to stand. placed: ROS time [ns] at which a ground sensor last
    measured it, `NEVER_NS` if none did. looked: ROS time [ns] of the last measurement, of whichever
    sensor, that saw it or could have seen it. ids: '' until shown for the first time. born: of
    which measurement, unlike any other track's. link: the id that the camera's own tracker gave the
    last box. look: mean embedding of clear boxes, (0,) if none. sightings: ROS time [ns] at which
    each sensor saw it last; a sensor that then missed it is not there. turns: not of tracks but of
    cameras that move, by name: how far off their poses were.
    """

    mean: Float[np.ndarray, "n 5"] = field(default_factory=lambda: np.zeros((0, 5)))
    covariance: Float[np.ndarray, "n 5 5"] = field(default_factory=lambda: np.zeros((0, 5, 5)))
    log_odds: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    shown: Bool[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    heading: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    score: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    seen: Bool[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    standing: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    placed: Int[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    looked: Int[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    ids: list[str] = field(default_factory=list)
    born: list[str] = field(default_factory=list)
    sensor: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)
    look: list[Float[np.ndarray, " _"]] = field(default_factory=list)
    sightings: list[dict[str, int]] = field(default_factory=list)
    turns: dict[str, CameraTurn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.mean)

    def where(self, mask: Bool[np.ndarray, " n"]) -> TrackTable:
        """The tracks that a mask picks; these themselves where it picks all."""
        if np.all(mask):
            return self
        picked = TrackTable(turns=self.turns)
        for column in _columns():
            values = getattr(self, column.name)
            kept = (
                values[mask]
                if isinstance(values, np.ndarray)
                else [value for value, chosen in zip(values, mask, strict=True) if chosen]
            )
            setattr(picked, column.name, kept)
        return picked

    def extended(self, other: TrackTable) -> TrackTable:
        """These tracks and then the others."""
        joined = TrackTable(turns=self.turns)
        for column in _columns():
            mine, theirs = getattr(self, column.name), getattr(other, column.name)
            both = np.concatenate([mine, theirs]) if isinstance(mine, np.ndarray) else mine + theirs
            setattr(joined, column.name, both)
        return joined

    def copied(self) -> TrackTable:
        """The same tracks, whose columns may be written to. Looks, sightings and turns are shared: they
        are replaced, never written into."""
        columns = {column.name: getattr(self, column.name).copy() for column in fields(self)}
        return TrackTable(**columns)

    def people(self, stamp_ns: int) -> People:
        """The shown tracks, as others see them."""
        shown = self.where(self.shown)
        return People(
            stamp_ns=stamp_ns,
            ids=tuple(shown.ids),
            position=shown.mean[:, :2].copy(),
            velocity=shown.mean[:, 2:4].copy(),
            covariance=shown.covariance[:, :4, :4].copy(),
            height=shown.mean[:, 4].copy(),
            heading=shown.heading.copy(),
            existence=expit(shown.log_odds),
            score=shown.score.copy(),
            seen_by=tuple(
                tuple(name for name, at in seen.items() if at > stamp_ns - SEEN_WITHIN_NS)
                for seen in shown.sightings
            ),
            look=tuple(shown.look),
        )


def _columns() -> list[Field[Any]]:
    """Those of which each track has one."""
    return [column for column in fields(TrackTable) if column.name != "turns"]
