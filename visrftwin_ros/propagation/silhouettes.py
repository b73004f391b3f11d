"""Bodies as plain obstacles to straight segments: there or not, without diffraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.segments import Segments

_FLAT = 1e-6
"""Square of a direction's length on the ground below which a segment stands upright."""


def hidden(
    segments: Segments, candidates: NDArray[np.intp], bodies: Bodies, body: int
) -> NDArray[np.intp]:
    """Those of the segments `candidates` that pass through the elliptic cylinder of `body`.

    In single precision: a body's outline is known to centimetres at best.
    """
    c, s = np.cos(bodies.heading[body]), np.sin(bodies.heading[body])
    # To coordinates in which the body is the unit circle.
    forward = np.array([c, s]) / (bodies.depth[body] / 2)
    sideways = np.array([-s, c]) / (bodies.width[body] / 2)
    (f_x, f_y), (s_x, s_y) = forward.astype(np.float32), sideways.astype(np.float32)
    foot = bodies.position[body].astype(np.float32)
    columns = segments.columns
    x, y, dx, dy = (columns[i][candidates] for i in (0, 1, 3, 4))
    x, y = x - foot[0], y - foot[1]
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
    rows = candidates[met]
    level, climb = columns[2][rows] - foot[2], columns[5][rows]
    at_enter, at_leave = level + enter * climb, level + leave * climb
    with np.errstate(invalid="ignore"):
        cut = (
            (enter < leave)
            & (np.minimum(at_enter, at_leave) < bodies.height[body])
            & (np.maximum(at_enter, at_leave) > 0)
        )
    return rows[cut]
