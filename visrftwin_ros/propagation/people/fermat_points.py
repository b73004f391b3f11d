"""Where a ray from one device mirrors off a standing body into another: Fermat's point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled, in_halves

Vectors = Float[np.ndarray, "k 3"]
Axes = Float[np.ndarray, " 3"]

_MOST_STEPS, _MOST_HALVINGS = 60, 30
_LARGEST_STEP = 0.5
"""Radians on the unit sphere."""
_LAST_STEP = 1e-9
_SAME_DIRECTION = 1e-6
"""Radians between the normal and the bisector at which the law of reflection counts as kept."""


@dataclass(frozen=True)
class MirrorPoints:
    """K pairs of a link and a body: point in metres, outward normal, curvature: the second
    fundamental form, 1/m, of which what is across the normal counts, all in the world frame; and
    whether the surface mirrors the one end into the other."""

    point: Vectors
    normal: Vectors
    curvature: Float[np.ndarray, "k 3 3"]
    found: Bool[np.ndarray, " k"]


def semi_axes(bodies: Bodies) -> Float[np.ndarray, "n 3"]:
    """Metres, forward, sideways and upright, of the ellipsoids that reflect for these bodies.

    A standing person as the ellipsoid of their depth, breadth and stature (Durney, Massoudi and
    Iskander, Radiofrequency Radiation Dosimetry Handbook, USAFSAM-TR-85-73, 1986, model the
    average man so): curved everywhere, so that it mirrors any two ends into each other, over the
    head too.
    """
    return np.column_stack([bodies.depth, bodies.width, bodies.height]) / 2


def mirror_points(
    transmitter: Vectors,
    receiver: Vectors,
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
) -> MirrorPoints:
    """Fermat's points on the ellipsoids of `body`, for ends in metres.

    There the way over the surface is shortest. The way is a convex function of the point and the
    body a convex set, so there is one such point where the straight line passes beside, over or
    under the body, and none where it goes through, or where an end is inside.
    """
    poses = np.column_stack([bodies.position, np.cos(bodies.heading), np.sin(bodies.heading)])
    tx, rx = (np.ascontiguousarray(end, float) for end in (transmitter, receiver))
    # nonzero() gives every second number of its memory, which would be compiled for on its own.
    of = np.ascontiguousarray(body, np.intp)
    semi = semi_axes(bodies)
    parts = in_halves(lambda some: _mirrors(tx[some], rx[some], poses, semi, of[some]), len(body))
    return MirrorPoints(*map(np.concatenate, zip(*parts, strict=True)))


@compiled
def _mirrors(
    transmitter: Vectors,
    receiver: Vectors,
    poses: Float[np.ndarray, "n 5"],
    semi_axes_of: Float[np.ndarray, "n 3"],
    body: Int[np.ndarray, " k"],
) -> tuple[Vectors, Vectors, Float[np.ndarray, "k 3 3"], Bool[np.ndarray, " k"]]:
    count = len(body)
    point, normal = np.full((count, 3), np.nan), np.full((count, 3), np.nan)
    curvature, found = np.zeros((count, 3, 3)), np.zeros(count, np.bool_)
    tx, rx, w = np.empty(3), np.empty(3), np.empty(3)
    for k in range(count):
        j = body[k]
        cos, sin, semi = poses[j, 3], poses[j, 4], semi_axes_of[j]
        x, y, z = poses[j, 0], poses[j, 1], poses[j, 2] + semi[2]
        for end, within in ((transmitter[k], tx), (receiver[k], rx)):
            dx, dy = end[0] - x, end[1] - y
            within[0], within[1], within[2] = cos * dx + sin * dy, cos * dy - sin * dx, end[2] - z
        if not _shortest_way(tx, rx, semi, w):
            continue
        slope = np.sqrt((w[0] / semi[0]) ** 2 + (w[1] / semi[1]) ** 2 + (w[2] / semi[2]) ** 2)
        for i in range(3):
            tx[i] -= semi[i] * w[i]
            rx[i] -= semi[i] * w[i]
        _scale(tx)
        _scale(rx)
        px, py = semi[0] * w[0], semi[1] * w[1]
        point[k, 0], point[k, 1] = x + cos * px - sin * py, y + sin * px + cos * py
        point[k, 2] = z + semi[2] * w[2]
        nx, ny, nz = w[0] / semi[0] / slope, w[1] / semi[1] / slope, w[2] / semi[2] / slope
        normal[k, 0], normal[k, 1], normal[k, 2] = cos * nx - sin * ny, sin * nx + cos * ny, nz
        # x^T M x = 1 has the form M / |M x| across its normal.
        along, across = 1 / (slope * semi[0] ** 2), 1 / (slope * semi[1] ** 2)
        curvature[k, 0, 0] = along * cos**2 + across * sin**2
        curvature[k, 1, 1] = along * sin**2 + across * cos**2
        curvature[k, 0, 1] = curvature[k, 1, 0] = (along - across) * cos * sin
        curvature[k, 2, 2] = 1 / (slope * semi[2] ** 2)
        bx, by, bz = tx[0] + rx[0], tx[1] + rx[1], tx[2] + rx[2]
        off = (ny * bz - nz * by) ** 2 + (nz * bx - nx * bz) ** 2 + (nx * by - ny * bx) ** 2
        lit = min(nx * tx[0] + ny * tx[1] + nz * tx[2], nx * rx[0] + ny * rx[1] + nz * rx[2])
        found[k] = off < _SAME_DIRECTION**2 and lit > 0
    return point, normal, curvature, found


@compiled
def _shortest_way(tx: Axes, rx: Axes, semi: Axes, w: Axes) -> bool:
    """Into `w` the direction of the point semi * w of the shortest way tx, point, rx, all in the
    frame of the ellipsoid; whether there is one.

    Newton's method on the unit sphere, from where the straight line comes nearest in the
    coordinates in which the ellipsoid is that sphere.
    """
    if not _nearest_on_line(tx, rx, semi, w):
        return False
    trial, first, second = np.empty(3), np.empty(3), np.empty(3)
    way = _way(tx, rx, semi, w)
    for _ in range(_MOST_STEPS):
        _across(w, first, second)
        along_1, along_2 = _newton_step(tx, rx, semi, w, first, second)
        length = np.sqrt(along_1**2 + along_2**2)
        if not length > _LAST_STEP:
            break
        share, shorter = min(1.0, _LARGEST_STEP / length), np.inf
        for _ in range(_MOST_HALVINGS):
            for i in range(3):
                trial[i] = w[i] + share * (along_1 * first[i] + along_2 * second[i])
            _scale(trial)
            shorter = _way(tx, rx, semi, trial)
            if shorter < way:
                break
            share /= 2
        w[:] = trial
        if not shorter < way:  # the last digits of the way have been reached
            break
        way = shorter
    return True


@compiled
def _nearest_on_line(tx: Axes, rx: Axes, semi: Axes, w: Axes) -> bool:
    """Into `w`, the direction in which the line from `tx` to `rx` comes nearest to the centre,
    in units of the semi-axes; whether it stays outside."""
    square, along = 0.0, 0.0
    for i in range(3):
        step = (rx[i] - tx[i]) / semi[i]
        square += step * step
        along -= step * tx[i] / semi[i]
    share = min(max(along / square, 0.0), 1.0) if square > 0 else 0.0
    for i in range(3):
        w[i] = (tx[i] + share * (rx[i] - tx[i])) / semi[i]
    return _scale(w) > 1


@compiled
def _scale(w: Axes) -> float:
    """Makes `w` a unit vector; its length before."""
    size = np.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    for i in range(3):
        w[i] /= size
    return float(size)


@compiled
def _way(tx: Axes, rx: Axes, semi: Axes, w: Axes) -> float:
    before, after = 0.0, 0.0
    for i in range(3):
        before += (semi[i] * w[i] - tx[i]) ** 2
        after += (semi[i] * w[i] - rx[i]) ** 2
    return float(np.sqrt(before) + np.sqrt(after))


@compiled
def _across(w: Axes, first: Axes, second: Axes) -> None:
    """Two unit vectors across `w` and each other."""
    least = 0
    for i in range(1, 3):
        if abs(w[i]) < abs(w[least]):
            least = i
    part = w[least]
    for i in range(3):
        first[i] = -part * w[i]
    first[least] += 1.0
    _scale(first)
    second[0] = w[1] * first[2] - w[2] * first[1]
    second[1] = w[2] * first[0] - w[0] * first[2]
    second[2] = w[0] * first[1] - w[1] * first[0]


@compiled
def _newton_step(
    tx: Axes, rx: Axes, semi: Axes, w: Axes, first: Axes, second: Axes
) -> tuple[float, float]:
    """Radians along `first` and `second`.

    The turn of the sphere adds to the second derivatives of the way; where it would take off them
    the way is no minimum, and downhill is all that counts.
    """
    slope_1, slope_2, upright, h_11, h_12, h_22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for end in (tx, rx):
        square, along_1, along_2, along = 0.0, 0.0, 0.0, 0.0
        long_1, long_12, long_2 = 0.0, 0.0, 0.0
        for i in range(3):
            line, step_1, step_2 = semi[i] * w[i] - end[i], semi[i] * first[i], semi[i] * second[i]
            square += line * line
            along_1 += line * step_1
            along_2 += line * step_2
            along += line * semi[i] * w[i]
            long_1 += step_1 * step_1
            long_12 += step_1 * step_2
            long_2 += step_2 * step_2
        distance = np.sqrt(square)
        slope_1 += along_1 / distance
        slope_2 += along_2 / distance
        upright += along / distance
        h_11 += (long_1 - along_1 * along_1 / square) / distance
        h_12 += (long_12 - along_1 * along_2 / square) / distance
        h_22 += (long_2 - along_2 * along_2 / square) / distance
    h_11, h_22 = h_11 + abs(upright), h_22 + abs(upright)
    determinant = h_11 * h_22 - h_12 * h_12
    return (
        (h_12 * slope_2 - h_22 * slope_1) / determinant,
        (h_12 * slope_1 - h_11 * slope_2) / determinant,
    )
