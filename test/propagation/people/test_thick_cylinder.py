"""The compiled field round a thick body against the referees and against numpy's."""

from __future__ import annotations

import cylinder_cases as cases
import numpy as np
import pytest
from ellipse_moments import field_round_ellipse
from exact_cylinder import field_round_cylinder

from visrftwin_ros.bodies.surface import (
    CLOTHING,
    body_coefficients,
    body_materials,
    skin_permittivity,
)
from visrftwin_ros.propagation.people.cylinder_diffraction import Cylinders, cylinder_field
from visrftwin_ros.propagation.people.screen_diffraction import loss_db
from visrftwin_ros.propagation.people.thick_cylinder import past_ellipse
from visrftwin_ros.propagation.people.transition_table import (
    Table,
    body_transitions,
    reflection_at,
    tabulated,
)

WAVE_NUMBER = 2 * np.pi / cases.WAVELENGTH
SKIN = skin_permittivity(cases.WAVELENGTH)


def metal() -> Table:
    return tabulated((lambda cosine: np.zeros(len(cosine), complex),))[0]


def skin() -> Table:
    return body_transitions(cases.WAVELENGTH)[0]


def ours(found: cases.Cases, table: Table, heading: np.ndarray | None = None) -> np.ndarray:
    """E/E0 of each case, seen in the axes of bodies that are turned by `heading`."""
    turn = np.zeros(len(found.source)) if heading is None else heading
    field = []
    for source, receiver, half, angle in zip(
        found.source, found.receiver, found.half_axes, turn, strict=True
    ):
        c, s = np.cos(angle), np.sin(angle)
        ends = [(x * c + y * s, y * c - x * s) for x, y in (source, receiver)]
        size = np.cbrt(WAVE_NUMBER / 2 / half.prod())
        field.append(past_ellipse(*ends[0], *ends[1], *half, size, WAVE_NUMBER, table))
    return np.array(field)


@pytest.mark.parametrize(("table", "permittivity"), [(metal, None), (skin, SKIN)])
@pytest.mark.parametrize("kind", [cases.circular, cases.elliptic])
def test_every_case_is_numpys_within_a_fiftieth_of_a_decibel(kind, table, permittivity) -> None:
    """500 from lit to shadow, ellipses at random headings; within 0.02 dB and 0.01 rad."""
    found = kind(500)
    heading = np.random.default_rng(3).uniform(-np.pi, np.pi, 500)
    right = cylinder_field(
        Cylinders(found.source, found.receiver, found.half_axes, heading),
        cases.WAVELENGTH, "vertical", permittivity,
    )  # fmt: skip
    field = ours(found, table(), heading)
    deep = np.abs(right) > 1e-5
    assert deep.sum() > 450
    assert np.abs(loss_db(field) - loss_db(right))[deep].max() < 0.02
    assert np.abs(np.angle(field / right))[deep].max() < 0.01
    assert np.abs(field - right).max() < 3e-4


def test_circles_of_skin_meet_the_exact_series() -> None:
    """95 % within 1 dB down to 45 dB; reached is every one within 0.6 dB."""
    found = cases.circular(120, seed=21)
    right = np.array([
        field_round_cylinder(source, receiver, half[0], cases.WAVELENGTH, True, SKIN)
        for source, receiver, half in zip(found.source, found.receiver, found.half_axes, strict=True)
    ])  # fmt: skip
    off = np.abs(loss_db(ours(found, skin())) - loss_db(right))[loss_db(right) < cases.DEEPEST_DB]
    assert len(off) > 100
    assert np.mean(off < cases.WITHIN_DB) >= cases.SHARE_WITHIN
    assert off.max() < 0.6


def test_ellipses_of_metal_meet_the_method_of_moments() -> None:
    found = cases.elliptic(12, seed=22)
    rows = zip(found.source, found.receiver, found.half_axes, strict=True)
    right = np.array([field_round_ellipse(*case, cases.WAVELENGTH) for case in rows])
    off = np.abs(loss_db(ours(found, metal())) - loss_db(right))
    assert np.median(off) < 0.1 < cases.ELLIPSE_MEDIAN_DB
    assert off.max() < 0.7


@pytest.mark.parametrize("material", body_materials())
def test_a_plane_of_skin_or_cloth_reflects_as_its_layers_do(material) -> None:
    number = body_materials().index(material)
    table = body_transitions(cases.WAVELENGTH)[number]
    cosine = np.linspace(0.2, 1.0, 50)
    right, _ = body_coefficients(np.full(50, material), cosine, cases.WAVELENGTH)
    assert [reflection_at(table, c) for c in cosine] == pytest.approx(right, abs=1e-3)


@pytest.mark.parametrize("material", CLOTHING)
def test_clothed_circles_meet_the_exact_series_of_a_coated_cylinder(material) -> None:
    cloth = CLOTHING[material]
    coat = cloth.relative_permittivity * (1 - 1j * cloth.loss_tangent), cloth.thickness
    table = body_transitions(cases.WAVELENGTH)[body_materials().index(material)]
    found = cases.circular(60, seed=23)
    right = np.array([
        field_round_cylinder(source, receiver, half[0], cases.WAVELENGTH, True, SKIN, coat)
        for source, receiver, half in zip(found.source, found.receiver, found.half_axes, strict=True)
    ])  # fmt: skip
    field = ours(found, table)
    off = np.abs(loss_db(field) - loss_db(right))[loss_db(right) < cases.DEEPEST_DB]
    assert np.mean(off < cases.WITHIN_DB) >= cases.SHARE_WITHIN
    # Wool is thick enough to carry a wave of its own.
    assert off.max() < (2.0 if material == "wool" else 0.1)
    assert np.abs(field - right).max() < cases.FRINGE
