"""The field round a thick body as `cylinder_diffraction` has it, one path at a time as machine code.

Of an electric field along the axis, with the transition from a table. Lengths in metres, in the
ellipse's axes; `k` is the wave number across the axis.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.pekeris_function import LOWEST_XI
from visrftwin_ros.propagation.people.transition_table import reflection_at, transition

Table = tuple[
    Complex[np.ndarray, "curves near"],
    Complex[np.ndarray, "curves far"],
    Complex[np.ndarray, " cosines"],
]
"""One material's rows of a `TransitionTable`: near, far, reflection."""

_SHORT, _SHORT_WEIGHTS = np.polynomial.legendre.leggauss(8)
_LONG, _LONG_WEIGHTS = np.polynomial.legendre.leggauss(24)
_SHORT_ARC = 0.75
"""Half the ellipse's parameter, radians, up to which the short rule does."""
_GRAZING = 1e-12
_STEPS = 30
"""Most steps to a mirror point; three or four do, where the curve is near a parabola."""
_CLOSE = 1e-6
"""Radians of the ellipse's parameter: the last Newton step, whose error is its square."""


@compiled
def _horizon(x: float, y: float, a: float, b: float) -> tuple[float, float]:
    """Parameter below a point, and how far from there on either side its tangents touch."""
    x, y = x / a, y / b
    return math.atan2(y, x), math.acos(min(1.0 / math.sqrt(x * x + y * y), 1.0))


@compiled
def _way_along(leaves: float, half: float, a: float, b: float) -> tuple[float, float]:
    """Circumference, and the integral of 1 / pace, over 2 `half` of the parameter."""
    if a == b:
        return 2.0 * half * a, 2.0 * half / a
    nodes, weights = (_SHORT, _SHORT_WEIGHTS) if half < _SHORT_ARC else (_LONG, _LONG_WEIGHTS)
    mean, swing = 0.5 * (a * a + b * b), 0.5 * (b * b - a * a)
    arc, slowness = 0.0, 0.0
    for i in range(len(nodes)):
        pace = math.sqrt(mean + swing * math.cos(2.0 * (leaves + half * (nodes[i] + 1.0))))
        arc += weights[i] * pace
        slowness += weights[i] / pace
    return half * arc, half * slowness


@compiled
def _crept(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    leaves: float, lands: float, k: float, apart: float, table: Table,
) -> complex:  # fmt: skip
    """The wave along the string that touches the body from `leaves` to `lands`."""
    ux, uy = math.cos(leaves), math.sin(leaves)
    vx, vy = math.cos(lands), math.sin(lands)
    s1 = math.sqrt((sx - a * ux) ** 2 + (sy - b * uy) ** 2)
    s2 = math.sqrt((rx - a * vx) ** 2 + (ry - b * vy) ** 2)
    arc, slowness = _way_along(leaves, 0.5 * (lands - leaves), a, b)
    size = np.cbrt(0.5 * k / (a * b))
    paces = ((a * uy) ** 2 + (b * ux) ** 2) * ((a * vy) ** 2 + (b * vx) ** 2)
    m = size * math.sqrt(math.sqrt(paces))
    xi = slowness * size * a * b
    root = math.sqrt(0.5 * k * s1 * s2 / (s1 + s2)) / m
    strength = -m * math.sqrt(2.0 / k) * math.sqrt(apart / (s1 * s2))
    turn = k * (s1 + arc + s2 - apart)
    wave = transition(table[0], table[1], xi, m, root)
    return complex(strength * wave * complex(math.cos(turn), -math.sin(turn)))


@compiled
def _mirror_point(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float, low: float, high: float
) -> float:
    """Parameter between `low` and `high` of the shortest way by the surface."""
    t = 0.5 * (low + high)
    for _ in range(_STEPS):
        c, s = math.cos(t), math.sin(t)
        back_x, back_y, on_x, on_y = sx - a * c, sy - b * s, rx - a * c, ry - b * s
        s1 = math.sqrt(back_x * back_x + back_y * back_y)
        s2 = math.sqrt(on_x * on_x + on_y * on_y)
        along_x, along_y = -a * s, b * c
        u1 = (back_x * along_x + back_y * along_y) / s1
        u2 = (on_x * along_x + on_y * along_y) / s2
        slope = -u1 - u2
        if slope > 0.0:
            high = t
        else:
            low = t
        pace = along_x * along_x + along_y * along_y
        inwards = (back_x / s1 + on_x / s2) * a * c + (back_y / s1 + on_y / s2) * b * s
        bend = inwards + (pace - u1 * u1) / s1 + (pace - u2 * u2) / s2
        step = -slope / bend if bend > 0.0 else 0.0
        if not (low < t + step < high):
            step = 0.5 * (low + high) - t
        t += step
        if abs(step) < _CLOSE:
            break
    return t


@compiled
def _mirrored(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    low: float, high: float, k: float, apart: float, table: Table,
) -> complex:  # fmt: skip
    """The wave off a mirror point between `low` and `high`."""
    point = _mirror_point(sx, sy, rx, ry, a, b, low, high)
    c, s = math.cos(point), math.sin(point)
    back_x, back_y, on_x, on_y = sx - a * c, sy - b * s, rx - a * c, ry - b * s
    s1 = math.sqrt(back_x * back_x + back_y * back_y)
    s2 = math.sqrt(on_x * on_x + on_y * on_y)
    pace = math.sqrt((a * s) ** 2 + (b * c) ** 2)
    towards = (back_x / s1 + on_x / s2) * b * c + (back_y / s1 + on_y / s2) * a * s
    cosine = max(0.5 * towards / pace, _GRAZING)
    m = np.cbrt(0.5 * k / (a * b)) * pace
    radius = 2.0 * m**3 / k
    xi = -2.0 * m * cosine
    spread = radius / (radius * cosine * (1.0 / s1 + 1.0 / s2) + 2.0)
    if xi < LOWEST_XI:
        strength = reflection_at(table[2], min(cosine, 1.0)) * math.sqrt(spread * cosine)
    else:
        root = math.sqrt(0.5 * k * s1 * s2 / (s1 + s2)) / m
        turn = xi**3 / 12.0
        strength = -math.sqrt(2.0 * spread / m) * complex(math.cos(turn), -math.sin(turn))
        strength *= transition(table[0], table[1], xi, m, root)
    turn = k * (s1 + s2 - apart)
    strength *= math.sqrt(apart / (s1 * s2))
    return complex(strength * complex(math.cos(turn), -math.sin(turn)))


@compiled
def one_way_round(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    anticlockwise: bool, k: float, table: Table,
) -> complex:  # fmt: skip
    """E/E0 at the receiver (rx, ry) of what goes that way round an ellipse of half axes a, b from
    the source (sx, sy); both outside."""
    if not anticlockwise:
        sy, ry = -sy, -ry
    apart = math.sqrt((rx - sx) ** 2 + (ry - sy) ** 2)
    bearing, aperture = _horizon(sx, sy, a, b)
    end_bearing, end_aperture = _horizon(rx, ry, a, b)
    end_bearing = bearing + (end_bearing - bearing) % (2.0 * math.pi)
    leaves, lands = bearing + aperture, end_bearing - end_aperture
    if lands > leaves:
        return _crept(sx, sy, rx, ry, a, b, leaves, lands, k, apart, table)
    # Both ends see the mirror point: it is not beyond the horizon of either.
    low, high = max(lands, bearing - aperture), min(leaves, end_bearing + end_aperture)
    return 1.0 + _mirrored(sx, sy, rx, ry, a, b, low, high, k, apart, table)
