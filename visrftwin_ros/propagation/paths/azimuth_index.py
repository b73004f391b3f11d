"""Segments that all start or end at one of a few devices, found by the azimuth from there."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.path_segments import Segments

_TURN = 2 * np.pi
_APART = 8.0
"""Radians from one fan's azimuths to the next one's in the table: more than a turn."""
_MARGIN = 1e-5
"""Radians by which a fan is searched beyond a body's silhouette, for rounding."""


class Fans:
    """Segments by the place at which they start or end, and by azimuth about it.

    From there a body covers a few degrees, and one slice of the table holds what passes it.
    order: (S,) the segments, fan by fan, azimuths ascending.
    """

    def __init__(self, segments: Segments, at_start: Bool[np.ndarray, " s"]) -> None:
        """`at_start`: the segment belongs to the fan of its start, not of its end."""
        own = np.where(at_start[:, None], segments.start, segments.end)
        far = np.where(at_start[:, None], segments.end, segments.start)
        self._apex, fan = np.unique(own[:, :2], axis=0, return_inverse=True)
        step = far - own
        place = _APART * fan.ravel() + np.arctan2(step[:, 1], step[:, 0])
        self.order = np.argsort(place, kind="stable")
        self._place = place[self.order]

    def near(
        self, bodies: Bodies, rows: Int[np.ndarray, " r"]
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
        """Pairs of a position in `order` and a body of `rows`: each line that meets the
        body's silhouette on the ground plan, and some more."""
        offset = bodies.position[rows, None, :2] - self._apex
        distance = np.maximum(np.hypot(offset[..., 0], offset[..., 1]), 1e-9)
        radius = bodies.radius[rows, None]
        middle = np.arctan2(offset[..., 1], offset[..., 0])
        half = np.where(
            radius < distance, np.arcsin(np.minimum(radius / distance, 1.0)) + _MARGIN, _TURN
        )
        # The silhouette may lie across the azimuth at which the table starts again.
        turned = np.array([-_TURN, 0.0, _TURN])[:, None, None]
        low = np.maximum(middle - half + turned, -np.pi)
        high = np.minimum(middle + half + turned, np.pi)
        whole = (half >= np.pi) & (turned != 0)
        body, fan = np.arange(len(rows))[:, None], _APART * np.arange(len(self._apex))
        wanted = (low <= high) & ~whole
        first = np.searchsorted(self._place, (low + fan)[wanted])
        count = np.searchsorted(self._place, (high + fan)[wanted], side="right") - first
        who = np.broadcast_to(rows[body], wanted.shape)[wanted]
        position = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())
        return position, np.repeat(who, count)
