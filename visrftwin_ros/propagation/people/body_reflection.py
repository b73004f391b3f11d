"""The field that a standing body sends from one device to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.constants import speed_of_light

from visrftwin_ros.bodies.cross_section import SCATTERING_HEIGHT, human_cross_section
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import body_coefficients
from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude
from visrftwin_ros.propagation.fields.path_transfer import bounce_transfer
from visrftwin_ros.propagation.people.body_screens import REACH_IN_ZONES
from visrftwin_ros.propagation.people.fermat_points import mirror_points, semi_axes

Values = Float[np.ndarray, " k"]
Vectors = Float[np.ndarray, "k 3"]

BodyScattering = Literal["ellipsoid", "rcs", "none"]

_NORMAL_INCIDENCE = 1e-9
"""Sine of the angle of incidence below which its plane is of no meaning."""


@dataclass(frozen=True)
class Bounces:
    """K pairs of a link and a body: found where there is a path, and for those rows alone
    meaningful: point in metres, transfer as in PathSet, delay in seconds,
    stretching in m/s, the rate at which the body's velocity lengthens the path."""

    found: Bool[np.ndarray, " k"]
    point: Vectors
    transfer: Complex[np.ndarray, "k 2 2"]
    delay: Values
    stretching: Values


def ellipsoid_bounces(
    transmitter: Vectors,
    receiver: Vectors,
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
    wavelength: float,
    least: Values | float = 0.0,
) -> Bounces:
    """Reflection from the curved surfaces of `body` (`semi_axes`) between the ends, metres.

    The reflected field of geometrical optics on a doubly curved surface, E(P) R sqrt(rho1 rho2 /
    ((rho1 + s)(rho2 + s))), with the caustic distances of Kouyoumjian and Pathak, Proc. IEEE 62,
    1974, eqs. (20)-(24), s' and s the ways before and after. Their product is here that of the
    Hessian of the way s' + s over the tangent plane, cos(i)(1/s' + 1/s) + 2 C in the plane of
    incidence and so on, C the curvature: 1/(s' s) cos(i)/sqrt(det) (stationary phase; Balanis,
    Advanced Engineering Electromagnetics, 2nd ed., 13.2.1), which has no case of its own at
    normal incidence nor on a flat side. What a perfect conductor would send with less than the
    power gain `least` is not found.
    """
    mirror = mirror_points(transmitter, receiver, bodies, body)
    point, normal = mirror.point, mirror.normal
    s_in, s_out, cosine, spread = _spread(
        np.ascontiguousarray(transmitter), np.ascontiguousarray(receiver),
        point, normal, mirror.curvature,
    )  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        arriving, leaving = (
            (point - transmitter) / s_in[:, None],
            (receiver - point) / s_out[:, None],
        )
        amplitude = free_space_amplitude(s_in * s_out, wavelength) * spread
        straight = np.linalg.norm(receiver - transmitter, axis=1)
        amplitude *= beside_direct_ray(s_in + s_out, straight, wavelength)
    with np.errstate(invalid="ignore"):
        strong = amplitude**2 >= least
    kept = np.flatnonzero(strong)
    names = np.array(bodies.material or ("",) * len(bodies), dtype=str)[body[kept]]
    te, tm = body_coefficients(names, cosine[kept], wavelength)
    transfer = np.zeros((len(body), 2, 2), complex)
    transfer[kept] = bounce_transfer(arriving[kept], leaving[kept], normal[kept], te, tm)
    transfer[kept] *= amplitude[kept, None, None]
    found = mirror.found & strong
    return _bounces(found, point, transfer, s_in + s_out, arriving, leaving, bodies, body)


def cross_section_bounces(
    transmitter: Vectors,
    receiver: Vectors,
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
    wavelength: float,
    least: Values | float = 0.0,
) -> Bounces:
    """The same by the radar equation with the human cross-section of TR 38.901, from one point.

    Co-polarised only: the cross-polar part is 20 dB weaker (table 7.9.2.2-1).
    """
    point = bodies.position[body].copy()
    point[:, 2] += SCATTERING_HEIGHT * bodies.height[body]
    arriving, leaving = _unit(point - transmitter), _unit(receiver - point)
    s_in, s_out = (np.linalg.norm(point - end, axis=1) for end in (transmitter, receiver))
    outside = np.minimum(s_in, s_out) > bodies.width[body] / 2
    sigma = human_cross_section(-arriving, leaving, bodies.heading[body])
    with np.errstate(invalid="ignore", divide="ignore"):
        amplitude = free_space_amplitude(s_in, wavelength) * np.sqrt(sigma / (4 * np.pi)) / s_out
        straight = np.linalg.norm(receiver - transmitter, axis=1)
        amplitude *= beside_direct_ray(s_in + s_out, straight, wavelength)
    transfer = amplitude[:, None, None] * np.eye(2, dtype=complex)
    with np.errstate(invalid="ignore"):
        found = outside & (amplitude**2 >= least)
    return _bounces(found, point, transfer, s_in + s_out, arriving, leaving, bodies, body)


def beside_direct_ray(
    way: Float[np.ndarray, " n"], straight: Float[np.ndarray, " n"], wavelength: float
) -> Float[np.ndarray, " n"]:
    """Share of an echo that counts: 0 within the direct ray's first zone, 1 from two zones on.

    way: metres over the bounce; straight: of the direct ray. There the shadow's own fringe,
    `body_screens`, is the wave off the body's side: this is the rest of the same taper, so that
    the one hands over to the other. Zones from the detour.
    """
    detour = np.maximum(way - straight, 0.0)
    excess = np.clip(np.sqrt(2 * detour / wavelength) - 1.0, 0.0, REACH_IN_ZONES - 1.0)
    return np.asarray(np.sin(np.pi / 2 * excess / (REACH_IN_ZONES - 1.0)) ** 2)


def strongest_bounce(
    transmitter: Float[np.ndarray, "links 3"],
    receiver: Float[np.ndarray, "links 3"],
    bodies: Bodies,
    wavelength: float,
) -> Float[np.ndarray, "links n"]:
    """Power gain that no bounce off these bodies exceeds, by link and body.

    By Minkowski's inequality for determinants the Hessian's root is at least that of a plane's
    and that of the curvature alone together, so that |E| <= lambda / 4 pi / (s' + s + 2 s' s / R),
    R the largest root of the product of both curvature radii.
    """
    semi = semi_axes(bodies)
    tx, rx, foot, height = (
        np.ascontiguousarray(column, float)
        for column in (transmitter, receiver, bodies.position, bodies.height)
    )
    way = _least_ways(tx, rx, foot, height, semi)
    return free_space_amplitude(way, wavelength) ** 2


@compiled
def _least_ways(
    transmitter: Float[np.ndarray, "links 3"],
    receiver: Float[np.ndarray, "links 3"],
    position: Float[np.ndarray, "n 3"],
    height: Float[np.ndarray, " n"],
    semi: Float[np.ndarray, "n 3"],
) -> Float[np.ndarray, "links n"]:
    """s' + s + 2 s' s / R of `strongest_bounce`, metres; to the upright cylinder around a body."""
    found = np.empty((len(transmitter), len(position)))
    for j in range(len(position)):
        least = min(semi[j, 0], semi[j, 1], semi[j, 2])
        radius = semi[j, 0] * semi[j, 1] * semi[j, 2] / least**2
        shoulder, head = max(semi[j, 0], semi[j, 1]), position[j, 2] + height[j]
        for i in range(len(transmitter)):
            straight, both, product = 0.0, 0.0, 2.0 / radius
            for end in (transmitter[i], receiver[i]):
                x, y = end[0] - position[j, 0], end[1] - position[j, 1]
                aside = max(math.sqrt(x * x + y * y) - shoulder, 0.0)
                upright = max(position[j, 2] - end[2], end[2] - head, 0.0)
                way = math.sqrt(aside * aside + upright * upright)
                both += way
                product *= way
            for x in range(3):
                straight += (receiver[i, x] - transmitter[i, x]) ** 2
            found[i, j] = max(both, math.sqrt(straight)) + product
    return found


@compiled
def _spread(
    transmitter: Vectors,
    receiver: Vectors,
    points: Vectors,
    normals: Vectors,
    curvatures: Float[np.ndarray, "k 3 3"],
) -> Float[np.ndarray, "4 k"]:
    """s', s, cos(i) and cos(i) over the root of the determinant, 1/m^2, of the second derivatives
    of the way over the tangent plane."""
    found = np.full((4, len(points)), np.nan)
    along, across, arriving = np.empty(3), np.empty(3), np.empty(3)
    for k in range(len(points)):
        normal, curvature = normals[k], curvatures[k]
        before, behind, cosine = 0.0, 0.0, 0.0
        for i in range(3):
            arriving[i] = points[k, i] - transmitter[k, i]
            before += arriving[i] ** 2
            behind += (receiver[k, i] - points[k, i]) ** 2
        before, behind = math.sqrt(before), math.sqrt(behind)
        for i in range(3):
            arriving[i] /= before
            cosine -= arriving[i] * normal[i]
        cosine = min(max(cosine, 0.0), 1.0)
        sine = 0.0
        for i in range(3):
            along[i] = arriving[i] + cosine * normal[i]
            sine += along[i] ** 2
        sine = math.sqrt(sine)
        if sine < _NORMAL_INCIDENCE:
            # Any direction in the tangent plane is in the plane of incidence.
            least = np.argmin(np.abs(normal))
            for i in range(3):
                along[i] = -normal[least] * normal[i]
            along[least] += 1.0
            sine = math.sqrt(1.0 - normal[least] ** 2)
        for i in range(3):
            along[i] /= sine
        across[0] = normal[1] * along[2] - normal[2] * along[1]
        across[1] = normal[2] * along[0] - normal[0] * along[2]
        across[2] = normal[0] * along[1] - normal[1] * along[0]
        in_plane, mixed, beside = 0.0, 0.0, 0.0
        for i in range(3):
            for j in range(3):
                in_plane += along[i] * curvature[i, j] * along[j]
                mixed += along[i] * curvature[i, j] * across[j]
                beside += across[i] * curvature[i, j] * across[j]
        nearness, twice = 1 / before + 1 / behind, 2 * cosine
        bend = (cosine**2 * nearness + twice * in_plane) * (nearness + twice * beside)
        bend -= (twice * mixed) ** 2
        found[0, k], found[1, k], found[2, k] = before, behind, cosine
        found[3, k] = cosine / math.sqrt(bend)
    return found


def _bounces(
    found: Bool[np.ndarray, " k"],
    point: Vectors,
    transfer: Complex[np.ndarray, "k 2 2"],
    way: Values,
    arriving: Vectors,
    leaving: Vectors,
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
) -> Bounces:
    """The point's sliding along the surface adds nothing to the way: it is stationary."""
    stretching = (bodies.velocity[body] * (arriving - leaving)).sum(axis=1)
    found = found & np.isfinite(transfer).all(axis=(1, 2))
    return Bounces(found, point, transfer, way / speed_of_light, stretching)


def _unit(vectors: Vectors) -> Vectors:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
