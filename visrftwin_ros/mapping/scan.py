"""What a source gives to the mapping: points, and from where each was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.errors import TwinError

MOST_POINTS = 20_000_000
"""Of a scan as it is held in memory, some 1.5 GB."""
_TOLD = 5
"""Of what was left out, that an error names."""
LARGEST_PLACE = 200.0
"""Metres across, over which a file is taken to be in other units until its user says otherwise."""


@dataclass(frozen=True)
class Scan:
    """N points of one place.

    points: (N, 3) m. seen_from: (N, 3) m, where the sensor was; None where the source does not say.
    view: (N,) number of the sweep or frame, ascending; a view has one place of its sensor. up: (3,) the
    direction that the source takes for up; None: +z exactly, and the map keeps the source's axes.
    noise: m, standard deviation of a point along its ray. source: who said so, for the report. left_out:
    what could not be used, and why.
    """

    points: Float[np.ndarray, "n 3"]
    seen_from: Float[np.ndarray, "n 3"] | None
    view: Int[np.ndarray, " n"]
    up: Float[np.ndarray, " 3"] | None
    noise: float
    source: str
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    @property
    def views(self) -> int:
        """How many sweeps or frames gave points."""
        return len(np.unique(self.view))

    def where(self, mask: Bool[np.ndarray, " n"]) -> Scan:
        """The points that a mask picks."""
        seen_from = None if self.seen_from is None else self.seen_from[mask]
        return replace(self, points=self.points[mask], seen_from=seen_from, view=self.view[mask])

    def turned(self, turn: Float[np.ndarray, "3 3"]) -> Scan:
        """The same points with `turn` applied to every place, z up from now on."""
        seen_from = None if self.seen_from is None else self.seen_from @ turn.T
        return replace(self, points=self.points @ turn.T, seen_from=seen_from, up=None)


def joined(
    views: Sequence[tuple[Float[np.ndarray, "k 3"], Float[np.ndarray, " 3"]]],
    *,
    up: Float[np.ndarray, " 3"] | None,
    noise: float,
    source: str,
    left_out: Sequence[str],
) -> Scan:
    """The scan of some views, each of points and the place of its sensor, m in the world.

    Raises TwinError where two views are not there: people could not be told from walls.
    """
    if len(views) < 2:
        more = f"; and {len(left_out) - _TOLD} more" if len(left_out) > _TOLD else ""
        why = f"; left out: {'; '.join(left_out[:_TOLD])}{more}" if left_out else ""
        raise TwinError(
            f"{source}: {len(views)} of its views can be used; a map takes two or more that overlap{why}"
        )
    counts = [len(points) for points, _ in views]
    return Scan(
        points=np.concatenate([points for points, _ in views]).astype(float),
        seen_from=np.repeat(np.array([place for _, place in views], float), counts, axis=0),
        view=np.repeat(np.arange(len(views)), counts),
        up=up,
        noise=noise,
        source=source,
        left_out=tuple(left_out),
    )


def check_size(scan: Scan) -> None:
    """Raises TwinError where a scan holds too many points, or is larger than any place that is mapped."""
    if len(scan) > MOST_POINTS:
        raise TwinError(
            f"{scan.source}: {len(scan)} points; at most {MOST_POINTS} are held: take every second "
            "view with --every 2, or more"
        )
    low, high = np.percentile(scan.points, [0.5, 99.5], axis=0)
    across = float(np.linalg.norm(high - low))
    if across > LARGEST_PLACE:
        raise TwinError(
            f"{scan.source}: its points reach over {across:.0f} m; places up to {LARGEST_PLACE:g} m "
            "are mapped"
        )
