"""Depth of posed pictures by what several of them show: places that two views and more agree upon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.stereo.pinhole_views import PinholeView, pinhole_views
from visrftwin_ros.vision.stereo.plane_sweep import inverse_depths, sweep_costs
from visrftwin_ros.vision.stereo.semi_global import cheapest

WIDTH = 320
"""px of a view; time and memory go with its square."""
NEAREST, FARTHEST, DEPTHS = 0.6, 15.0, 256
"""m, and how many depths are tried between: a step is half a pixel for views 0.4 m apart of a lens of 75 degrees."""
_OTHERS, _FEWEST = 6, 4
"""Views that one is compared with, and those without which it says nothing."""
_ANGLE, _NARROW, _WIDE = np.radians([8.0, 3.0, 10.0])
"""Between two views of a place: what is best, and the spreads below and above (Furukawa and Ponce, PAMI 32 (2010) 1362,
take up to 60 degrees; MVSNet, ECCV 2018, 5 with spreads of 1 and 10)."""
_TYPICAL = 4.0
"""m, of a place for which views are chosen."""
_WORST = 0.6
"""Cost of a depth that is believed: patches whose correlation is 0.4 and more."""
_AGREE, _AGREEING = 0.04, 4
"""Share of the depth by which two views may differ about a place, and the others that have to agree."""
_THREADS = 2

Progress = Callable[[int, int], None]
SeenPoints = tuple[Float[np.ndarray, "k 3"], Float[np.ndarray, " 3"]]
"""m in the world: what a view shows and others confirm, and where its camera is."""


@dataclass(frozen=True)
class _Depth:
    """Of a view: (H, W) m along the axis, NaN where none is believed, and the views that it was compared with."""

    depth: Float[np.ndarray, "h w"]
    others: tuple[int, ...]


def points_of_pictures(pictures: Sequence[PosedPicture], progress: Progress) -> list[SeenPoints]:
    """What pictures show, as points on which they agree, view by view; views that nobody confirms are left out.

    Raises TwinError where views do not overlap, and where they agree upon nothing. progress: hears of views.
    """
    views = [view for picture in pictures for view in pinhole_views(picture, WIDTH)]
    depths = _depths(views, progress)
    seen = [_agreed(number, views, depths) for number in range(len(views))]
    found = [(points, place) for points, place in seen if len(points)]
    if len(found) < 2:
        raise TwinError(
            f"hardly a place that one of {len(views)} views shows is confirmed by {_AGREEING} others: take more "
            "pictures that overlap; their poses must fit to about a pixel"
        )
    return found


def _depths(views: Sequence[PinholeView], progress: Progress) -> list[_Depth]:
    """Each by itself; raises TwinError as `points_of_pictures` does."""
    chosen = [compared_with(number, views) for number in range(len(views))]
    if not any(len(others) >= _FEWEST for others in chosen):
        raise TwinError(
            f"no place is in {_FEWEST + 1} of {len(views)} views from places some 0.1 to 2 m apart: depth needs "
            "pictures that overlap, taken while walking; are their poses in metres?"
        )
    inverse = inverse_depths(NEAREST, FARTHEST, DEPTHS)

    def of(number: int) -> _Depth:
        view, others = views[number], chosen[number]
        if len(others) < _FEWEST:
            return _Depth(np.full(view.grey.shape, np.nan), ())
        costs = sweep_costs(view, [views[k] for k in others], inverse)
        depth, cost = cheapest(costs, view.grey, inverse)
        believed = (cost < _WORST) & (view.grey >= 0)
        return _Depth(np.where(believed, depth, np.nan), others)

    depths = []
    with ThreadPoolExecutor(_THREADS, "depth of pictures") as pool:
        waiting = [pool.submit(of, number) for number in range(len(views))]
        try:
            for number, one in enumerate(waiting):
                depths.append(one.result())
                progress(number + 1, len(views))
        finally:
            for one in waiting:
                one.cancel()
    return depths


def compared_with(number: int, views: Sequence[PinholeView]) -> tuple[int, ...]:
    """The views that show best how far away is what a view shows: those that share much of it, seen from another
    side by some _ANGLE."""
    view = views[number]
    height, width = view.grey.shape
    u, v = np.meshgrid(np.linspace(0, width - 1, 5), np.linspace(0, height - 1, 5))
    points = view.points(np.stack([u.ravel(), v.ravel()], axis=1), np.full(u.size, _TYPICAL))
    scores = []
    for k, other in enumerate(views):
        angle = _angle(points, view.center, other.center)
        if k == number or angle < _NARROW / 3:
            continue
        pixels, depth = other.pixels(points)
        size = np.array(other.grey.shape[::-1])
        shared = ((pixels > 0) & (pixels < size - 1)).all(axis=1) & (depth > 0)
        spread = _NARROW if angle < _ANGLE else _WIDE
        if shared.mean() > 0.3:
            scores.append((shared.mean() * np.exp(-(((angle - _ANGLE) / spread) ** 2) / 2), k))
    return tuple(k for _, k in sorted(scores, reverse=True)[:_OTHERS])


def _angle(
    points: Float[np.ndarray, "n 3"], one: Float[np.ndarray, " 3"], other: Float[np.ndarray, " 3"]
) -> float:
    """rad, the mean over the points of the angle under which two places are seen from each."""
    a, b = one - points, other - points
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return float(np.arccos(np.clip(cosine, -1, 1)).mean())


def _agreed(number: int, views: Sequence[PinholeView], depths: Sequence[_Depth]) -> SeenPoints:
    """What enough others confirm, each place the mean of where they and the view itself have it."""
    view, own = views[number], depths[number]
    v, u = np.nonzero(np.isfinite(own.depth))
    points = view.points(np.stack([u, v], axis=1), own.depth[v, u])
    total, agreeing = points.copy(), np.zeros(len(points), int)
    for k in own.others:
        pixels, expected = views[k].pixels(points)
        height, width = depths[k].depth.shape
        shown = (expected > 0) & ((pixels > -0.5) & (pixels < [width - 0.5, height - 0.5])).all(-1)
        nearest = np.rint(pixels[shown]).astype(int)
        found = depths[k].depth[nearest[:, 1], nearest[:, 0]]
        same = np.abs(found - expected[shown]) < _AGREE * expected[shown]
        there = np.flatnonzero(shown)[same]
        total[there] += views[k].points(nearest[same], found[same])
        agreeing[there] += 1
    kept = agreeing >= _AGREEING
    return total[kept] / (1 + agreeing[kept])[:, None], view.center
