"""The exact field round an endless circular cylinder lit by a line source along its axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import h2vp, hankel2, jv, jvp

WAVELENGTH = 299792458 / 60e9


def field_round_cylinder(
    source: NDArray[np.float64],
    receiver: NDArray[np.float64],
    radius: float,
    wavelength: float,
    along_axis: bool,
    permittivity: complex | None = None,
    coat: tuple[complex, float] | None = None,
) -> complex:
    """E/E0 at `receiver` (2,), metres from the axis, for a line source at `source` (2,).

    Harrington, Time-Harmonic Electromagnetic Fields, section 5-9 (exp(+jwt), series of H_n^(2)),
    with the boundary values of a dielectric, or of a perfect conductor where no permittivity is
    given. `along_axis`: E is parallel to the axis, else H. coat: permittivity and thickness of
    the outermost layer of a dielectric, for E along the axis.
    """
    k = 2 * np.pi / wavelength
    size = k * radius
    most = int(size + 14 * np.cbrt(size) + 20)
    order = np.arange(most + 1)
    j, h, dj, dh = jv(order, size), hankel2(order, size), jvp(order, size), h2vp(order, size)
    if permittivity is None:
        scattered = -j / h if along_axis else -dj / dh
    else:
        index = np.sqrt(permittivity)
        core = index * (size if coat is None else size - k * coat[1])
        inside = _log_derivative(core, most) * (index if along_axis else 1 / index)
        if coat is not None:
            inside = _through(coat, inside, size, k)
        scattered = -(dj - inside * j) / (dh - inside * h)
    near, far = np.hypot(*source), np.hypot(*receiver)
    turn = np.arctan2(*receiver[::-1]) - np.arctan2(*source[::-1])
    terms = scattered * hankel2(order, k * near) * hankel2(order, k * far) * np.cos(order * turn)
    free = hankel2(0, k * np.hypot(*(receiver - source)))
    return complex(1 + (2 * terms.sum() - terms[0]) / free)


def field_behind_cylinder(
    radius: float, distance: float, offset: float, permittivity: complex, along_axis: bool
) -> complex:
    """The same at 60 GHz, `distance` m behind the axis, for a source as far before it, with the
    straight line between the two passing `offset` m beside the axis."""
    ends = (np.array([-distance, offset]), np.array([distance, offset]))
    return field_round_cylinder(*ends, radius, WAVELENGTH, along_axis, permittivity)


def _through(
    coat: tuple[complex, float], inside: NDArray[np.complex128], size: float, k: float
) -> NDArray[np.complex128]:
    """Slope over value, by kr, at the outside of a layer whose inside has `inside`."""
    index = np.sqrt(coat[0])
    order = np.arange(len(inside))
    inner, outer = index * (size - k * coat[1]), index * size
    # a J + b H with the slope over the value that the inside has.
    a = index * h2vp(order, inner) - inside * hankel2(order, inner)
    b = inside * jv(order, inner) - index * jvp(order, inner)
    value = a * jv(order, outer) + b * hankel2(order, outer)
    return np.asarray(index * (a * jvp(order, outer) + b * h2vp(order, outer)) / value)


def _log_derivative(z: complex, most: int) -> np.ndarray:
    """J_n'(z)/J_n(z), n = 0..most, by downward recurrence: J_n itself overflows in a lossy body."""
    found = np.zeros(most + 1, complex)
    value = 0j
    for n in range(most + int(abs(z)) + 50, 0, -1):
        value = (n - 1) / z - 1 / (n / z + value)
        if n - 1 <= most:
            found[n - 1] = value
    return found
