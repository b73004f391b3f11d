"""Bodies as plain obstacles to straight segments: there or not, without diffraction."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int

from visrftwin_ros.bodies.people import Bodies

_FLAT = 1e-6
"""Square of a direction's length on the ground below which a segment stands upright."""


class Lines(Protocol):
    """S straight segments."""

    @property
    def columns(self) -> tuple[Float32[np.ndarray, " s"], ...]:
        """Six columns, perhaps more: start x, y, z; step x, y, z; metres."""


def hidden(
    segments: Lines,
    candidates: Int[np.ndarray, " c"],
    bodies: Bodies,
    body: Int[np.ndarray, " c"] | int,
) -> Int[np.ndarray, " k"]:
    """Which of the segments `candidates` pass through the elliptic cylinder of their `body`,
    (C,) or one for all: positions in `candidates`, ascending.

    In single precision: a body's outline is known to centimetres at best.
    """
    c, s = np.cos(bodies.heading), np.sin(bodies.heading)
    # To coordinates in which the body is the unit circle.
    half_depth, half_width = bodies.depth / 2, bodies.width / 2
    axes = (c / half_depth, s / half_depth, -s / half_width, c / half_width)
    f_x, f_y, s_x, s_y = (axis.astype(np.float32).take(body) for axis in axes)
    foot_x, foot_y, foot_z = bodies.position.T.astype(np.float32)
    columns = segments.columns
    x, y, dx, dy = (columns[i].take(candidates) for i in (0, 1, 3, 4))
    x, y = x - foot_x.take(body), y - foot_y.take(body)
    u, v = f_x * x + f_y * y, s_x * x + s_y * y
    du, dv = f_x * dx + f_y * dy, s_x * dx + s_y * dy
    square = du * du + dv * dv
    aside = u * dv - v * du
    met = np.flatnonzero((aside * aside < square) | (square < _FLAT))
    square, across, along = square[met], aside[met], (u * du + v * dv)[met]
    upright = square < _FLAT
    square = np.maximum(square, np.float32(_FLAT))
    half = np.sqrt(np.maximum(square - across * across, 0)) / square
    middle = -along / square
    inside = upright & ((u[met] ** 2 + v[met] ** 2) < 1)
    enter = np.where(upright, np.where(inside, -np.inf, np.inf), middle - half)
    leave = np.where(upright, np.where(inside, np.inf, -np.inf), middle + half)
    enter, leave = np.maximum(enter, 0), np.minimum(leave, 1)
    who = body if np.ndim(body) == 0 else np.asarray(body)[met]
    rows = candidates[met]
    level, climb = columns[2].take(rows) - foot_z.take(who), columns[5].take(rows)
    height = bodies.height.astype(np.float32).take(who)
    with np.errstate(invalid="ignore"):  # Infinity times nothing, beside an upright segment.
        at_enter, at_leave = level + enter * climb, level + leave * climb
        cut = (
            (enter < leave)
            & (np.minimum(at_enter, at_leave) < height)
            & (np.maximum(at_enter, at_leave) > 0)
        )
    return met[cut]
