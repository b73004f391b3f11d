"""The field that a standing body sends from one device to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.constants import speed_of_light
from scipy.special import fresnel as fresnel_integrals

from visrftwin_ros.bodies.cross_section import SCATTERING_HEIGHT, human_cross_section
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import body_coefficients
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude
from visrftwin_ros.propagation.fields.path_transfer import bounce_transfer
from visrftwin_ros.propagation.people.body_screens import REACH_IN_ZONES
from visrftwin_ros.propagation.people.fermat_points import mirror_points

Values = Float[np.ndarray, " k"]
Vectors = Float[np.ndarray, "k 3"]

BodyScattering = Literal["cylinder", "rcs", "none"]

_NEAREST = 0.02
"""Metres from a device to a body's side, at least, in the bound of what it reflects."""


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


def cylinder_bounces(
    transmitter: Vectors,
    receiver: Vectors,
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
    wavelength: float,
) -> Bounces:
    """Reflection from the sides of `body` between the ends, metres.

    The reflected field of geometrical optics on a curved surface: E(P) R sqrt(rho1 rho2 /
    ((rho1 + s)(rho2 + s))) with 1/rho1 = 1/s' + 2 cos(e)/(a cos(i)), rho2 = s', s' and s the ways
    before and after, a the curvature radius, i the angle of incidence on the ground plan and e
    the elevation (Kouyoumjian and Pathak, Proc. IEEE 62, 1974, eqs. (20)-(24); McNamara, Pistorius
    and Malherbe 1990, ch. 3, for a cylinder). Head and feet end the side softly: the Fresnel
    integral over the generator through P between them.
    """
    mirror = mirror_points(transmitter, receiver, bodies, body)
    before = np.linalg.norm(mirror.point - transmitter[:, :2], axis=1)
    after = np.linalg.norm(receiver[:, :2] - mirror.point, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = receiver[:, 2] - transmitter[:, 2]
        level = transmitter[:, 2] + rise * before / (before + after)
        flatness = (before + after) / np.hypot(before + after, rise)
        point = np.column_stack([mirror.point, level])
        arriving, leaving = _unit(point - transmitter), _unit(receiver - point)
        normal = np.column_stack([mirror.normal, np.zeros(len(level))])
        cosine = np.clip(-(arriving * normal).sum(axis=1), 0.0, 1.0)
        s_in, s_out = before / flatness, after / flatness
        focus = 1 / (1 / s_in + 2 * flatness**2 / (mirror.radius * cosine))
        spread = np.sqrt(focus * s_in / ((focus + s_out) * (s_in + s_out)))
        scale = flatness * np.sqrt(2 / wavelength * (1 / s_in + 1 / s_out))
        foot = bodies.position[body, 2]
        standing = _aperture((foot - level) * scale, (foot + bodies.height[body] - level) * scale)
        free = free_space_amplitude(s_in, wavelength)
        amplitude = free * spread * standing
        amplitude *= _beside(transmitter, receiver, s_in + s_out, wavelength)
    names = np.array(bodies.material or ("",) * len(bodies), dtype=str)[body]
    te, tm = body_coefficients(names, np.where(mirror.found, cosine, 1.0), wavelength)
    transfer = bounce_transfer(arriving, leaving, normal, te, tm) * amplitude[:, None, None]
    return _bounces(mirror.found, point, transfer, s_in + s_out, arriving, leaving, bodies, body)


def cross_section_bounces(
    transmitter: Vectors,
    receiver: Vectors,
    bodies: Bodies,
    body: Int[np.ndarray, " k"],
    wavelength: float,
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
        amplitude *= _beside(transmitter, receiver, s_in + s_out, wavelength)
    transfer = amplitude[:, None, None] * np.eye(2, dtype=complex)
    return _bounces(outside, point, transfer, s_in + s_out, arriving, leaving, bodies, body)


def strongest_bounce(
    transmitter: Float[np.ndarray, "links 3"],
    receiver: Float[np.ndarray, "links 3"],
    bodies: Bodies,
    wavelength: float,
) -> Float[np.ndarray, "links n"]:
    """Power gain that no bounce off these bodies exceeds, by link and body."""
    shoulder = np.maximum(bodies.depth, bodies.width) / 2
    radius = shoulder**2 / (np.minimum(bodies.depth, bodies.width) / 2)
    foot = bodies.position[None, :, :2]
    s_in, s_out = (
        np.maximum(np.linalg.norm(end[:, None, :2] - foot, axis=2) - shoulder, _NEAREST)
        for end in (transmitter, receiver)
    )
    rise = (receiver - transmitter)[:, 2, None]
    flatness = (s_in + s_out) / np.hypot(s_in + s_out, rise)
    bound = free_space_amplitude(np.array(1.0), wavelength) ** 2 * radius / (2 * flatness)
    return np.asarray(bound / (s_in * s_out * (s_in + s_out)))


def _beside(
    transmitter: Vectors,
    receiver: Vectors,
    way: Values,
    wavelength: float,
) -> Values:
    """(K,) 0 where the body is within the direct ray's first zone, 1 beyond two zones.

    There the screen's own fringe, `body_screens`, is the wave off the body's side: this is the
    rest of the same taper, so that the one hands over to the other. Zones from the detour.
    """
    detour = np.maximum(way - np.linalg.norm(receiver - transmitter, axis=1), 0.0)
    excess = np.clip(np.sqrt(2 * detour / wavelength) - 1.0, 0.0, REACH_IN_ZONES - 1.0)
    return np.asarray(np.sin(np.pi / 2 * excess / (REACH_IN_ZONES - 1.0)) ** 2)


def _aperture(low: Values, high: Values) -> Complex[np.ndarray, " k"]:
    """(1 + j)/2 Int_low^high e^{-j pi v^2/2} dv: 1 for an endless side."""
    sine_low, cosine_low = fresnel_integrals(low)
    sine_high, cosine_high = fresnel_integrals(high)
    whole = (cosine_high - cosine_low) - 1j * (sine_high - sine_low)
    return np.asarray((0.5 + 0.5j) * whole)


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
