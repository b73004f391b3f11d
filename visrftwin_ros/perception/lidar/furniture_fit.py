"""Where a known piece of furniture stands, by returns of some of its sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from visrftwin_ros.perception.lidar.furniture import Parts, box_about
from visrftwin_ros.perception.lidar.part_loops import seen_parts
from visrftwin_ros.site.frames import Pose

_FAR = 0.15
"""m from which a return counts no more the further it is: it is of something else."""
_FITS = 0.05
"""m, mean, within which the returns lie on the sides of what they are of."""
_SEEN_THROUGH = 0.2
"""Share of the rays to a part of which more must not go through it."""
_LARGER = 0.15
"""m by which what is seen may be longer than the thing itself."""
_LEAST_SHARE = 0.25
"""Of the longest side, of which less says nothing of which thing it is."""
_PER_SHARE = 0.2
"""m that rays through all of a thing would cost: of two places that explain the returns, the one in which
fewer go through it."""
_MOST_POINTS, _REFINED = 400, 8
_BEHIND, _NEAR = 0.25, 0.1
"""m behind a thing from which a return shows that it is not there, and from it within which one is of it."""
_PER_RADIAN = 0.002
"""m that a turn costs: a thing that looks the same from two sides turned the less of the two."""


@dataclass(frozen=True)
class Look:
    """The returns of one sweep, m in the world, where they were seen from, and which of them are not of the
    building."""

    origin: Float[np.ndarray, " 3"]
    points: Float[np.ndarray, "n 3"]
    free: Bool[np.ndarray, " n"]


def fitted_motion(
    parts: Parts, points: Float[np.ndarray, "n 3"], looks: Sequence[Look]
) -> tuple[Pose, float] | None:
    """The motion over the ground that brings a thing to where its returns `points` are, of which some of its
    sides may lack, and the mean distance of the returns from it; None where it does not fit.

    looks: rays that may go through the place, which then is not it.
    """
    if len(points) > _MOST_POINTS:
        points = points[:: -(-len(points) // _MOST_POINTS)]
    seen, home = box_about(points), box_about(parts.corners)
    seen_sides, own_sides = (np.sort(box.size[0, :2]) for box in (seen, home))
    taller = np.ptp(points[:, 2]) > np.ptp(parts.corners[:, 2]) + _LARGER
    if taller or (seen_sides > own_sides + _LARGER).any():
        return None
    if max(seen_sides[1], np.ptp(points[:, 2])) < _LEAST_SHARE * max(own_sides[1], home.size[0, 2]):
        return None
    pivot = home.center[0, :2]
    starts = _starts(home, seen)
    rough = sorted(starts, key=lambda start: _cost(parts, pivot, start, points))[:_REFINED]
    best: tuple[float, Pose, float] | None = None
    for start in rough:
        found = least_squares(
            lambda x: np.minimum(_placed(parts, pivot, x).away(points), _FAR),
            start,
            x_scale=(0.1, 0.1, 0.1),
            max_nfev=25,
        ).x
        found[2] = (found[2] + np.pi) % (2 * np.pi) - np.pi
        away = _cost(parts, pivot, found, points)
        place = _placed(parts, pivot, found)
        through = _share_through(place, looks)
        if away > _FITS or through > _SEEN_THROUGH:
            continue
        cost = away + _PER_SHARE * through + _PER_RADIAN * abs(found[2])
        if best is None or cost < best[0]:
            best = cost, _motion(pivot, found), away
    return None if best is None else (best[1], best[2])


def _starts(home: Parts, seen: Parts) -> list[Float[np.ndarray, " 3"]]:
    """Places of the middle and turns, with either end or the middle of each side on that of what is seen."""
    starts = []
    for quarter in range(4):
        turn = float(seen.yaw[0] - home.yaw[0] + quarter * np.pi / 2)
        # Sides of the thing along the axes of what is seen.
        own = home.size[0, :2] if quarter % 2 == 0 else home.size[0, 1::-1]
        slack = (own - seen.size[0, :2]) / 2
        c, s = np.cos(seen.yaw[0]), np.sin(seen.yaw[0])
        for along, across in product((-1, 0, 1), repeat=2):
            off = np.array([along, across]) * slack
            place = seen.center[0, :2] + (c * off[0] - s * off[1], s * off[0] + c * off[1])
            starts.append(np.array([*place, turn]))
    return starts


def _motion(pivot: Float[np.ndarray, " 2"], x: Float[np.ndarray, " 3"]) -> Pose:
    turn = Rotation.from_euler("z", x[2])
    return Pose(np.array([x[0], x[1], 0.0]) - turn.apply([*pivot, 0.0]), turn)


def _placed(parts: Parts, pivot: Float[np.ndarray, " 2"], x: Float[np.ndarray, " 3"]) -> Parts:
    """With what was at `pivot` at x[:2], turned by x[2]."""
    return parts.moved(_motion(pivot, x))


def _cost(
    parts: Parts,
    pivot: Float[np.ndarray, " 2"],
    x: Float[np.ndarray, " 3"],
    points: Float[np.ndarray, "n 3"],
) -> float:
    return float(np.minimum(_placed(parts, pivot, x).away(points), _FAR).mean())


def _share_through(parts: Parts, looks: Sequence[Look]) -> float:
    """Of the rays that hit a part or go through it, the largest share of a part that go through."""
    hits, through = np.zeros((2, len(parts)), np.int64)
    for look in looks:
        belongs(parts, look, _NEAR, hits, through)
    share = through / np.maximum(hits + through, 1)
    return float(np.where(hits + through > 10, share, 0.0).max(initial=0.0))


def belongs(
    parts: Parts,
    look: Look,
    near: float,
    hits: Int[np.ndarray, " p"],
    through: Int[np.ndarray, " p"],
) -> Int[np.ndarray, " n"]:
    """Adds to `hits`, the returns within `near` m of each part, and to `through`, the rays that cross it; to
    which part each return belongs, -1 = none."""
    of = np.full(len(look.points), -1)
    turn = np.column_stack([np.cos(parts.yaw), np.sin(parts.yaw)])
    sides = parts.size / 2, parts.core, parts.thin
    rays = look.origin, look.points, look.free
    center = np.ascontiguousarray(parts.center)
    seen_parts(*rays, center, turn, *sides, near, _BEHIND, hits, through, of)
    return of
