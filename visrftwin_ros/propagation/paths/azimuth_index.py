"""Segments that all start or end at one of a few devices, found by the azimuth from there."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.path_segments import Pairs, Segments, with_room

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

    def near(self, bodies: Bodies, rows: Int[np.ndarray, " r"]) -> Pairs:
        """Pairs of a position in `order` and a body of `rows`: each line that meets the
        body's silhouette on the ground plan, and some more; body by body."""
        places = np.ascontiguousarray(bodies.position[rows, :2], float)
        position, number = _covered(self._apex, self._place, places, bodies.radius[rows])
        return position, rows[number]


@compiled
def _covered(
    apex: Float[np.ndarray, "fans 2"],
    place: Float[np.ndarray, " s"],
    bodies: Float[np.ndarray, "n 2"],
    radius: Float[np.ndarray, " n"],
) -> Pairs:
    found, count = np.empty((2, 1024), np.intp), 0
    for j in range(len(bodies)):
        for fan in range(len(apex)):
            x, y = bodies[j, 0] - apex[fan, 0], bodies[j, 1] - apex[fan, 1]
            distance = max(math.sqrt(x * x + y * y), 1e-9)
            middle, half = math.atan2(y, x), _TURN
            if radius[j] < distance:
                half = math.asin(radius[j] / distance) + _MARGIN
            # The silhouette may lie across the azimuth at which the table starts again.
            for turned in (-_TURN, 0.0, _TURN):
                low, high = (
                    max(middle - half + turned, -math.pi),
                    min(middle + half + turned, math.pi),
                )
                if low > high or (turned != 0.0 and half >= math.pi):
                    continue
                first = np.searchsorted(place, low + _APART * fan)
                after = np.searchsorted(place, high + _APART * fan, side="right")
                found = with_room(found, count, int(after - first))
                for position in range(first, after):
                    found[0, count], found[1, count] = position, j
                    count += 1
    return found[0, :count], found[1, :count]
