"""Which bodies stand beside which path segments, and their outlines as the wave meets them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.compiled import compiled, in_halves
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.screen_diffraction import Screens

Rows = Int[np.ndarray, " c"]
Kept = Int[np.ndarray, " k"]
Values = Float[np.ndarray, " k"]

REACH_IN_ZONES = 2.0
"""A segment is affected within a body's silhouette plus this many first-zone radii.

Inside one radius the field is the model's own; from there to two it fades to free
space. Cut at one radius, a fringe of more than 1 dB would end in a step as a person walks past.
"""
SHOULDER_HEIGHT = 0.818
"""Of a person's height: the acromion (Drillis and Contini 1966, as in Winter, Biomechanics, fig. 4.1)."""
HEAD_WIDTH = 0.17
"""Metres: between an adult head's mean breadth of 0.15 and length of 0.195 (ANSUR II), for it turns."""
CROTCH_HEIGHT = 0.48
"""Of a person's height (ANSUR II, men: 0.846 of 1.756 m)."""
LEG_WIDTH = 0.31
"""Of the shoulder breadth: 0.14 m, between a calf of 0.12 m and a thigh of 0.20 m across (the mean
girths of ANSUR II over pi)."""
LEGS_APART = 0.31
"""Of the shoulder breadth, from leg to leg: 0.14 m, between 0.17 m of the heels in quiet standing
(McIlroy and Maki, "Preferred placement of the feet during quiet stance", Clin. Biomech. 1997) and
0.1 m in walking."""
STRIDE_APART = 0.22
"""Metres from leg to leg along the way of a walker, typically: feet that part by a step of 0.7 m
(Winter, Biomechanics) and close again are 2/pi of that apart on average, half-way up the leg half
of it."""
_WALKING = 1.0
"""m/s from which a stride is full; below, it is shorter in proportion."""
_UPRIGHT = 0.1
"""Metres over the ground under which a segment counts as vertical: it stays within one body."""


@dataclass(frozen=True)
class Outlines(Screens):
    """Bodies as upright screens through their axes, (K,) each; metres where nothing else stands.

    Edges and distances as in `Screens`. half_depth: along the ray over the ground. shoulders,
    ground: heights of shoulders and feet over the ray; crotch: over the feet, all across the ray.
    half_apart: from the axis to the middle of a leg, across the ray. forward, sideways: the ray's
    direction over the ground in the body's axes. flatness: cosine of the ray's elevation.
    nearness: 1 within one first-zone radius of the outline, falling to 0 at REACH_IN_ZONES.
    """

    half_depth: Values
    shoulders: Values
    crotch: Values
    ground: Values
    half_apart: Values
    forward: Values
    sideways: Values
    flatness: Values
    nearness: Values


def outlines(
    segments: Segments, bodies: Bodies, segment: Rows, body: Rows, wavelength: float
) -> tuple[Kept, Kept, Outlines]:
    """Those of the candidate pairs (`segment`, `body`), (C,) each, in which the body matters.

    A body's screen stands through its axis, perpendicular to the segment, as wide as the elliptic
    silhouette from there and as high as head and feet project. A person stands on reflecting
    ground, whose image continues the screen downwards by its height: no field passes under the
    feet.
    """
    lines, sizes = segments.lines, body_sizes(bodies)
    near, by = np.ascontiguousarray(segment), np.ascontiguousarray(body)

    def of(some: slice) -> tuple[Kept, Kept, Float[np.ndarray, "k 15"]]:
        return outlined(*lines, sizes, near[some], by[some], wavelength)

    parts = in_halves(of, len(segment))
    found_segment, found_body, rows = map(np.concatenate, zip(*parts, strict=True))
    return found_segment, found_body, Outlines(*rows.T)


def body_sizes(bodies: Bodies) -> Float[np.ndarray, "n 10"]:
    """Columns that `outlined` reads of each: position, height, half depth and half width, cosine
    and sine of the heading, typical distances from leg to leg along it and across."""
    columns = (bodies.velocity, bodies.width, bodies.depth, bodies.height, bodies.heading)
    return _sizes(*(np.ascontiguousarray(c, float) for c in (bodies.position, *columns)))


@compiled
def _sizes(
    position: Float[np.ndarray, "n 3"],
    velocity: Float[np.ndarray, "n 3"],
    width: Float[np.ndarray, " n"],
    depth: Float[np.ndarray, " n"],
    height: Float[np.ndarray, " n"],
    heading: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "n 10"]:
    sizes = np.empty((len(width), 10))
    for j in range(len(width)):
        sizes[j, :3] = position[j]
        sizes[j, 3], sizes[j, 4], sizes[j, 5] = height[j], 0.5 * depth[j], 0.5 * width[j]
        sizes[j, 6], sizes[j, 7] = math.cos(heading[j]), math.sin(heading[j])
        speed = math.sqrt(velocity[j, 0] ** 2 + velocity[j, 1] ** 2)
        sizes[j, 8] = STRIDE_APART * min(speed / _WALKING, 1.0)
        sizes[j, 9] = LEGS_APART * width[j]
    return sizes


@compiled
def outlined(
    start: Float[np.ndarray, "s 3"],
    end: Float[np.ndarray, "s 3"],
    lengths: Float[np.ndarray, " s"],
    behind: Float[np.ndarray, " s"],
    ahead: Float[np.ndarray, " s"],
    first: Bool[np.ndarray, " s"],
    last: Bool[np.ndarray, " s"],
    sizes: Float[np.ndarray, "n 10"],
    segment: Rows,
    body: Rows,
    wavelength: float,
) -> tuple[Kept, Kept, Float[np.ndarray, "k 15"]]:
    """`outlines` of the `lines` of Segments, the columns of Outlines as columns."""
    kept = np.empty(len(segment), np.intp)
    found = np.empty((len(segment), 15))
    count = 0
    for row in range(len(segment)):
        i, j = segment[row], body[row]
        half_depth_of, half_width_of = sizes[j, 4], sizes[j, 5]
        x, y, z = start[i, 0], start[i, 1], start[i, 2]
        dx, dy, climb = end[i, 0] - x, end[i, 1] - y, end[i, 2] - z
        to_x, to_y = sizes[j, 0] - x, sizes[j, 1] - y
        flat = math.sqrt(dx * dx + dy * dy)
        upright = flat < _UPRIGHT
        # Horizontal direction of travel; any will do for a vertical segment.
        ahead_x, ahead_y = (1.0, 0.0) if upright else (dx / flat, dy / flat)
        aside = ahead_x * to_y - ahead_y * to_x
        length = lengths[i]
        widest = 0.5 * REACH_IN_ZONES * math.sqrt(wavelength * (behind[i] + length + ahead[i]))
        if abs(aside) > max(half_depth_of, half_width_of) + widest:
            continue

        forward = ahead_x * sizes[j, 6] + ahead_y * sizes[j, 7]
        sideways = ahead_y * sizes[j, 6] - ahead_x * sizes[j, 7]
        half_width = math.sqrt((half_width_of * forward) ** 2 + (half_depth_of * sideways) ** 2)
        half_depth = math.sqrt((half_width_of * sideways) ** 2 + (half_depth_of * forward) ** 2)
        travelled = to_x * ahead_x + to_y * ahead_y
        height = sizes[j, 3]
        if upright:
            share = (sizes[j, 2] + 0.5 * height - z) * np.sign(climb) / length
            extent = 0.5 * height / length
        else:
            share, extent = travelled / flat, half_depth / flat
        if share < (-extent if first[i] else 0.0) or share > (1.0 + extent if last[i] else 1.0):
            continue
        share = min(max(share, 0.0), 1.0)
        # A body is no thinner than its depth: nearer than that the ray's end is inside it.
        d1 = max(behind[i] + share * length, half_depth)
        d2 = max(ahead[i] + (1.0 - share) * length, half_depth)

        level = sizes[j, 2] - (z + share * climb)
        flatness, steepness = flat / length, abs(climb) / length
        tilt = half_depth * steepness
        shift = travelled * steepness if upright else 0.0
        top = (level + height) * flatness + tilt + shift
        bottom = (level - height) * flatness - tilt + shift
        beside = max(abs(aside) - half_width, 0.0)
        past = max(-top, bottom, 0.0)
        zone = math.sqrt(wavelength * d1 * d2 / (d1 + d2))
        clear = math.sqrt(beside * beside + past * past)
        if not clear < REACH_IN_ZONES * zone:
            continue

        excess = min(max(clear / zone - 1.0, 0.0), REACH_IN_ZONES - 1.0)
        # Of the two legs either may be in front, so the root of the mean square of both.
        legs_aside, legs_ahead = sizes[j, 9] * forward, sizes[j, 8] * sideways
        kept[count] = row
        found[count, 0], found[count, 1] = d1, d2
        found[count, 2], found[count, 3] = aside - half_width, aside + half_width
        found[count, 4], found[count, 5] = bottom, top
        found[count, 6] = half_depth
        found[count, 7] = top - (1.0 - SHOULDER_HEIGHT) * height * flatness
        found[count, 8] = max(CROTCH_HEIGHT * height * flatness - tilt, 0.0)
        found[count, 9] = level * flatness + shift
        found[count, 10] = 0.5 * math.sqrt(legs_aside * legs_aside + legs_ahead * legs_ahead)
        found[count, 11], found[count, 12] = forward, sideways
        found[count, 13] = flatness
        found[count, 14] = math.cos(0.5 * math.pi * excess / (REACH_IN_ZONES - 1.0)) ** 2
        count += 1
    rows = kept[:count]
    return segment[rows], body[rows], found[:count]
