"""The tracker's state: one row a walker, columns as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from visrftwin_ros.perception.people import People


@dataclass
class TrackTable:
    """N tracks.

    mean, covariance: of x y vx vy h (m, m/s). log_odds: of existence. shown: published now.
    heading: rad. score: of the last box. seen: in the last image of `camera`, which saw it last.
    standing: s that it was seen to stand. ids: '' until shown for the first time. link: the id that
    the camera's own tracker gave the last box. look: mean embedding of clear boxes, (0,) if none.
    """

    mean: Float[np.ndarray, "n 5"] = field(default_factory=lambda: np.zeros((0, 5)))
    covariance: Float[np.ndarray, "n 5 5"] = field(default_factory=lambda: np.zeros((0, 5, 5)))
    log_odds: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    shown: Bool[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    heading: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    score: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    seen: Bool[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    standing: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))
    ids: list[str] = field(default_factory=list)
    camera: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)
    look: list[Float[np.ndarray, " d"]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.mean)

    def where(self, mask: Bool[np.ndarray, " n"]) -> TrackTable:
        """The tracks that a mask picks."""
        picked = TrackTable()
        for column in fields(self):
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
        joined = TrackTable()
        for column in fields(self):
            mine, theirs = getattr(self, column.name), getattr(other, column.name)
            both = np.concatenate([mine, theirs]) if isinstance(mine, np.ndarray) else mine + theirs
            setattr(joined, column.name, both)
        return joined

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
                (camera,) if seen else ()
                for camera, seen in zip(shown.camera, shown.seen, strict=True)
            ),
        )
