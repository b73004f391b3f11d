"""The exact field behind an endless cylinder of lossy material lit by a line source."""

from __future__ import annotations

import numpy as np
from scipy.special import h2vp, hankel2, jv, jvp

WAVELENGTH = 299792458 / 60e9


def field_behind_cylinder(
    radius: float, distance: float, offset: float, permittivity: complex, along_axis: bool
) -> complex:
    """E/E0 at `distance` behind the axis, for a source as far before it, with the straight line
    between the two passing `offset` beside the axis; metres.

    Harrington, Time-Harmonic Electromagnetic Fields, section 5-9 (exp(+jwt), series of H_n^(2)),
    with the boundary values of a dielectric: `along_axis`: E is parallel to the axis, else H.
    """
    k = 2 * np.pi / WAVELENGTH
    size, index = k * radius, np.sqrt(permittivity)
    order = np.arange(-int(size + 60), int(size + 60) + 1)
    inside = _log_derivative(index * size, int(order.max()))[np.abs(order)]
    ratio = inside * (index if along_axis else 1 / index)
    j, h = jv(order, size), hankel2(order, size)
    scattered = -(jvp(order, size) - ratio * j) / (h2vp(order, size) - ratio * h)
    r = np.hypot(distance, offset)
    turn = np.pi - 2 * np.arctan2(offset, distance)
    free = hankel2(0, k * 2 * distance)
    field = (scattered * hankel2(order, k * r) ** 2 * np.exp(1j * order * turn)).sum()
    return complex((free + field) / free)


def _log_derivative(z: complex, most: int) -> np.ndarray:
    """J_n'(z)/J_n(z), n = 0..most, by downward recurrence: J_n itself overflows in a lossy body."""
    found = np.zeros(most + 1, complex)
    value = 0j
    for n in range(most + int(abs(z)) + 50, 0, -1):
        value = (n - 1) / z - 1 / (n / z + value)
        if n - 1 <= most:
            found[n - 1] = value
    return found
