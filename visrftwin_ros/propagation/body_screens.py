"""People as opaque screens across path segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.blockage import (
    FIELD_OF_MODEL,
    BlockageModel,
    Screens,
    first_zone_radius,
)
from visrftwin_ros.propagation.segments import Segments

REACH_IN_ZONES = 2.0
"""A segment is affected within a body's silhouette plus this many first-zone radii.

Inside one radius (design 5.3) the field is the model's own; from there to two it fades to free
space. Cut at one radius, a fringe of more than 1 dB would end in a step as a person walks past.
"""
_UPRIGHT = 0.1
"""Metres over the ground under which a segment counts as vertical: it stays within one body."""


@dataclass(frozen=True)
class Shadows:
    """K pairs of a segment and a body near it: their indices and the field factor E/E0, (K,)."""

    segment: NDArray[np.intp]
    body: NDArray[np.intp]
    field: NDArray[np.complex128]


def shadows(
    segments: Segments,
    bodies: Bodies,
    segment: NDArray[np.intp],
    body: NDArray[np.intp],
    wavelength: float,
    model: BlockageModel,
) -> Shadows:
    """Those of the candidate pairs (`segment`, `body`), (C,) each, in which the body matters.

    The screen stands through the body's axis, perpendicular to the segment, as wide as the
    elliptic silhouette from there and as high as head and feet project. A person stands on
    reflecting ground, whose image continues the screen downwards by its height: no field passes
    under the feet.
    """
    segment, body = _beside(segments, bodies, segment, body, wavelength)
    start, along = segments.start[segment], (segments.end - segments.start)[segment]
    length = segments.length[segment]
    foot, height = bodies.position[body], bodies.height[body]
    flat = np.hypot(along[:, 0], along[:, 1])
    upright = flat < _UPRIGHT
    # Horizontal direction of travel; any will do for a vertical segment.
    ahead = np.where(upright[:, None], [1.0, 0.0], along[:, :2] / np.maximum(flat, 1e-12)[:, None])
    to_foot = foot[:, :2] - start[:, :2]
    travelled = (to_foot * ahead).sum(axis=1)
    aside = ahead[:, 0] * to_foot[:, 1] - ahead[:, 1] * to_foot[:, 0]
    half_width, half_depth = _half_silhouette(bodies, body, ahead)

    middle = foot[:, 2] + height / 2 - start[:, 2]
    share = np.where(
        upright,
        middle * np.sign(along[:, 2]) / length,
        travelled / np.maximum(flat, 1e-12),
    )
    extent = np.where(upright, height / 2, half_depth) / np.where(upright, length, flat + 1e-12)
    between = (share >= np.where(segments.first[segment], -extent, 0.0)) & (
        share <= np.where(segments.last[segment], 1.0 + extent, 1.0)
    )
    share = np.clip(share, 0.0, 1.0)
    # A body is no thinner than its depth: nearer than that the ray's end is inside it.
    d1 = np.maximum(segments.behind[segment] + share * length, half_depth)
    d2 = np.maximum(segments.ahead[segment] + (1 - share) * length, half_depth)

    level = start[:, 2] + share * along[:, 2]
    flatness, steepness = flat / length, np.abs(along[:, 2]) / length
    tilt = half_depth * steepness
    shift = np.where(upright, travelled, 0.0) * steepness
    top = (foot[:, 2] + height - level) * flatness + tilt + shift
    bottom = (foot[:, 2] - height - level) * flatness - tilt + shift
    zone = first_zone_radius(d1, d2, wavelength)
    clear = np.hypot(
        np.maximum(np.abs(aside) - half_width, 0.0), np.maximum(np.maximum(-top, bottom), 0.0)
    )
    near = between & (clear < REACH_IN_ZONES * zone)

    screens = Screens(
        *(a[near] for a in (d1, d2, aside - half_width, aside + half_width, bottom, top))
    )
    field = FIELD_OF_MODEL[model](screens, wavelength)
    excess = np.clip((clear / zone)[near] - 1.0, 0.0, REACH_IN_ZONES - 1.0)
    weight = np.cos(np.pi / 2 * excess / (REACH_IN_ZONES - 1.0)) ** 2
    return Shadows(segment[near], body[near], 1.0 - weight * (1.0 - field))


def _beside(
    segments: Segments,
    bodies: Bodies,
    segment: NDArray[np.intp],
    body: NDArray[np.intp],
    wavelength: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs whose body stands beside the segment's line, not far off it nor all below it.

    A few operations on all candidates save many on those that go here.
    """
    x, y, z, dx, dy, climb, square, length, widest = (c[segment] for c in segments.columns)
    columns = (*bodies.position.T, bodies.position[:, 2] + bodies.height)
    foot_x, foot_y, _, head = (column.astype(np.float32)[body] for column in columns)
    off = dx * (foot_y - y) - dy * (foot_x - x)
    radius = reach(bodies, 0.0, wavelength).astype(np.float32)[body]
    far = radius + np.float32(REACH_IN_ZONES * np.sqrt(wavelength)) * widest
    upright = square < _UPRIGHT**2
    share = (dx * (foot_x - x) + dy * (foot_y - y)) / np.where(upright, 1, square)
    over = (z + share * climb - head) * np.sqrt(square) > far * length
    near = ((off**2 < far**2 * square) & ~over) | upright
    return segment[near], body[near]


def reach(bodies: Bodies, longest: float, wavelength: float) -> NDArray[np.float64]:
    """(N,) metres on the ground beyond which a body touches no path of up to `longest` metres."""
    widest = np.hypot(bodies.width, bodies.depth) / 2
    return widest + REACH_IN_ZONES * np.sqrt(wavelength * longest) / 2


def inside_bodies(points: NDArray[np.float64], bodies: Bodies) -> NDArray[np.bool_]:
    """(N points, M bodies): the point (N, 3) is within the elliptic cylinder."""
    offset = points[:, None] - bodies.position[None]
    c, s = np.cos(bodies.heading), np.sin(bodies.heading)
    forward = (offset[..., 0] * c + offset[..., 1] * s) / (bodies.depth / 2)
    sideways = (-offset[..., 0] * s + offset[..., 1] * c) / (bodies.width / 2)
    level = offset[..., 2]
    return (forward**2 + sideways**2 < 1) & (level >= 0) & (level <= bodies.height)


def _half_silhouette(
    bodies: Bodies, body: NDArray[np.intp], direction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half the ellipse's extent across and along the horizontal unit `direction` (C, 2)."""
    c, s = np.cos(bodies.heading[body]), np.sin(bodies.heading[body])
    facing = direction[:, 0] * c + direction[:, 1] * s
    crossing = -direction[:, 0] * s + direction[:, 1] * c
    half_shoulders, half_chest = bodies.width[body] / 2, bodies.depth[body] / 2
    across = np.hypot(half_shoulders * facing, half_chest * crossing)
    along = np.hypot(half_shoulders * crossing, half_chest * facing)
    return across, along
