"""Where a ray from one device mirrors off a standing body into another: Fermat's point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.bodies.people import Bodies

Values = Float[np.ndarray, " k"]

_BISECTIONS, _NEWTONS = 3, 4
"""Steps of the bisector iteration, which comes near from anywhere, and of Newton's, which ends."""
_LARGEST_STEP = 0.5
_SAME_DIRECTION = 1e-6
"""Radians between the normal and the bisector at which the law of reflection counts as kept."""


@dataclass(frozen=True)
class MirrorPoints:
    """K pairs of a link and a body: point in metres on the ground plan, outward normal,
    radius of curvature in metres, and whether the side mirrors the one into the other."""

    point: Float[np.ndarray, "k 2"]
    normal: Float[np.ndarray, "k 2"]
    radius: Values
    found: Bool[np.ndarray, " k"]


def mirror_points(
    transmitter: Float[np.ndarray, "k _"],
    receiver: Float[np.ndarray, "k _"],
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
) -> MirrorPoints:
    """Fermat's points on the elliptic sides of `body`, for ends (K, 2 or 3).

    A vertical side leaves the vertical direction of a ray alone, so the point lies where the way
    on the ground plan is shortest: there is one where the straight line passes beside the body,
    none where it goes through, or where an end is inside.
    """
    cos, sin = np.cos(bodies.heading[body]), np.sin(bodies.heading[body])
    chest, shoulder = bodies.depth[body] / 2, bodies.width[body] / 2

    def into_body(
        vectors: Float[np.ndarray, "k 2"],
    ) -> tuple[Values, Values]:
        return vectors[:, 0] * cos + vectors[:, 1] * sin, vectors[:, 1] * cos - vectors[:, 0] * sin

    foot = bodies.position[body, :2]
    tx, rx = into_body(transmitter[:, :2] - foot), into_body(receiver[:, :2] - foot)
    with np.errstate(invalid="ignore", divide="ignore"):
        angle = _fermat_angle(tx, rx, chest, shoulder)
        x, y = chest * np.cos(angle), shoulder * np.sin(angle)
        stretch = np.hypot(shoulder * np.cos(angle), chest * np.sin(angle))
        normal_x, normal_y = shoulder * np.cos(angle) / stretch, chest * np.sin(angle) / stretch
        to_tx, to_rx = _unit(tx[0] - x, tx[1] - y), _unit(rx[0] - x, rx[1] - y)
        off = normal_x * (to_tx[1] + to_rx[1]) - normal_y * (to_tx[0] + to_rx[0])
        lit = np.minimum(
            normal_x * to_tx[0] + normal_y * to_tx[1], normal_x * to_rx[0] + normal_y * to_rx[1]
        )
    outside = np.minimum(
        *((end[0] / chest) ** 2 + (end[1] / shoulder) ** 2 for end in (tx, rx))
    ) > 1  # fmt: skip
    return MirrorPoints(
        point=foot + np.column_stack([x * cos - y * sin, x * sin + y * cos]),
        normal=np.column_stack([normal_x * cos - normal_y * sin, normal_x * sin + normal_y * cos]),
        radius=stretch**3 / (chest * shoulder),
        found=(np.abs(off) < _SAME_DIRECTION) & (lit > 0) & outside,
    )


def _fermat_angle(
    tx: tuple[Values, Values],
    rx: tuple[Values, Values],
    chest: Values,
    shoulder: Values,
) -> Values:
    """Parameter t of the point (chest cos t, shoulder sin t) of the shortest way."""
    x, y = np.zeros_like(chest), np.zeros_like(chest)
    for _ in range(_BISECTIONS):
        to_tx, to_rx = _unit(tx[0] - x, tx[1] - y), _unit(rx[0] - x, rx[1] - y)
        angle = np.arctan2(shoulder * (to_tx[1] + to_rx[1]), chest * (to_tx[0] + to_rx[0]))
        x, y = chest * np.cos(angle), shoulder * np.sin(angle)
    for _ in range(_NEWTONS):
        step_x, step_y = -chest * np.sin(angle), shoulder * np.cos(angle)
        slope, bend = np.zeros_like(x), np.zeros_like(x)
        for end_x, end_y in (tx, rx):
            distance = np.hypot(x - end_x, y - end_y)
            u_x, u_y = (x - end_x) / distance, (y - end_y) / distance
            along = u_x * step_x + u_y * step_y
            slope = slope + along
            bend = bend - u_x * x - u_y * y + (step_x**2 + step_y**2 - along**2) / distance
        # Uphill at a minimum the way is convex; elsewhere there is nothing to find.
        angle = angle - np.clip(slope / np.abs(bend), -_LARGEST_STEP, _LARGEST_STEP)
        x, y = chest * np.cos(angle), shoulder * np.sin(angle)
    return angle


def _unit(x: Values, y: Values) -> tuple[Values, Values]:
    length = np.hypot(x, y)
    return x / length, y / length
