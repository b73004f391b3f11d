"""The field behind thick people: head, trunk and two legs, each an upright cylinder of its own."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import SKIN, body_materials
from visrftwin_ros.compiled import compiled, in_halves
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integral
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.body_outlines import (
    HEAD_WIDTH,
    LEG_WIDTH,
    Kept,
    Outlines,
    body_sizes,
    outlined,
)
from visrftwin_ros.propagation.people.thick_cylinder import past_ellipse, past_round
from visrftwin_ros.propagation.people.transition_table import Tables, body_transitions

ComplexValues = Complex[np.ndarray, " k"]

_NEAREST = 0.01
"""Metres in front of a part at which an end of the path counts that is nearer, or inside it: the
diffraction by curved surfaces is of ends off them."""
_HALF = 0.5 + 0.5j
"""sqrt(j / 2), which makes Fresnel's integral over everything 1."""
_STEEPEST = 0.3
"""Lowest cosine of a ray's elevation: steeper rays, over 72 degrees, meet a body as that one."""


def thick_shadows(
    segments: Segments,
    bodies: Bodies,
    segment: Int[np.ndarray, " c"],
    body: Int[np.ndarray, " c"],
    wavelength: float,
    flat: bool,
) -> tuple[Kept, Kept, Outlines, Complex[np.ndarray, " k"]]:
    """Those of the candidate pairs (`segment`, `body`), (C,) each, in which the body matters, their
    `outlines` and E/E0, vertically polarised, behind the bodies.

    Across each part goes what a smooth convex cylinder leaves (`cylinder_diffraction`), in the
    body's own section and at its heading; up and down Fresnel's integral between the part's edges
    with their exact detours. What the parts take adds up (Babinet), the ground mirrors trunk and
    legs. A slanted ray meets the section with the horizontal part of its wave vector, as exact for
    a perfect conductor: k cos(elevation) over horizontal distances. Legs close on the inside; the
    gap between a walker's is an aperture without depth. What is curved more sharply than 1 / k
    counts as rounded to that. `flat`: the parts are screens as wide as they are, at half the cost.
    """
    lines, sizes, material = segments.lines, body_sizes(bodies), material_rows(bodies)
    near, by = np.ascontiguousarray(segment), np.ascontiguousarray(body)
    tables = body_transitions(wavelength)

    def of(some: slice) -> tuple[Kept, Kept, Float[np.ndarray, "k 15"], ComplexValues]:
        return _shadowed(*lines, sizes, material, near[some], by[some], wavelength, tables, flat)

    parts = in_halves(of, len(segment))
    columns = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    found_segment, found_body, rows, field = columns
    return found_segment, found_body, Outlines(*rows.T), field


@compiled
def _shadowed(
    start: Float[np.ndarray, "s 3"],
    end: Float[np.ndarray, "s 3"],
    lengths: Float[np.ndarray, " s"],
    behind: Float[np.ndarray, " s"],
    ahead: Float[np.ndarray, " s"],
    first: Bool[np.ndarray, " s"],
    last: Bool[np.ndarray, " s"],
    sizes: Float[np.ndarray, "n 10"],
    material: Int[np.ndarray, " n"],
    segment: Int[np.ndarray, " c"],
    body: Int[np.ndarray, " c"],
    wavelength: float,
    tables: Tables,
    flat: bool,
) -> tuple[Kept, Kept, Float[np.ndarray, "k 15"], ComplexValues]:
    lines = start, end, lengths, behind, ahead, first, last
    near, by, rows = outlined(*lines, sizes, segment, body, wavelength)
    parts = _parts(sizes, wavelength)
    if flat:
        return near, by, rows, _flat_fields(rows, parts, by, wavelength)
    return near, by, rows, _fields(rows, parts, material, by, wavelength, tables)


@compiled
def _parts(sizes: Float[np.ndarray, "n 10"], wavelength: float) -> Float[np.ndarray, "n 7"]:
    """Of each body half the trunk's axes, along its heading and across, radius of head and legs,
    and of trunk, head and legs (1 / (2 a b))^(1/3) or (radius / 2)^(1/3), for m."""
    sharpest = wavelength / (2 * math.pi)
    parts = np.empty((len(sizes), 7))
    for j in range(len(sizes)):
        half_depth, half_width = sizes[j, 4], sizes[j, 5]
        least = math.sqrt(max(half_depth, half_width, sharpest) * sharpest)
        a, b = max(half_depth, least), max(half_width, least)
        head = max(min(HEAD_WIDTH / 2, half_depth, half_width), sharpest)
        leg = max(LEG_WIDTH * half_width, sharpest)
        parts[j, 0], parts[j, 1], parts[j, 2], parts[j, 3] = a, b, head, leg
        parts[j, 4] = np.cbrt(1.0 / (2.0 * a * b))
        parts[j, 5], parts[j, 6] = np.cbrt(0.5 * head), np.cbrt(0.5 * leg)
    return parts


def material_rows(bodies: Bodies) -> Int[np.ndarray, " n"]:
    """Of `body_transitions`; what has no name or an unknown one counts as skin."""
    number = {name: i for i, name in enumerate(body_materials())}
    names = bodies.material or (SKIN,) * len(bodies)
    return np.array([number.get(name, number[SKIN]) for name in names], np.intp)


@compiled
def _edge(edge: float, d1: float, d2: float, wavelength: float) -> complex:
    """Fresnel's integral up to an edge, of parameter sign * sqrt(4 detour / wavelength)."""
    longer = edge * edge * (
        1.0 / (math.sqrt(d1 * d1 + edge * edge) + d1)
        + 1.0 / (math.sqrt(d2 * d2 + edge * edge) + d2)
    )  # fmt: skip
    return phasor_integral(math.copysign(math.sqrt(4.0 * longer / wavelength), edge))


@compiled
def _fields(
    columns: Float[np.ndarray, "k 15"],
    parts: Float[np.ndarray, "n 7"],
    material: Int[np.ndarray, " n"],
    body: Int[np.ndarray, " k"],
    wavelength: float,
    tables: Tables,
) -> ComplexValues:
    found = np.empty(len(columns), np.complex128)
    for row in range(len(columns)):
        d1, d2 = columns[row, 0], columns[row, 1]
        aside = 0.5 * (columns[row, 2] + columns[row, 3])
        crotch, ground = columns[row, 8], columns[row, 9]
        j = body[row]
        a, b, head, leg = parts[j, 0], parts[j, 1], parts[j, 2], parts[j, 3]
        table = tables[material[j]]
        level = max(columns[row, 13], _STEEPEST)
        k, l1, l2 = 2.0 * math.pi / wavelength * level, d1 * level, d2 * level
        root_k = np.cbrt(k)

        to_bottom = _edge(columns[row, 4], d1, d2, wavelength)
        to_top = _edge(columns[row, 5], d1, d2, wavelength)
        to_shoulders = _edge(columns[row, 7], d1, d2, wavelength)
        to_low = _edge(ground - crotch, d1, d2, wavelength)
        to_high = _edge(ground + crotch, d1, d2, wavelength)

        forward, sideways = columns[row, 11], columns[row, 12]
        half_depth = math.sqrt((b * sideways) ** 2 + (a * forward) ** 2)
        before, beyond = max(l1, half_depth + _NEAREST), max(l2, half_depth + _NEAREST)
        trunk = 1.0 - past_ellipse(
            aside * sideways - before * forward, -aside * forward - before * sideways,
            aside * sideways + beyond * forward, -aside * forward + beyond * sideways,
            a, b, root_k * parts[j, 4], k, table,
        )  # fmt: skip
        taken = trunk * (to_low - to_bottom + to_shoulders - to_high)
        before, beyond = max(l1, head + _NEAREST), max(l2, head + _NEAREST)
        size = root_k * parts[j, 5]
        heads = 1.0 - past_round(aside, head, before, beyond, size, k, table)
        heads -= past_round(-aside, head, before, beyond, size, k, table)
        taken += heads * (to_top - to_shoulders)
        if crotch > 0.0:
            apart = columns[row, 10]
            before, beyond = max(l1, leg + _NEAREST), max(l2, leg + _NEAREST)
            size = root_k * parts[j, 6]
            legs = 1.0 - past_round(aside + apart, leg, before, beyond, size, k, table)
            legs -= past_round(apart - aside, leg, before, beyond, size, k, table)
            if apart > leg:
                gap = _edge(aside + apart - leg, d1, d2, wavelength)
                gap -= _edge(aside - apart + leg, d1, d2, wavelength)
                legs -= _HALF * gap
            taken += legs * (to_high - to_low)
        found[row] = 1.0 - columns[row, 14] * _HALF * taken
    return found


@compiled
def _flat_fields(
    columns: Float[np.ndarray, "k 15"],
    parts: Float[np.ndarray, "n 7"],
    body: Int[np.ndarray, " k"],
    wavelength: float,
) -> ComplexValues:
    """As `_fields`, with Fresnel's integral between the edges of each part across the ray too."""
    found = np.empty(len(columns), np.complex128)
    for row in range(len(columns)):
        d1, d2 = columns[row, 0], columns[row, 1]
        left, right = columns[row, 2], columns[row, 3]
        aside = 0.5 * (left + right)
        crotch, ground = columns[row, 8], columns[row, 9]
        head, leg = parts[body[row], 2], parts[body[row], 3]
        to_shoulders = _edge(columns[row, 7], d1, d2, wavelength)
        to_low = _edge(ground - crotch, d1, d2, wavelength)
        to_high = _edge(ground + crotch, d1, d2, wavelength)
        to_bottom = _edge(columns[row, 4], d1, d2, wavelength)
        across = _edge(right, d1, d2, wavelength) - _edge(left, d1, d2, wavelength)
        taken = across * (to_low - to_bottom + to_shoulders - to_high)
        across = _edge(aside + head, d1, d2, wavelength) - _edge(aside - head, d1, d2, wavelength)
        taken += across * (_edge(columns[row, 5], d1, d2, wavelength) - to_shoulders)
        if crotch > 0.0:
            outer, inner = columns[row, 10] + leg, columns[row, 10] - leg
            across = _edge(aside + outer, d1, d2, wavelength)
            across -= _edge(aside - outer, d1, d2, wavelength)
            if inner > 0.0:
                across -= _edge(aside + inner, d1, d2, wavelength)
                across += _edge(aside - inner, d1, d2, wavelength)
            taken += across * (to_high - to_low)
        found[row] = 1.0 - columns[row, 14] * _HALF * _HALF * taken
    return found
