"""Whether a cluster of LiDAR returns is a standing person, and where the body's axis is.

A cluster shows the near side of a body. The axis lies behind it: the visible half of an ellipse
whose axis along the ray is 2 d has its mean at (pi / 4) d before the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH

TALLEST, SHORTEST = 2.1, 1.0
"""m: a cluster that must be outside stands for no person."""
USUAL_HEIGHT, HEIGHT_SIGMA, SHORT_SIGMA = 1.70, 0.18, 0.25
"""m, of adults, and its spread upwards and downwards, where children and who sits are."""
USUAL_SIDE, SIDE_SIGMA = 0.45, 0.15
"""m, what is seen of people across the ray: shoulders from the front or the side, arms out."""
WIDEST, NARROWEST = 1.0, 0.18
"""m across the ray."""
DEEPEST = 0.9
"""m along the ray: half of what shows is a stride."""
LEAST_RETURNS, LEAST_LEVELS = 8, 3
"""Returns, and heights that they come from, below which there is no shape to judge."""
LIMBS = 0.05
"""m, standard deviation of the middle of what is seen about the axis: arms and legs swing."""
TORSO = 0.75, 1.6
"""m over the ground."""
_SQUARES = (BODY_WIDTH**2 + BODY_DEPTH**2) / 4


@dataclass(frozen=True)
class BodyShape:
    """One cluster as a body.

    score: 0..1, how surely a person. axis: (2,) m, world. covariance: (2, 2) m^2. height and
    height_sigma: m over the ground. side: m across the ray, depth: m along it.
    """

    score: float
    axis: Float[np.ndarray, " 2"]
    covariance: Float[np.ndarray, "2 2"]
    height: float
    height_sigma: float
    side: float
    depth: float


def body_shape(
    points: Float[np.ndarray, "n 2"],
    height: Float[np.ndarray, " n"],
    origin: Float[np.ndarray, " 2"],
    spacing: float,
    touching: float = 0.0,
    above: float = 0.0,
    lowest_seen: float = 0.0,
    beam_spacing: float = 0.0,
) -> BodyShape | None:
    """The body that a cluster may be; None where it cannot be one.

    points: (N, 2) m and height: (N,) m over the ground; origin: (2,) m of the sensor. spacing: m
    between neighbouring returns of one beam there; beam_spacing: between beams, 0 = not known.
    touching: share of the cluster that meets a neighbour of its own kind. above: returns over the
    tallest person in the same place, per return of the cluster. lowest_seen: m over the ground,
    under which the sensor sees nothing there.
    """
    if len(points) < LEAST_RETURNS:
        return None
    levels = np.sort(height)
    top, bottom = float(levels[-1]), float(levels[0])
    gap = float(np.diff(levels).max())
    if len(np.unique(np.floor(levels / 0.05))) < LEAST_LEVELS or top < SHORTEST - gap:
        return None
    middle = points.mean(axis=0)
    ray = middle - origin
    distance = float(np.hypot(*ray))
    along = ray / max(distance, 1e-6)
    across = np.array([-along[1], along[0]])
    offset = points - middle
    u, v = offset @ along, offset @ across
    torso = (height > TORSO[0]) & (height < TORSO[1])
    if np.count_nonzero(torso) < LEAST_RETURNS:
        torso = np.ones(len(points), dtype=bool)
    left, right = _bounds(v[torso], 0.03)
    side, whole = right - left, float(np.ptp(v))
    near, far = _bounds(u, 0.03)
    depth = far - near
    # The beams beside the first and the last one that hit passed by.
    seen_side = side + spacing / 2
    if side > WIDEST or whole > WIDEST + 0.4 or depth > DEEPEST or seen_side < NARROWEST:
        return None
    if top > TALLEST or (above > 0.02 and top + gap > TALLEST - 0.1):
        return None

    beam_gap = min(gap, 1.0)
    stature = top + beam_gap / 2
    stature_sigma = float(np.hypot(beam_gap / np.sqrt(12), 0.03))
    score = 2.0
    usual = HEIGHT_SIGMA if stature > USUAL_HEIGHT else SHORT_SIGMA
    score -= 0.5 * ((stature - USUAL_HEIGHT) / np.hypot(usual, stature_sigma)) ** 2
    score -= 0.5 * ((seen_side - USUAL_SIDE) / np.hypot(SIDE_SIGMA, spacing / 2)) ** 2
    score -= 4.0 * max(bottom - max(lowest_seen, 0.0) - beam_gap - 0.45, 0.0)
    if beam_spacing > 0:
        # Skin and cloth answer every ray; foliage and window panes let most of them through.
        rays = (side / spacing + 1) * ((top - bottom) / beam_spacing + 1)
        score -= 6.0 * max(0.3 - len(points) / rays, 0.0) / 0.3
    near, far = _bounds(u[torso], 0.1)
    score -= 6.0 * max(far - near - 0.35, 0.0)
    score += _taper(height, v, top, side)
    score += min(np.log(len(points) / 30.0), 1.0)
    score -= 20.0 * max(touching - 0.12, 0.0) + 10.0 * above

    half_depth = np.sqrt(np.clip(_SQUARES - (side / 2) ** 2, (BODY_DEPTH / 2) ** 2, None))
    half_depth = min(float(half_depth), BODY_WIDTH / 2)
    axis = middle + along * (float(u[torso].mean()) + np.pi / 4 * half_depth)
    axis = axis + across * (left + right) / 2
    sideways = np.hypot(LIMBS, spacing / np.sqrt(12))
    lengthways = np.hypot(LIMBS, 0.06)
    covariance = sideways**2 * np.outer(across, across) + lengthways**2 * np.outer(along, along)
    return BodyShape(
        score=float(expit(score)),
        axis=axis,
        covariance=covariance,
        height=stature,
        height_sigma=stature_sigma,
        side=side,
        depth=depth,
    )


def _bounds(values: Float[np.ndarray, " n"], share: float) -> tuple[float, float]:
    """What all but a share of the values at either end lie between."""
    ordered = np.sort(values)
    cut = round(share * (len(ordered) - 1))
    return float(ordered[cut]), float(ordered[len(ordered) - 1 - cut])


def _taper(
    height: Float[np.ndarray, " n"], v: Float[np.ndarray, " n"], top: float, side: float
) -> float:
    """What the head says: narrower than the body speaks for a person, as wide against."""
    head = v[height > top - 0.22]
    if len(head) < 4 or side < 0.25:
        return 0.0
    ratio = float(np.ptp(head)) / side
    return float(np.clip((0.8 - ratio) * 6.0, -2.0, 1.0))
