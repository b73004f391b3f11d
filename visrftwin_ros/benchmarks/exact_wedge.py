"""The field of a line source beside a perfectly conducting wedge, exactly."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import hankel2, jv

Angles = Float[np.ndarray, " n"]


def wedge_series(
    wavenumber: float,
    exterior: float,
    source: tuple[float, float],
    distance: float,
    angle: Angles,
    hard: bool,
) -> Complex[np.ndarray, " n"]:
    """Total field over that of the source alone at the edge, time factor exp(j w t).

    exterior: the wedge's open angle, radians. source: distance from the edge [m] and angle from the
    first face; the observers stand at `distance`, which is another one, and `angle`. hard: the
    magnetic field lies along the edge, else the electric one. Eigenfunctions of the wedge
    (Bowman, Senior and Uslenghi, Electromagnetic and Acoustic Scattering by Simple Shapes, ch. 6).
    """
    near, far = sorted((source[0], distance))
    # Beyond the order k r the Bessel function falls faster than any power.
    highest = wavenumber * near + 12 * (wavenumber * near) ** (1 / 3) + 10
    order = np.arange(0 if hard else 1, int(highest * exterior / np.pi) + 1) * np.pi / exterior
    radial = jv(order, wavenumber * near) * hankel2(order, wavenumber * far)
    weight = np.where(order == 0, 2.0, 4.0) * np.pi / exterior
    shape = np.cos if hard else np.sin
    modes = weight * radial * shape(order * source[1])
    total = shape(np.outer(angle, order)) @ modes
    return np.asarray(total / hankel2(0, wavenumber * source[0]))
