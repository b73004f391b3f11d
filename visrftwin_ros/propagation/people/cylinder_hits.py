"""Bodies as plain obstacles to straight segments: there or not, without diffraction."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled, on_two_cores

_FLAT = np.float32(1e-6)
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
    cos, sin = np.cos(bodies.heading), np.sin(bodies.heading)
    # To coordinates in which the body is the unit circle.
    half_depth, half_width = bodies.depth / 2, bodies.width / 2
    axes = (cos / half_depth, sin / half_depth, -sin / half_width, cos / half_width)
    cylinders = np.column_stack([*axes, bodies.position, bodies.height]).astype(np.float32)
    x, y, z, dx, dy, dz = (np.ascontiguousarray(column) for column in segments.columns[:6])
    of = np.full(len(candidates), body, np.intp)

    def cut(some: slice) -> Int[np.ndarray, " k"]:
        return some.start + _cut(x, y, z, dx, dy, dz, candidates[some], cylinders, of[some])

    return on_two_cores(cut, len(candidates))


@compiled
def _cut(
    start_x: Float32[np.ndarray, " s"],
    start_y: Float32[np.ndarray, " s"],
    start_z: Float32[np.ndarray, " s"],
    step_x: Float32[np.ndarray, " s"],
    step_y: Float32[np.ndarray, " s"],
    step_z: Float32[np.ndarray, " s"],
    candidates: Int[np.ndarray, " c"],
    cylinders: Float32[np.ndarray, "n 8"],
    body: Int[np.ndarray, " c"],
) -> Int[np.ndarray, " k"]:
    nothing, everything = np.float32(0.0), np.float32(1.0)
    found, count = np.empty(len(candidates), np.intp), 0
    for row in range(len(candidates)):
        i, one = candidates[row], cylinders[body[row]]
        x, y, dx, dy = start_x[i] - one[4], start_y[i] - one[5], step_x[i], step_y[i]
        u, v = one[0] * x + one[1] * y, one[2] * x + one[3] * y
        du, dv = one[0] * dx + one[1] * dy, one[2] * dx + one[3] * dy
        square = du * du + dv * dv
        enter, leave = nothing, everything
        if square < _FLAT:
            if not u * u + v * v < everything:
                continue
        else:
            across = u * dv - v * du
            if not across * across < square:
                continue
            half = np.sqrt(square - across * across) / square
            middle = -(u * du + v * dv) / square
            enter, leave = max(middle - half, nothing), min(middle + half, everything)
        level = start_z[i] - one[6]
        low, high = level + enter * step_z[i], level + leave * step_z[i]
        if enter < leave and min(low, high) < one[7] and max(low, high) > nothing:
            found[count] = row
            count += 1
    return found[:count]
