"""The field round a thick body as `cylinder_diffraction` has it, one path at a time as machine code.

Of an electric field along the axis, with the transition from a table. Lengths in metres, from the
axis; `k` is the wave number across it, `root_k` its cube root.
"""

from __future__ import annotations

import math

import numpy as np

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor
from visrftwin_ros.propagation.fields.pekeris_function import LOWEST_XI
from visrftwin_ros.propagation.people.transition_table import (
    DEEPEST,
    Table,
    reflection_at,
    transition,
)

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_INNER, _OUTER = np.polynomial.legendre.leggauss(4)[0][2:]
_INNER_WEIGHT, _OUTER_WEIGHT = np.polynomial.legendre.leggauss(4)[1][2:]
_SHORT_ARC = 0.3
"""Half the ellipse's parameter, radians, up to which four nodes do: 1e-9 of the arc."""
_GRAZING = 1e-12
_STEPS = 30
"""Most steps to a mirror point; from between the horizons two or three do."""
_LONGEST_STEP = 0.3
_CLOSE = 1e-5
"""Radians of the ellipse's parameter: the last Newton step, whose error is its square."""


@compiled
def _crept(
    xi: float, m: float, s1: float, s2: float, arc: float, apart: float, k: float, table: Table
) -> complex:
    """The wave along a string of these lengths before the body, along it and behind it."""
    if xi > DEEPEST:
        return 0j
    root = math.sqrt(0.5 * k * s1 * s2 / (s1 + s2)) / m
    strength = -m * math.sqrt(2.0 / k * apart / (s1 * s2))
    turn = k * (s1 + arc + s2 - apart)
    wave = transition(table, xi, m, root) * phasor(turn)
    return complex(strength * wave.real, strength * wave.imag)


@compiled
def _mirrored(
    cosine: float, m: float, s1: float, s2: float, apart: float, k: float, table: Table
) -> complex:
    """The wave off a mirror point of this size m, at this cosine of incidence."""
    cosine = min(max(cosine, _GRAZING), 1.0)
    radius = 2.0 * m * m * m / k
    xi = -2.0 * m * cosine
    spread = radius / (radius * cosine * (1.0 / s1 + 1.0 / s2) + 2.0)
    turn = k * (s1 + s2 - apart)
    if xi < LOWEST_XI:
        strength = math.sqrt(spread * cosine * apart / (s1 * s2))
        wave = reflection_at(table, cosine) * phasor(turn)
    else:
        root = math.sqrt(0.5 * k * s1 * s2 / (s1 + s2)) / m
        strength = -math.sqrt(2.0 * spread / m * apart / (s1 * s2))
        wave = transition(table, xi, m, root) * phasor(turn + xi * xi * xi / 12.0)
    return complex(strength * wave.real, strength * wave.imag)


@compiled
def _off_the_side(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    c: float, s: float, size: float, apart: float, k: float, table: Table,
) -> complex:  # fmt: skip
    """What comes off the shortest way by the surface, whose point is sought from (a c, b s) on.

    `size`: m over the metres of circumference a radian of the ellipse's parameter.
    """
    s1, s2, pace, back_x, back_y, on_x, on_y = 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0
    for _ in range(_STEPS):
        back_x, back_y, on_x, on_y = sx - a * c, sy - b * s, rx - a * c, ry - b * s
        s1 = math.sqrt(back_x * back_x + back_y * back_y)
        s2 = math.sqrt(on_x * on_x + on_y * on_y)
        along_x, along_y = -a * s, b * c
        pace = along_x * along_x + along_y * along_y
        u1 = (back_x * along_x + back_y * along_y) / s1
        u2 = (on_x * along_x + on_y * along_y) / s2
        inwards = (back_x / s1 + on_x / s2) * a * c + (back_y / s1 + on_y / s2) * b * s
        bend = inwards + (pace - u1 * u1) / s1 + (pace - u2 * u2) / s2
        # The way is convex between the horizons, so that short steps find its minimum.
        step = (u1 + u2) / bend if bend > 0.0 else math.copysign(_LONGEST_STEP, u1 + u2)
        if abs(step) < _CLOSE:
            break
        step = min(max(step, -_LONGEST_STEP), _LONGEST_STEP)
        longer = 1.0 / math.sqrt(1.0 + step * step)
        c, s = (c - s * step) * longer, (s + c * step) * longer
    pace = math.sqrt(pace)
    towards = (back_x / s1 + on_x / s2) * b * c + (back_y / s1 + on_y / s2) * a * s
    return _mirrored(0.5 * towards / pace, size * pace, s1, s2, apart, k, table)


@compiled
def past_round(
    aside: float, radius: float, d1: float, d2: float, size: float, k: float, table: Table
) -> complex:
    """E/E0 of what passes left of a round body, its axis `aside` to the left of the path, at the
    end of a path of `d1` to below the axis and `d2` from there; both longer than the radius.

    size: m = (k radius / 2)^(1/3).
    """
    s1 = math.sqrt(d1 * d1 + aside * aside - radius * radius)
    s2 = math.sqrt(d2 * d2 + aside * aside - radius * radius)
    # By how much the string turns away from the path, before the body and behind it: the cosines
    # and sines, times the squares of the ends' distances from the axis.
    cos_1, sin_1 = d1 * s1 - aside * radius, d1 * radius + aside * s1
    cos_2, sin_2 = d2 * s2 - aside * radius, d2 * radius + aside * s2
    sine = sin_1 * cos_2 + cos_1 * sin_2
    # Both turns are positive where the axis is to the left; else they come to less than half a turn.
    if aside >= 0.0 or sine > 0.0:
        creeps = math.atan2(sine, cos_1 * cos_2 - sin_1 * sin_2)
        if creeps < 0.0:
            creeps += 2.0 * math.pi
        return _crept(size * creeps, size, s1, s2, radius * creeps, d1 + d2, k, table)
    # From between the points where the strings touch.
    square_1, square_2 = d1 * d1 + aside * aside, d2 * d2 + aside * aside
    middle_x = sin_2 / square_2 - sin_1 / square_1
    middle_y = cos_1 / square_1 + cos_2 / square_2
    longer = 1.0 / math.sqrt(middle_x * middle_x + middle_y * middle_y)
    return 1.0 + _off_the_side(
        -d1, -aside, d2, -aside, radius, radius, middle_x * longer, middle_y * longer,
        size / radius, d1 + d2, k, table,
    )  # fmt: skip


@compiled
def _one_way(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    out_x: float, out_y: float, in_x: float, in_y: float, creeps: float,
    size: float, k: float, table: Table,
) -> complex:  # fmt: skip
    """Anticlockwise, with the string on the body for `creeps` of its parameter, from the one
    direction to the other."""
    apart = math.sqrt((rx - sx) * (rx - sx) + (ry - sy) * (ry - sy))
    if creeps <= 0.0:
        middle_x, middle_y = out_x + in_x, out_y + in_y
        longer = 1.0 / math.sqrt(middle_x * middle_x + middle_y * middle_y)
        return 1.0 + _off_the_side(
            sx, sy, rx, ry, a, b, middle_x * longer, middle_y * longer, size, apart, k, table
        )
    half = 0.5 * creeps
    # The square of the pace is mean + swing * cos(2 parameter).
    mean, swing = 0.5 * (a * a + b * b), 0.5 * (b * b - a * a)
    start_c, start_s = out_x * out_x - out_y * out_y, 2.0 * out_x * out_y
    arc, slowness = 0.0, 0.0
    if half < _SHORT_ARC:
        for node, weight in ((_INNER, _INNER_WEIGHT), (_OUTER, _OUTER_WEIGHT)):
            for way in (2.0 * half * (1.0 - node), 2.0 * half * (1.0 + node)):
                turn = phasor(way)
                turned = start_c * turn.real + start_s * turn.imag
                pace = math.sqrt(mean + swing * turned)
                arc += weight * pace
                slowness += weight / pace
    else:
        for i in range(len(_NODES)):
            way = 2.0 * half * (1.0 + _NODES[i])
            turn = phasor(way)
            turned = start_c * turn.real + start_s * turn.imag
            pace = math.sqrt(mean + swing * turned)
            arc += _WEIGHTS[i] * pace
            slowness += _WEIGHTS[i] / pace
    # xi = Int m / radius ds with m = size * pace, radius = pace^3 / (a b).
    xi = half * slowness * size * a * b
    ux, uy = a * out_x - sx, b * out_y - sy
    vx, vy = a * in_x - rx, b * in_y - ry
    paces = ((a * out_y) ** 2 + (b * out_x) ** 2) * ((a * in_y) ** 2 + (b * in_x) ** 2)
    return _crept(
        xi, size * math.sqrt(math.sqrt(paces)), math.sqrt(ux * ux + uy * uy),
        math.sqrt(vx * vx + vy * vy), half * arc, apart, k, table,
    )  # fmt: skip


@compiled
def _tangents(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float
) -> tuple[float, float, float, float, float, float, float, float, float, float]:
    """Where the ellipse is a unit circle: unit vectors to source and receiver (px, py), (qx, qy);
    cosine and sine of the angles, p, up and q, uq, from below an end to where its tangents touch;
    the angle from source to receiver and the sum of those two, radians."""
    px, py, qx, qy = sx / a, sy / b, rx / a, ry / b
    p = 1.0 / math.sqrt(px * px + py * py)
    q = 1.0 / math.sqrt(qx * qx + qy * qy)
    px, py, qx, qy = px * p, py * p, qx * q, qy * q
    up, uq = math.sqrt(max(1.0 - p * p, 0.0)), math.sqrt(max(1.0 - q * q, 0.0))
    apertures = math.atan2(up * q + uq * p, p * q - up * uq)
    turn = math.atan2(px * qy - py * qx, px * qx + py * qy)
    if turn < 0.0:
        turn += 2.0 * math.pi
    return px, py, qx, qy, p, q, up, uq, turn, apertures


@compiled
def past_ellipse(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    size: float, k: float, table: Table,
) -> complex:  # fmt: skip
    """E/E0 at the receiver (rx, ry) of what goes both ways round an ellipse of half axes a, b from
    the source (sx, sy); both outside. size: (k / (2 a b))^(1/3)."""
    px, py, qx, qy, p, q, up, uq, turn, apertures = _tangents(sx, sy, rx, ry, a, b)
    found = _one_way(
        sx, sy, rx, ry, a, b, px * p - py * up, py * p + px * up, qx * q + qy * uq,
        qy * q - qx * uq, turn - apertures, size, k, table,
    )  # fmt: skip
    return found + _one_way(
        sx, -sy, rx, -ry, a, b, px * p + py * up, -(py * p - px * up), qx * q - qy * uq,
        -(qy * q + qx * uq), 2.0 * math.pi - turn - apertures, size, k, table,
    )  # fmt: skip


@compiled
def past_one_side(
    sx: float, sy: float, rx: float, ry: float, a: float, b: float,
    anticlockwise: bool, k: float, table: Table,
) -> complex:  # fmt: skip
    """The part of `past_ellipse` that goes that way round."""
    if not anticlockwise:
        sy, ry = -sy, -ry
    px, py, qx, qy, p, q, up, uq, turn, apertures = _tangents(sx, sy, rx, ry, a, b)
    return _one_way(
        sx, sy, rx, ry, a, b, px * p - py * up, py * p + px * up, qx * q + qy * uq,
        qy * q - qx * uq, turn - apertures, np.cbrt(0.5 * k / (a * b)), k, table,
    )  # fmt: skip
