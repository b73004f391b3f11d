"""Reflection off a body against an exact solution, and two bodies on one path."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import hankel2
from validation_walk import FREQUENCY, WAVELENGTH, elliptic_mesh, field_round_cylinder, walker

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import SPECULAR
from visrftwin_ros.propagation.people.body_reflection import ellipsoid_bounces
from visrftwin_ros.propagation.people.fermat_points import mirror_points
from visrftwin_ros.propagation.people.multiple_bodies import Standing, joint_ratios
from visrftwin_ros.propagation.people.screen_diffraction import Screens, fresnel_field, loss_db
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.site.model import Propagation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two endless strips of `width` m, `apart` m along a 6 m link, centred `aside` m beside it;
    losses in dB of both together: exact, by the twin's law, and as the product of each alone."""

    name: str
    apart: float
    aside: tuple[float, float]
    exact: float
    twin: float
    product: float


def pairs(width: float = 0.45, length: float = 6.0) -> list[Pair]:
    cases = [
        ("shoulder to shoulder, ray through one", 0.0, (0.0, 0.47)),
        ("shoulder to shoulder, ray between", 0.0, (-0.24, 0.24)),
        ("the same, one a step ahead", 0.5, (0.0, 0.47)),
        ("ray between, one a step ahead", 0.5, (-0.24, 0.24)),
        ("behind each other, a step", 0.5, (0.0, 0.0)),
        ("behind each other, 2 m", 2.0, (0.0, 0.0)),
        ("behind each other, half covered", 1.0, (-0.1, 0.1)),
    ]
    return [Pair(name, apart, aside, *_two(apart, aside, width, length))
            for name, apart, aside in cases]  # fmt: skip


def _two(
    apart: float, aside: tuple[float, float], width: float, length: float
) -> tuple[float, float, float]:
    """E/E0 = 1 - F1 - F2 + F12; side by side in one plane F12, what both take off, is nothing."""
    first = (length - apart) / 2
    last = length - first - apart
    both = 0.0 if apart == 0 else _both_blocked(first, apart, last, aside, width)
    distances = ((first, length - first), (first + apart, last))
    edges = [(*d, y - width / 2, y + width / 2, -np.inf, np.inf)
             for d, y in zip(distances, aside, strict=True)]  # fmt: skip
    screens = Screens(*(np.array(column) for column in zip(*edges, strict=True)))
    a, b = 1 - fresnel_field(screens, WAVELENGTH)
    alone = np.array([1 - a, 1 - b])
    d1, left, right = screens.d1, screens.left, screens.right
    none, ones = np.zeros(2), np.ones(2)
    row = np.zeros(2, np.intp)
    standing = Standing(row, row, d1, screens.d2, left, right, none, ones, alone, row)
    _, ratio = joint_ratios(standing, WAVELENGTH, "fresnel")
    product = alone.prod()
    exact, twin, product = loss_db(np.array([1 - a - b + both, product * ratio[0], product]))
    return float(exact), float(twin), float(product)


def _both_blocked(
    first: float, apart: float, last: float, aside: tuple[float, float], width: float
) -> complex:
    """F12: the paraxial integral over the one strip and the other, `apart` metres behind it."""
    k = 2 * np.pi / WAVELENGTH
    grid = [np.arange(y - width / 2, y + width / 2, 4e-4) + 2e-4 for y in aside]
    bend = np.array([[1 / first + 1 / apart, -1 / apart], [-1 / apart, 1 / apart + 1 / last]])
    x, y = np.meshgrid(*grid, indexing="ij")
    phase = bend[0, 0] * x**2 + 2 * bend[0, 1] * x * y + bend[1, 1] * y**2
    total = np.exp(-0.5j * k * phase).sum() * 4e-4**2
    return complex(total * 1j * k * np.sqrt(np.linalg.det(bend)) / (2 * np.pi))


def _upright() -> Bodies:
    """A body at the middle of the walk so tall that it is a cylinder."""
    body = walker(np.zeros(1))
    return replace(body, position=body.position - [0, 0, 5e3], height=np.array([1e4]))


def reflected(radius: float = 0.2, source: float = 2.0, receiver: float = 3.0) -> dict[str, Array]:
    """Round body, perfectly conducting, line source: scattered over direct field, dB, over angle;
    exact and by geometrical optics; and the Fresnel zone of the bounce."""
    phi = np.linspace(0.02, 2.9, 900)
    places = receiver * np.stack([np.cos(phi), np.sin(phi)], axis=1)
    transmitter = np.tile([source, 0.0], (len(phi), 1))
    body = replace(_upright(), width=np.array([2 * radius]), depth=np.array([2 * radius]))
    round_body = body.at(body.position * [0, 0, 1])
    ends = [np.pad(end, ((0, 0), (0, 1))) for end in (transmitter, places)]
    mirror = mirror_points(*ends, round_body, np.zeros(len(phi), np.intp))
    s_in, s_out = (np.linalg.norm(mirror.point - end, axis=1) for end in ends)
    cosine = np.abs(((ends[0] - mirror.point) * mirror.normal).sum(axis=1) / s_in)
    focus = 1 / (1 / s_in + 2 / (radius * cosine))
    k = 2 * np.pi / WAVELENGTH
    straight = np.linalg.norm(places - transmitter, axis=1)
    direct = np.abs(hankel2(0, k * straight))
    optics = np.abs(hankel2(0, k * s_in)) * np.sqrt(focus / (focus + s_out)) / direct
    at = np.array([source, 0.0])
    both = [field_round_cylinder(at, place, radius, WAVELENGTH, True) for place in places]
    exact = np.abs(np.array(both) - 1)
    zones = np.sqrt(2 * np.maximum(s_in + s_out - straight, 0) / WAVELENGTH)
    lit = mirror.found
    return {
        "angle": np.rad2deg(phi[lit]),
        "exact": 20 * np.log10(exact[lit]),
        "optics": 20 * np.log10(optics[lit]),
        "zones": zones[lit],
    }


def off_mesh(incidence: float, facets: int = 96) -> tuple[float, float, float, float]:
    """Sionna's path off a facet of the body's mesh and ours off the smooth body: both gains and the
    divergence factor in dB, and the difference of the delays in picoseconds.

    incidence: radians. The ends, 3 m and 2 m away, mirror in the middle of a facet: elsewhere
    Sionna has no path.
    """
    mesh = elliptic_mesh(0.0, facets)
    ring = mesh.vertices[[9, 10], :2]
    along = (ring[1] - ring[0]) / np.linalg.norm(ring[1] - ring[0])
    normal = np.array([along[1], -along[0]])
    ends = [
        np.array([[*ring.mean(axis=0) + way * (np.cos(incidence) * normal + side * along), level]])
        for way, side, level in (
            (3.0, -np.sin(incidence), 1.3),
            (2.0, np.sin(incidence), 0.9),
        )
    ]
    settings = Propagation(max_depth=1, diffuse=False, refraction=False, diffraction=False)
    found = traced_paths((mesh,), Devices(("tx",), ends[0]), Devices(("rx",), ends[1]),
                  FREQUENCY, settings)  # fmt: skip
    theirs = int(np.flatnonzero(found.interactions[:, 0] == SPECULAR)[0])
    body = _upright()
    ours = ellipsoid_bounces(ends[0], ends[1], body, np.zeros(1, np.intp), WAVELENGTH)
    mirror = mirror_points(ends[0], ends[1], body, np.zeros(1, np.intp))
    s_in, s_out = (np.linalg.norm(ours.point - end) for end in ends)
    arriving = (ours.point - ends[0])[0] / s_in
    cosine = -(arriving * mirror.normal[0]).sum()
    round_it = np.array([-mirror.normal[0, 1], mirror.normal[0, 0], 0.0])
    bend = round_it @ mirror.curvature[0] @ round_it
    focus = 1 / (1 / s_in + 2 * (1 - arriving[2] ** 2) * bend / cosine)
    divergence = np.sqrt(focus * (s_in + s_out) / ((focus + s_out) * s_in))
    gains = (found.transfer[theirs, 0, 0], ours.transfer[0, 0, 0], divergence)
    sionna, smooth, factor = (float(20 * np.log10(abs(value))) for value in gains)
    return sionna, smooth, factor, float((ours.delay[0] - found.delay[theirs]) * 1e12)
