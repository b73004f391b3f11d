"""Single thick bodies against exact fields: the reference's figures, and seeded cases as the tests have
them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_data.page import table

from visrftwin_ros.bodies.surface import skin_permittivity
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.cylinder_diffraction import (
    Cylinders,
    Polarization,
    cylinder_field,
)
from visrftwin_ros.propagation.people.screen_diffraction import (
    FIELD_OF_MODEL,
    loss_db,
    vertical_screen,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))
import cylinder_cases as cases
from ellipse_moments import field_round_ellipse
from exact_cylinder import field_round_cylinder

Array = NDArray[np.float64]

ELLIPSES = (
    (0.25, 0.45, 2.0, 2.0, 0.0, 23.7),
    (0.25, 0.45, 2.0, 2.0, 0.01, 26.7),
    (0.25, 0.45, 0.7, 3.3, 0.0, 33.6),
    (0.45, 0.25, 2.0, 2.0, 0.0, 28.4),
    (0.45, 0.25, 2.0, 2.0, 0.01, 38.0),
)
"""Width, depth, d1, d2, receiver off the axis; reference loss by moments, metal V, dB."""
KINDS: tuple[tuple[Polarization, bool], ...] = (
    ("vertical", False),
    ("horizontal", False),
    ("vertical", True),
    ("horizontal", True),
)
"""Polarisation, and whether of skin or else of metal."""
ELLIPTIC = 200


def behind(
    width: float,
    depth: float,
    d1: float,
    d2: float,
    off: float,
    polarization: Polarization,
    skin: bool,
) -> float:
    """Loss in dB of an endless cylinder by our model, its receiver `off` metres off the axis."""
    wavelength = wavelength_of(cases.FREQUENCY)
    ends = np.array([[-d1, 0.0]]), np.array([[d2, off]])
    body = Cylinders(*ends, np.array([[depth / 2, width / 2]]), np.zeros(1))
    permittivity = skin_permittivity(wavelength) if skin else None
    return float(loss_db(cylinder_field(body, wavelength, polarization, permittivity))[0])


def circles_table() -> str:
    rows: list[tuple[object, ...]] = []
    for radius, d1, d2, printed in cases.CIRCLES_DB:
        screen = vertical_screen(d1, d2, 2 * radius, float("inf"), 0.0, None)
        strip = float(loss_db(FIELD_OF_MODEL["fresnel"](screen, wavelength_of(cases.FREQUENCY)))[0])
        ours = [behind(2 * radius, 2 * radius, d1, d2, 0.0, *kind) for kind in KINDS]
        rows.append((f"{radius:.3f} m, {d1} / {d2} m", f"{strip:.1f}",
                     *(f"{found:.2f} / {right:.2f}"
                       for found, right in zip(ours, printed, strict=True))))  # fmt: skip
    head = ("radius, d1 / d2", "flat screen", "metal V", "metal H", "skin V", "skin H")
    return table(head, rows)


def ellipses_table() -> str:
    return table(
        ("width, depth, d1 / d2, receiver off", "metal V", "reference"),
        [(f"{width:.2f} m, {depth:.2f} m, {d1} / {d2} m, {off * 100:.0f} cm",
          f"{behind(width, depth, d1, d2, off, 'vertical', skin=False):.1f}", f"{printed:.1f}")
         for width, depth, d1, d2, off, printed in ELLIPSES],
    )  # fmt: skip


def cases_table() -> str:
    """Errors of the loss down to 45 dB over 500 circles and 200 ellipses, and of lit fields."""
    circles, ellipses = cases.circular(), cases.elliptic(ELLIPTIC)
    rows = []
    for polarization, skin in KINDS:
        permittivity = cases.SKIN if skin else None
        right = np.array([
            field_round_cylinder(source, receiver, half[0], cases.WAVELENGTH,
                                 polarization == "vertical", permittivity)
            for source, receiver, half in zip(circles.source, circles.receiver,
                                              circles.half_axes, strict=True)
        ])  # fmt: skip
        ours = _of(circles, polarization, permittivity)
        lit = np.abs(ours - right)[_sees(circles)].max()
        name = f"circles, {'skin' if skin else 'metal'} {polarization[0].upper()}, series"
        rows.append((name, *_errors(ours, right), f"{lit:.4f}", "95 % within 1 dB; 0.03"))
    right = np.array([
        field_round_ellipse(*row, cases.WAVELENGTH)
        for row in zip(ellipses.source, ellipses.receiver, ellipses.half_axes, strict=True)
    ])  # fmt: skip
    ours = _of(ellipses, "vertical", None)
    rows.append(("ellipses, metal V, moments", *_errors(ours, right), "",
                 "median 0.7 dB, 90 % within 1.5 dB"))  # fmt: skip
    head = ("bodies, referee", "cases", "error, median (dB)", "90 %", "95 %", "largest (dB)",
            "lit field, largest error", "wanted")  # fmt: skip
    return table(head, rows)


def _of(
    found: cases.Cases, polarization: Polarization, permittivity: complex | None
) -> NDArray[np.complex128]:
    bodies = Cylinders(found.source, found.receiver, found.half_axes, np.zeros(len(found.source)))
    return cylinder_field(bodies, cases.WAVELENGTH, polarization, permittivity)


def _errors(ours: NDArray[np.complex128], right: NDArray[np.complex128]) -> tuple[str, ...]:
    off = np.abs(loss_db(ours) - loss_db(right))[loss_db(right) < cases.DEEPEST_DB]
    quantiles = np.quantile(off, (0.5, 0.9, 0.95, 1.0))
    return str(len(off)), *(f"{value:.2f}" for value in quantiles)


def _sees(found: cases.Cases) -> NDArray[np.bool_]:
    """Whether the straight line passes beside a circle."""
    step = found.receiver - found.source
    share = np.clip(-(found.source * step).sum(axis=1) / (step**2).sum(axis=1), 0, 1)
    return np.hypot(*(found.source + share[:, None] * step).T) > found.half_axes[:, 0]
