"""The field that the flat faces of boxes send from one device to another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.constants import epsilon_0, speed_of_light

from visrftwin_ros.bodies.box_materials import box_material
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude
from visrftwin_ros.propagation.fields.fresnel_auxiliary import phasor_integrals
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_reflection
from visrftwin_ros.propagation.fields.path_transfer import bounce_transfer
from visrftwin_ros.propagation.people.body_reflection import Bounces, beside_direct_ray
from visrftwin_ros.site.model import MaterialEntry

Values = Float[np.ndarray, " f"]
Vectors = Float[np.ndarray, "f 3"]
ComplexValues = Complex[np.ndarray, " f"]
PerBox = Float[np.ndarray, "k *n"]
PerFace = Float[np.ndarray, "f *n"]

_FACES = 5
"""Front, back, left, right, top: nothing is lit from below."""


def box_bounces(
    transmitter: Float[np.ndarray, "k 3"],
    receiver: Float[np.ndarray, "k 3"],
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
    wavelength: float,
    materials: Mapping[str, MaterialEntry],
) -> tuple[Int[np.ndarray, " f"], Bounces]:
    """Reflection from the faces of boxes `body` between the ends, metres: rows of pairs, (F,), and
    what each face sends.

    Every face mirrors the transmitter (image method) with the coefficients of its material as a
    slab, P.2040-4 eq. (37). It ends softly: times (1 + j)/2 Int exp(-j pi v^2/2) dv between the
    Fresnel parameters of its edges, across and up, from the exact detour over each edge's line
    (Kirchhoff's integral by stationary phase; Born and Wolf 8.7). A small face far off becomes the
    plate of physical optics, sigma = 4 pi A^2 cos^2 / lambda^2. Within the first zone of the direct
    ray there is no echo and from two zones on all of it: nearer, the box's shadow has its fringe.
    materials: the site's own.
    """
    row = np.repeat(np.arange(len(body)), _FACES)
    centre, normal, axes, halves = _faces(bodies, body)
    tx, rx = transmitter[row] - centre, receiver[row] - centre
    before, after = _dot(tx, normal), _dot(rx, normal)
    lit = np.flatnonzero((before > 0) & (after > 0))
    row, centre, normal, tx, rx, before, after = (
        column[lit] for column in (row, centre, normal, tx, rx, before, after)
    )
    across = [(_dot(tx, axis[lit]), _dot(rx, axis[lit])) for axis in axes]
    flat = [there - here for here, there in across]
    way = np.sqrt(flat[0] ** 2 + flat[1] ** 2 + (before + after) ** 2)
    mirrored = [
        here + step * before / (before + after)
        for (here, _), step in zip(across, flat, strict=True)
    ]
    opening = np.ones(len(lit), complex)
    point = centre
    for k in (0, 1):
        half, (here, there) = halves[k][lit], across[k]
        ends = []
        for edge in (-half, half):
            apart = np.hypot(here - edge, before) + np.hypot(there - edge, after)
            detour = np.maximum(np.hypot(apart, flat[1 - k]) - way, 0.0)
            ends.append(np.sign(edge - mirrored[k]) * np.sqrt(4 * detour / wavelength))
        low, high = phasor_integrals(np.stack(ends))
        opening *= (0.5 + 0.5j) * (high - low)
        point = point + np.clip(mirrored[k], -half, half)[:, None] * axes[k][lit]
    start, end = transmitter[row], receiver[row]
    s_in, s_out = (np.linalg.norm(point - place, axis=1) for place in (start, end))
    # The phase goes with the way over the point on the face, which is longer than the mirror's.
    opening *= np.exp(2j * np.pi / wavelength * (s_in + s_out - way))
    amplitude = opening * free_space_amplitude(way, wavelength)
    amplitude *= beside_direct_ray(way, np.linalg.norm(end - start, axis=1), wavelength)
    te, tm = _coefficients(bodies, body[row], (before + after) / way, wavelength, materials)
    with np.errstate(invalid="ignore", divide="ignore"):
        arriving, leaving = (point - start) / s_in[:, None], (end - point) / s_out[:, None]
    transfer = bounce_transfer(arriving, leaving, normal, te, tm) * amplitude[:, None, None]
    stretching = _dot(bodies.velocity[body[row]], arriving - leaving)
    found = np.isfinite(transfer).all(axis=(1, 2))
    return row, Bounces(found, point, transfer, (s_in + s_out) / speed_of_light, stretching)


def _faces(
    bodies: Bodies, body: Int[np.ndarray, " k"]
) -> tuple[Vectors, Vectors, tuple[Vectors, Vectors], tuple[Values, Values]]:
    """Centres, outward normals, two axes and half sizes along these of the five faces of each."""
    cos, sin, none = np.cos(bodies.heading[body]), np.sin(bodies.heading[body]), np.zeros(len(body))
    ahead, left = np.stack([cos, sin, none], axis=1), np.stack([-sin, cos, none], axis=1)
    up = np.tile([0.0, 0.0, 1.0], (len(body), 1))
    depth, width, height = (size[body] / 2 for size in (bodies.depth, bodies.width, bodies.height))
    middle = bodies.position[body] + height[:, None] * up
    sides = (
        (ahead, depth, left, width, up, height),
        (-ahead, depth, left, width, up, height),
        (left, width, ahead, depth, up, height),
        (-left, width, ahead, depth, up, height),
        (up, height, ahead, depth, left, width),
    )

    def by_face(columns: list[PerBox]) -> PerFace:
        return np.stack(columns, axis=1).reshape(len(body) * _FACES, *columns[0].shape[1:])

    return (
        by_face([middle + off[:, None] * normal for normal, off, *_ in sides]),
        by_face([normal for normal, *_ in sides]),
        (by_face([side[2] for side in sides]), by_face([side[4] for side in sides])),
        (by_face([side[3] for side in sides]), by_face([side[5] for side in sides])),
    )


def _coefficients(
    bodies: Bodies,
    body: Int[np.ndarray, " f"],
    cosine: Values,
    wavelength: float,
    materials: Mapping[str, MaterialEntry],
) -> tuple[ComplexValues, ComplexValues]:
    """TE and TM of the boxes' materials."""
    names = np.array(bodies.material or ("",) * len(bodies), dtype=str)[body]
    te, tm = np.empty(len(body), complex), np.empty(len(body), complex)
    frequency = speed_of_light / wavelength
    for name in np.unique(names):
        on = names == name
        values = box_material(str(name), frequency, materials)
        loss = values.conductivity / (2 * np.pi * frequency * epsilon_0)
        permittivity = np.array([values.relative_permittivity - 1j * loss])
        thickness, spread = np.array([values.thickness]), np.array([values.thickness_spread])
        slab = slab_reflection(cosine[on], permittivity, thickness, spread, wavelength)
        te[on], tm[on] = (np.sqrt(1 - values.scattering_coefficient**2) * part for part in slab)
    return te, tm


def _dot(a: Vectors, b: Vectors) -> Values:
    return np.asarray(np.einsum("ij,ij->i", a, b))
