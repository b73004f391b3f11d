"""How far our laws, and Sionna RT's, are from cases of which the exact field is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.constants import epsilon_0
from scipy.special import hankel2

from visrftwin_ros.benchmarks.exact_wedge import wedge_series
from visrftwin_ros.benchmarks.sionna_faults import diffracted_with_faults
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_coefficients
from visrftwin_ros.propagation.fields.utd_edges import Wedges, diffracted_field
from visrftwin_ros.propagation.people.cylinder_diffraction import Cylinders, cylinder_field

Angles = Float[np.ndarray, " n"]
EdgeLaw = Callable[..., Complex[np.ndarray, "n 2 3"]]

FREQUENCY = 60.48e9
SOURCE, OBSERVERS = 2.0, 0.7
"""Metres from the edge."""
SOURCE_ANGLES = (0.9, 1.9, 2.8)
_SHARE = 0.1
"""Of a slab's thickness to either side."""
CYLINDERS_DB = {
    ("pec", "vertical"): 20.69,
    ("pec", "horizontal"): 12.26,
    ("skin", "vertical"): 20.40,
    ("skin", "horizontal"): 16.90,
}
"""The exact series' loss behind the middle of a circular cylinder of 0.125 m, 2 m from both ends."""
_SKIN = 8.0, 36.0
"""eps_r and S/m of that cylinder."""


@dataclass(frozen=True)
class Case:
    """The largest error of our law and of Sionna's, in `unit`; inf: it has no path there."""

    name: str
    unit: str
    ours: float
    sionna: float


def cases() -> list[Case]:
    """Edges, slabs and bodies, 60.48 GHz."""
    found = []
    for name, exterior in (("90 degree wedge", 1.5 * np.pi), ("half plane", 2 * np.pi)):
        for hard in (False, True):
            ours, sionna = (
                max(wedge_error(law, exterior, angle, hard) for angle in SOURCE_ANGLES)
                for law in (diffracted_field, diffracted_with_faults)
            )
            kind = "hard" if hard else "soft"
            found.append(Case(f"PEC {name}, {kind}", "of the incident field", ours, sionna))
    for name in ("glass", "marble", "plasterboard", "brick"):
        found.append(Case(f"{name} +- 10 %, reflection", "dB", *slab_errors_db(name, 0)))
        found.append(Case(f"{name} +- 10 %, transmission", "dB", *slab_errors_db(name, 2)))
    for (material, polarization), exact in CYLINDERS_DB.items():
        error = abs(cylinder_loss_db(material, polarization) - exact)
        found.append(Case(f"{material} cylinder, {polarization}", "dB", error, np.inf))
    return found


def wedge_error(law: EdgeLaw, exterior: float, source_angle: float, hard: bool) -> float:
    """The largest error all round a perfectly conducting wedge, of the incident field at the edge.

    exterior: open angle. Half a degree apart, and a millionth of a radian to both sides of the
    boundaries of shadow and reflection.
    """
    angle = all_round(exterior, source_angle)
    k = 2 * np.pi / wavelength_of(FREQUENCY)
    exact = wedge_series(k, exterior, (SOURCE, source_angle), OBSERVERS, angle, hard)
    return float(np.abs(total_field(law, exterior, source_angle, angle, hard) - exact).max())


def all_round(exterior: float, source_angle: float) -> Angles:
    """Of the observers."""
    boundaries = np.array([np.pi - source_angle, np.pi + source_angle])
    boundaries = np.append(boundaries, 2 * exterior - np.pi - source_angle)
    both = (boundaries[:, None] + [-1e-6, 1e-6]).ravel()
    angle = np.concatenate([np.arange(0.01, exterior - 0.01, np.radians(0.5)), both])
    return np.sort(angle[(angle > 0) & (angle < exterior)])


def total_field(
    law: EdgeLaw, exterior: float, source_angle: float, angle: Angles, hard: bool
) -> Complex[np.ndarray, " n"]:
    """Line source, its mirror images where they are seen, and what `law` diffracts, over the
    incident field at the edge, which runs along z with the first face along x."""
    count = len(angle)
    k = 2 * np.pi / wavelength_of(FREQUENCY)
    incoming, along, near, far = (
        np.tile(vector, (count, 1))
        for vector in (
            [-np.cos(source_angle), -np.sin(source_angle), 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 1.0, 0.0],
            [np.sin(exterior), -np.cos(exterior), 0.0],
        )
    )
    outgoing = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    wedges = Wedges(0 * along, along, np.ones(count), near, far)
    field = np.zeros((count, 2, 3), complex)
    field[:, 0] = np.cross(along, incoming) if hard else along
    leaving = np.cross(along, outgoing) if hard else along
    conductor = [sign * np.ones(count, complex) for sign in (-1, 1)] * 2
    ways = np.full(count, SOURCE), np.full(count, OBSERVERS)
    after = law(field, incoming, outgoing, wedges, *ways, conductor, 2 * np.pi / k)[:, 0]
    bent = (after * leaving).sum(axis=1) * np.exp(-1j * k * OBSERVERS) / np.sqrt(OBSERVERS)

    def rays_from(direction: float) -> Complex[np.ndarray, " n"]:
        squared = SOURCE**2 + OBSERVERS**2
        far_off = np.sqrt(squared - 2 * SOURCE * OBSERVERS * np.cos(angle - direction))
        return np.asarray(hankel2(0, k * far_off) / hankel2(0, k * SOURCE))

    sign = 1.0 if hard else -1.0
    mirrored = 2 * exterior - source_angle
    straight = np.where(angle - source_angle < np.pi, rays_from(source_angle), 0)
    straight = straight + np.where(angle + source_angle < np.pi, sign * rays_from(-source_angle), 0)
    off_far = np.where(mirrored - angle < np.pi, sign * rays_from(mirrored), 0)
    return np.asarray(straight + off_far + bent)


def slab_errors_db(name: str, coefficient: int) -> tuple[float, float]:
    """The largest errors of our law, and of Sionna's slab of just the middle thickness, from the mean
    power over thicknesses, 0 to 80 degrees; coefficient: 0 reflection, 2 transmission, TE."""
    values = material_values(name, FREQUENCY)
    loss = values.conductivity / (2 * np.pi * FREQUENCY * epsilon_0)
    share = (np.arange(4000) + 0.5) / 2000 - 1
    cosine = np.cos(np.radians(np.arange(0, 81, 2.0)))[:, None]

    def gain_db(thickness: Angles, spread: float) -> Float[np.ndarray, " angles"]:
        permittivity = np.full((1, 1), values.relative_permittivity - 1j * loss)
        found = slab_coefficients(
            cosine, permittivity, thickness[None], np.full((1, 1), spread), wavelength_of(FREQUENCY)
        )
        power = np.abs(found[coefficient]) ** 2
        return np.asarray(10 * np.log10(power.mean(axis=1)))

    middle = np.array([values.thickness])
    exact = gain_db(middle * (1 + _SHARE * share), 0.0)
    ours, sionna = gain_db(middle, _SHARE), gain_db(middle, 0.0)
    return float(np.abs(ours - exact).max()), float(np.abs(sionna - exact).max())


def cylinder_loss_db(material: str, polarization: str) -> float:
    """Behind the middle of that of CYLINDERS_DB, by our law."""
    eps, sigma = _SKIN
    skin = eps - 1j * sigma / (2 * np.pi * FREQUENCY * epsilon_0)
    body = Cylinders(
        source=np.array([[-2.0, 0.0]]),
        receiver=np.array([[2.0, 0.0]]),
        half_axes=np.full((1, 2), 0.125),
        heading=np.zeros(1),
    )
    field = cylinder_field(
        body,
        wavelength_of(FREQUENCY),
        "vertical" if polarization == "vertical" else "horizontal",
        None if material == "pec" else skin,
    )
    return float(-20 * np.log10(np.abs(field[0])))
