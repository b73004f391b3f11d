"""People across path segments: the field behind each, by the model that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.body_outlines import (
    HEAD_WIDTH,
    LEG_WIDTH,
    REACH_IN_ZONES,
    Outlines,
    outlines,
)
from visrftwin_ros.propagation.people.box_diffraction import box_shadows
from visrftwin_ros.propagation.people.screen_diffraction import (
    FIELD_OF_MODEL,
    BlockageModel,
    fresnel_scale,
)
from visrftwin_ros.propagation.people.thick_bodies import thick_shadows

Rows = Int[np.ndarray, " c"]


@dataclass(frozen=True)
class Shadows:
    """K pairs of a segment and a body near it: their indices, the field factor E/E0, (K,), and the
    body's outline."""

    segment: Int[np.ndarray, " k"]
    body: Int[np.ndarray, " k"]
    field: Complex[np.ndarray, " k"]
    outline: Outlines


def shadows(
    segments: Segments,
    bodies: Bodies,
    segment: Rows,
    body: Rows,
    wavelength: float,
    model: BlockageModel,
    flat: bool = False,
) -> Shadows:
    """Those of the candidate pairs (`segment`, `body`), (C,) each, in which the body matters.

    `thick` bodies and the screens of the `fresnel` model have a head over the shoulders and two
    legs under the trunk, as screens in the former too if `flat`; the formulas of the other models
    are of one rectangle. Boxes have their own law (`box_diffraction`) by every model.
    """
    if bodies.is_box.any() and (box := bodies.is_box[body]).any():
        return _with_boxes(segments, bodies, segment, body, box, wavelength, model, flat)
    if model == "thick":
        near, by, outline, field = thick_shadows(segments, bodies, segment, body, wavelength, flat)
        return Shadows(near, by, field, outline)
    segment, body, outline = outlines(segments, bodies, segment, body, wavelength)
    if model == "fresnel":
        field = _person_field(outline, LEG_WIDTH * bodies.width[body], wavelength)
    else:
        field = FIELD_OF_MODEL[model](outline, wavelength)
    return Shadows(segment, body, 1.0 - outline.nearness * (1.0 - field), outline)


def _with_boxes(
    segments: Segments,
    bodies: Bodies,
    segment: Rows,
    body: Rows,
    box: Bool[np.ndarray, " c"],
    wavelength: float,
    model: BlockageModel,
    flat: bool,
) -> Shadows:
    """`shadows` where some of the candidates are a `box`, whose law is every model's."""
    persons, things = np.flatnonzero(~box), np.flatnonzero(box)
    near = shadows(segments, bodies, segment[persons], body[persons], wavelength, model, flat)
    beside = box_shadows(segments, bodies, segment[things], body[things], wavelength)
    row = things[beside.row]
    segment, body = np.append(near.segment, segment[row]), np.append(near.body, body[row])
    # As the candidates: body by body, its segments ascending.
    order = np.lexsort((segment, body))
    columns = [
        np.append(getattr(near.outline, f.name), getattr(beside.outline, f.name))[order]
        for f in fields(Outlines)
    ]
    field = np.append(near.field, beside.field)[order]
    return Shadows(segment[order], body[order], field, Outlines(*columns))


def _person_field(
    body: Outlines, leg_width: Float[np.ndarray, " k"], wavelength: float
) -> Complex[np.ndarray, " k"]:
    """E/E0 behind flat head, trunk, two legs, and the trunk that the ground mirrors.

    What screens side by side take from a field adds up (Babinet). The ground mirrors the legs too.
    """
    axis = (body.left + body.right) / 2
    half_head = np.minimum(HEAD_WIDTH, body.right - body.left) / 2
    outer = body.half_apart + leg_width / 2
    inner = np.maximum(body.half_apart - leg_width / 2, 0.0)
    low, high = body.ground - body.crotch, body.ground + body.crotch
    edges = np.stack(
        [body.left, body.right, axis - half_head, axis + half_head]
        + [axis - outer, axis - inner, axis + inner, axis + outer]
        + [body.bottom, low, high, body.shoulders, body.top]
    )
    at = phasor_integrals(edges * fresnel_scale(body.d1, body.d2, wavelength))
    trunk, head = at[1] - at[0], at[3] - at[2]
    legs = (at[5] - at[4]) + (at[7] - at[6])
    beside = (at[9] - at[8]) + (at[11] - at[10])
    taken = trunk * beside + legs * (at[10] - at[9]) + head * (at[12] - at[11])
    return np.asarray(1.0 - 0.5j * taken)


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
