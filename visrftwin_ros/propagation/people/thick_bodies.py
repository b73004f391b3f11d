"""The field behind thick people: head, trunk and two legs, each an upright cylinder of its own."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import SKIN, body_materials
from visrftwin_ros.compiled import compiled, on_two_cores
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integral
from visrftwin_ros.propagation.people.body_outlines import HEAD_WIDTH, LEG_WIDTH, Outlines
from visrftwin_ros.propagation.people.thick_cylinder import past_ellipse, past_round
from visrftwin_ros.propagation.people.transition_table import body_transitions

Values = Float[np.ndarray, " k"]

_NEAREST = 0.01
"""Metres in front of a part at which an end of the path counts that is nearer, or inside it: the
diffraction by curved surfaces is of ends off them."""
_HALF = 0.5 + 0.5j
"""sqrt(j / 2), which makes Fresnel's integral over everything 1."""
_STEEPEST = 0.3
"""Lowest cosine of a ray's elevation: steeper rays, over 72 degrees, meet a body as that one."""


def thick_field(
    outline: Outlines, bodies: Bodies, body: Int[np.ndarray, " k"], wavelength: float
) -> Complex[np.ndarray, " k"]:
    """E/E0, vertically polarised, behind the bodies with these indices, whose outlines these are.

    Across each part goes what a smooth convex cylinder leaves (`cylinder_diffraction`), in the
    body's own section and at its heading; up and down Fresnel's integral between the part's edges
    with their exact detours. What the parts take adds up (Babinet), the ground mirrors trunk and
    legs. A slanted ray meets the section with the horizontal part of its wave vector, as exact for
    a perfect conductor: k cos(elevation) over horizontal distances. Legs close on the inside; the
    gap between a walker's is an aperture without depth. What is curved more sharply than 1 / k
    counts as rounded to that.
    """
    table = body_transitions(wavelength)
    columns = np.stack(
        [outline.d1, outline.d2, outline.left, outline.right, outline.bottom, outline.top]
        + [outline.shoulders, outline.crotch, outline.ground]
        + [outline.half_apart, outline.forward, outline.sideways, outline.flatness],
        axis=1,
    )
    sizes, material = _sizes(bodies, wavelength), material_rows(bodies)

    def of(rows: slice) -> Complex[np.ndarray, " rows"]:
        return _fields(columns[rows], sizes, material, body[rows], wavelength,
                       table.near, table.far, table.reflection)  # fmt: skip

    return on_two_cores(of, len(columns))


def _sizes(bodies: Bodies, wavelength: float) -> Float[np.ndarray, "n 7"]:
    """Of each body half the trunk's axes, along its heading and across, radius of head and legs,
    and of trunk, head and legs (1 / (2 a b))^(1/3) or (radius / 2)^(1/3), for m."""
    sharpest = wavelength / (2 * np.pi)
    half = np.column_stack([bodies.depth, bodies.width]) / 2
    wide = np.maximum(half.max(axis=1), sharpest)
    a, b = np.maximum(half, np.sqrt(wide * sharpest)[:, None]).T
    head = np.maximum(np.minimum(HEAD_WIDTH / 2, half.min(axis=1)), sharpest)
    leg = np.maximum(LEG_WIDTH / 2 * bodies.width, sharpest)
    roots = np.cbrt([1 / (2 * a * b), head / 2, leg / 2])
    return np.column_stack([a, b, head, leg, *roots])


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
    columns: Float[np.ndarray, "k 13"],
    sizes: Float[np.ndarray, "n 7"],
    material: Int[np.ndarray, " n"],
    body: Int[np.ndarray, " k"],
    wavelength: float,
    near: Complex[np.ndarray, "m curves near"],
    far: Complex[np.ndarray, "m curves far"],
    reflection: Complex[np.ndarray, "m cosines"],
) -> Complex[np.ndarray, " k"]:
    found = np.empty(len(columns), np.complex128)
    for row in range(len(columns)):
        d1, d2 = columns[row, 0], columns[row, 1]
        aside = 0.5 * (columns[row, 2] + columns[row, 3])
        ground, crotch = columns[row, 8], columns[row, 7]
        j = body[row]
        a, b, head, leg = sizes[j, 0], sizes[j, 1], sizes[j, 2], sizes[j, 3]
        of = material[j]
        table = (near[of], far[of], reflection[of])
        level = max(columns[row, 12], _STEEPEST)
        k, l1, l2 = 2.0 * math.pi / wavelength * level, d1 * level, d2 * level
        root_k = np.cbrt(k)

        to_bottom = _edge(columns[row, 4], d1, d2, wavelength)
        to_top = _edge(columns[row, 5], d1, d2, wavelength)
        to_shoulders = _edge(columns[row, 6], d1, d2, wavelength)
        to_low = _edge(ground - crotch, d1, d2, wavelength)
        to_high = _edge(ground + crotch, d1, d2, wavelength)

        forward, sideways = columns[row, 10], columns[row, 11]
        half_depth = math.sqrt((b * sideways) ** 2 + (a * forward) ** 2)
        before, beyond = max(l1, half_depth + _NEAREST), max(l2, half_depth + _NEAREST)
        trunk = 1.0 - past_ellipse(
            aside * sideways - before * forward, -aside * forward - before * sideways,
            aside * sideways + beyond * forward, -aside * forward + beyond * sideways,
            a, b, root_k * sizes[j, 4], k, table,
        )  # fmt: skip
        taken = trunk * (to_low - to_bottom + to_shoulders - to_high)
        before, beyond = max(l1, head + _NEAREST), max(l2, head + _NEAREST)
        size = root_k * sizes[j, 5]
        heads = 1.0 - past_round(aside, head, before, beyond, size, k, table)
        heads -= past_round(-aside, head, before, beyond, size, k, table)
        taken += heads * (to_top - to_shoulders)
        if crotch > 0.0:
            apart = columns[row, 9]
            before, beyond = max(l1, leg + _NEAREST), max(l2, leg + _NEAREST)
            size = root_k * sizes[j, 6]
            legs = 1.0 - past_round(aside + apart, leg, before, beyond, size, k, table)
            legs -= past_round(apart - aside, leg, before, beyond, size, k, table)
            if apart > leg:
                gap = _edge(aside + apart - leg, d1, d2, wavelength)
                gap -= _edge(aside - apart + leg, d1, d2, wavelength)
                legs -= _HALF * gap
            taken += legs * (to_high - to_low)
        found[row] = 1.0 - _HALF * taken
    return found
