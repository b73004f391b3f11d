"""People as opaque screens across path segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.box_diffraction import box_shadows
from visrftwin_ros.propagation.people.screen_diffraction import (
    FIELD_OF_MODEL,
    BlockageModel,
    Screens,
    first_zone_radius,
    fresnel_scale,
    phasor_integrals,
)

Rows = Int[np.ndarray, " c"]
Values = Float[np.ndarray, " c"]

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
class Shadows:
    """K pairs of a segment and a body near it: their indices and the field factor E/E0, (K,)."""

    segment: Int[np.ndarray, " k"]
    body: Int[np.ndarray, " k"]
    field: Complex[np.ndarray, " k"]


def shadows(
    segments: Segments,
    bodies: Bodies,
    segment: Rows,
    body: Rows,
    wavelength: float,
    model: BlockageModel,
) -> Shadows:
    """Those of the candidate pairs (`segment`, `body`), (C,) each, in which the body matters.

    The screen stands through the body's axis, perpendicular to the segment, as wide as the
    elliptic silhouette from there and as high as head and feet project. A person stands on
    reflecting ground, whose image continues the screen downwards by its height: no field passes
    under the feet. The screen of the `fresnel` model has a head over the shoulders and two legs
    under the trunk; the formulas of the other models are of one rectangle.
    """
    if bodies.is_box.any() and (box := bodies.is_box[body]).any():
        return _with_boxes(segments, bodies, segment, body, box, wavelength, model)
    segment, body = _beside(segments, bodies, segment, body, wavelength)
    start = segments.start.take(segment, axis=0)
    x, y, z = np.ascontiguousarray(start.T)
    dx, dy, climb = np.ascontiguousarray((segments.end.take(segment, axis=0) - start).T)
    length = segments.length.take(segment)
    foot_x, foot_y, foot_z, height = (
        column.take(body) for column in (*bodies.position.T, bodies.height)
    )
    # Square roots of sums of squares: `np.hypot` costs ten times as much.
    flat = np.sqrt(dx * dx + dy * dy)
    upright = flat < _UPRIGHT
    level_length = np.where(upright, 1.0, flat)
    # Horizontal direction of travel; any will do for a vertical segment.
    ahead_x, ahead_y = (
        np.where(upright, 1.0, dx / level_length),
        np.where(upright, 0.0, dy / level_length),
    )
    to_x, to_y = foot_x - x, foot_y - y
    travelled = to_x * ahead_x + to_y * ahead_y
    aside = ahead_x * to_y - ahead_y * to_x
    half_width, half_depth = _half_silhouette(bodies, body, ahead_x, ahead_y)

    middle = foot_z + height / 2 - z
    share = np.where(upright, middle * np.sign(climb) / length, travelled / level_length)
    extent = np.where(upright, height / (2 * length), half_depth / level_length)
    between = (share >= np.where(segments.first.take(segment), -extent, 0.0)) & (
        share <= np.where(segments.last.take(segment), 1.0 + extent, 1.0)
    )
    share = np.clip(share, 0.0, 1.0)
    # A body is no thinner than its depth: nearer than that the ray's end is inside it.
    d1 = np.maximum(segments.behind.take(segment) + share * length, half_depth)
    d2 = np.maximum(segments.ahead.take(segment) + (1 - share) * length, half_depth)

    level = foot_z - (z + share * climb)
    flatness, steepness = flat / length, np.abs(climb) / length
    tilt = half_depth * steepness
    shift = np.where(upright, travelled, 0.0) * steepness
    top = (level + height) * flatness + tilt + shift
    bottom = (level - height) * flatness - tilt + shift
    zone = first_zone_radius(d1, d2, wavelength)
    beside = np.maximum(np.abs(aside) - half_width, 0.0)
    past = np.maximum(np.maximum(-top, bottom), 0.0)
    clear = np.sqrt(beside * beside + past * past)
    near = np.flatnonzero(between & (clear < REACH_IN_ZONES * zone))

    screens = Screens(
        *(a.take(near) for a in (d1, d2, aside - half_width, aside + half_width, bottom, top))
    )
    if model == "fresnel":
        field = _person_field(
            screens,
            shoulders=(top - (1 - SHOULDER_HEIGHT) * height * flatness).take(near),
            crotch=np.maximum(CROTCH_HEIGHT * height * flatness - tilt, 0.0).take(near),
            ground=(level * flatness + shift).take(near),
            half_apart=_half_between_legs(bodies, body[near], ahead_x[near], ahead_y[near]),
            leg_width=LEG_WIDTH * bodies.width.take(body[near]),
            wavelength=wavelength,
        )
    else:
        field = FIELD_OF_MODEL[model](screens, wavelength)
    excess = np.clip(clear[near] / zone[near] - 1.0, 0.0, REACH_IN_ZONES - 1.0)
    weight = np.cos(np.pi / 2 * excess / (REACH_IN_ZONES - 1.0)) ** 2
    return Shadows(segment[near], body[near], 1.0 - weight * (1.0 - field))


def _with_boxes(
    segments: Segments,
    bodies: Bodies,
    segment: Rows,
    body: Rows,
    box: Bool[np.ndarray, " c"],
    wavelength: float,
    model: BlockageModel,
) -> Shadows:
    """`shadows` where some of the candidates are a `box`, whose law is the same by every model."""
    persons, things = np.flatnonzero(~box), np.flatnonzero(box)
    near = shadows(segments, bodies, segment[persons], body[persons], wavelength, model)
    beside = box_shadows(segments, bodies, segment[things], body[things], wavelength)
    row = things[beside.row]
    found = (
        np.append(near.segment, segment[row]),
        np.append(near.body, body[row]),
        np.append(near.field, beside.field),
    )
    # As the candidates: body by body, its segments ascending.
    order = np.lexsort((found[0], found[1]))
    return Shadows(*(column[order] for column in found))


def _person_field(
    body: Screens,
    shoulders: Float[np.ndarray, " n"],
    crotch: Float[np.ndarray, " n"],
    ground: Float[np.ndarray, " n"],
    half_apart: Float[np.ndarray, " n"],
    leg_width: Float[np.ndarray, " n"],
    wavelength: float,
) -> Complex[np.ndarray, " n"]:
    """E/E0 behind head, trunk, two legs, and the trunk that the ground mirrors.

    What screens side by side take from a field adds up (Babinet). shoulders: height of their line
    over the ray; ground: of the feet; crotch: over the feet, as are the legs' mirror images below;
    half_apart: from the axis to the middle of a leg, all in metres.
    """
    axis = (body.left + body.right) / 2
    half_head = np.minimum(HEAD_WIDTH, body.right - body.left) / 2
    outer, inner = half_apart + leg_width / 2, np.maximum(half_apart - leg_width / 2, 0.0)
    low, high = ground - crotch, ground + crotch
    edges = np.stack(
        [body.left, body.right, axis - half_head, axis + half_head]
        + [axis - outer, axis - inner, axis + inner, axis + outer]
        + [body.bottom, low, high, shoulders, body.top]
    )
    at = phasor_integrals(edges * fresnel_scale(body.d1, body.d2, wavelength))
    trunk, head = at[1] - at[0], at[3] - at[2]
    legs = (at[5] - at[4]) + (at[7] - at[6])
    beside = (at[9] - at[8]) + (at[11] - at[10])
    taken = trunk * beside + legs * (at[10] - at[9]) + head * (at[12] - at[11])
    return np.asarray(1.0 - 0.5j * taken)


def _half_between_legs(
    bodies: Bodies,
    body: Rows,
    ahead_x: Values,
    ahead_y: Values,
) -> Values:
    """Metres across the ray from the body's axis to a leg; either may be in front, so the
    root of the mean square of both."""
    c, s = (turn(bodies.heading).take(body) for turn in (np.cos, np.sin))
    speed = np.sqrt((bodies.velocity[:, :2] ** 2).sum(axis=1))
    stride = (STRIDE_APART * np.minimum(speed / _WALKING, 1.0)).take(body)
    sideways = LEGS_APART * bodies.width.take(body) * (ahead_x * c + ahead_y * s)
    forward = stride * (ahead_y * c - ahead_x * s)
    return np.sqrt(sideways * sideways + forward * forward) / 2


def _beside(
    segments: Segments,
    bodies: Bodies,
    segment: Rows,
    body: Rows,
    wavelength: float,
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """The pairs whose body stands beside the segment's line, not far off it nor all below it.

    A few operations on all candidates save many on those that go here.
    """
    x, y, z, dx, dy, climb, square, length, widest = segments.columns
    foot_x, foot_y = (column.astype(np.float32) for column in bodies.position[:, :2].T)
    head = (bodies.position[:, 2] + bodies.height).astype(np.float32)
    radius = reach(bodies, 0.0, wavelength).astype(np.float32)
    to_x, to_y = foot_x.take(body) - x.take(segment), foot_y.take(body) - y.take(segment)
    off = dx.take(segment) * to_y - dy.take(segment) * to_x
    far = radius.take(body) + np.float32(REACH_IN_ZONES * np.sqrt(wavelength)) * widest.take(
        segment
    )
    flat = square.take(segment)
    kept = np.flatnonzero((off * off < far * far * flat) | (flat < _UPRIGHT**2))
    segment, body, flat = segment[kept], body[kept], flat[kept]
    upright = flat < _UPRIGHT**2
    share = dx.take(segment) * to_x[kept] + dy.take(segment) * to_y[kept]
    share /= np.where(upright, np.float32(1), flat)
    over = z.take(segment) + share * climb.take(segment) - head.take(body)
    near = upright | (over * np.sqrt(flat) <= far[kept] * length.take(segment))
    return segment[near], body[near]


def reach(bodies: Bodies, longest: float, wavelength: float) -> Float[np.ndarray, " n"]:
    """Metres on the ground beyond which a body touches no path of up to `longest` metres."""
    widest = np.hypot(bodies.width, bodies.depth) / 2
    return widest + REACH_IN_ZONES * np.sqrt(wavelength * longest) / 2


def inside_bodies(
    points: Float[np.ndarray, "points 3"], bodies: Bodies
) -> Bool[np.ndarray, "points bodies"]:
    """(N points, M bodies): the point is within the elliptic cylinder or the box."""
    offset = points[:, None] - bodies.position[None]
    c, s = np.cos(bodies.heading), np.sin(bodies.heading)
    forward = (offset[..., 0] * c + offset[..., 1] * s) / (bodies.depth / 2)
    sideways = (-offset[..., 0] * s + offset[..., 1] * c) / (bodies.width / 2)
    level = offset[..., 2]
    within_box = np.maximum(np.abs(forward), np.abs(sideways)) < 1
    within = np.where(bodies.is_box, within_box, forward**2 + sideways**2 < 1)
    return within & (level >= 0) & (level <= bodies.height)


def _half_silhouette(
    bodies: Bodies,
    body: Rows,
    ahead_x: Values,
    ahead_y: Values,
) -> tuple[Values, Values]:
    """Half the ellipse's extent across and along the horizontal unit direction `ahead`."""
    c, s = (turn(bodies.heading).take(body) for turn in (np.cos, np.sin))
    facing = (ahead_x * c + ahead_y * s) ** 2
    crossing = (ahead_y * c - ahead_x * s) ** 2
    shoulders, chest = (((size / 2) ** 2).take(body) for size in (bodies.width, bodies.depth))
    across = np.sqrt(shoulders * facing + chest * crossing)
    along = np.sqrt(shoulders * crossing + chest * facing)
    return across, along
