"""Kirchhoff diffraction by outlines against closed forms, tables and an exact cylinder."""

from __future__ import annotations

import time

import numpy as np
import pytest
from exact_cylinder import WAVELENGTH, field_behind_cylinder
from shapes import cylinder, disc, moved, sphere

from visrftwin_ros.lab.people.outline import Topology, outline
from visrftwin_ros.lab.radio.body_truth import ROW_HEIGHT, Person, body_fields, outline_field
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.screen_diffraction import fresnel_field, vertical_screen

SKIN = 8 - 1j * 36 / (2 * np.pi * 60e9 * 8.854e-12)


def segment(start: tuple[float, ...], end: tuple[float, ...], behind: float = 0.0) -> Segments:
    a, b = np.array([start], float), np.array([end], float)
    none, yes = np.zeros(1), np.ones(1, bool)
    return Segments(
        np.zeros(1, np.intp), a, b, np.linalg.norm(b - a, axis=1), none + behind, none, yes, yes
    )


def loss_db(field: complex) -> float:
    return float(-20 * np.log10(abs(field)))


def rectangle(width: float, low: float, high: float, tilt: float = 0.0) -> Person:
    """A sheet in the y-z plane, turned by `tilt` in it."""
    corner = np.array([[-width / 2, low], [width / 2, low], [width / 2, high], [-width / 2, high]])
    c, s = np.cos(tilt), np.sin(tilt)
    turned = corner @ np.array([[c, s], [-s, c]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int64)
    return Person(np.column_stack([np.zeros(4), turned]), Topology.of(faces))


def together(first: Person, second: Person) -> Person:
    faces = np.concatenate([first.mesh.faces, second.mesh.faces + len(first.vertices)])
    return Person(np.concatenate([first.vertices, second.vertices]), Topology.of(faces))


@pytest.mark.parametrize(
    ("width", "d1", "d2", "expected"),
    [(0.30, 2.5, 2.5, 15.55), (0.45, 2.5, 2.5, 19.04), (0.30, 0.5, 4.5, 19.95)],
)
def test_a_tall_sheet_has_the_loss_of_the_strip_table(
    width: float, d1: float, d2: float, expected: float
) -> None:
    sheet = rectangle(width, -30.0, 30.0)
    found = body_fields(segment((-d1, 0, 0), (d2, 0, 0)), [sheet], WAVELENGTH)
    assert loss_db(found.field[0]) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("offset", [0.0, 0.1, 0.2, 0.31])
def test_a_rectangle_has_the_field_of_the_closed_form(offset: float) -> None:
    screen = vertical_screen(1.0, 3.0, 0.5, 1.7, offset, 1.0)
    expected = fresnel_field(screen, WAVELENGTH)[0]
    sheet = moved(rectangle(0.5, -1.0, 0.7), (0.0, -offset, 0.0))
    found = body_fields(segment((-1, 0, 0), (3, 0, 0)), [sheet], WAVELENGTH)
    assert abs(found.field[0] - expected) < 1e-3


def test_a_tilted_edge_is_not_a_staircase() -> None:
    """A half plane's field at its edge is one half, however the edge stands to the rows."""
    for tilt in (0.2, 0.4, 0.7, 1.2):
        sheet = rectangle(8.0, 0.0, 8.0, tilt)
        found = body_fields(segment((-2.5, 0, 0), (2.5, 0, 0)), [sheet], WAVELENGTH)
        assert loss_db(found.field[0]) == pytest.approx(6.02, abs=0.12)


def test_a_disc_has_a_bright_spot_in_the_middle_of_its_shadow() -> None:
    """On its axis the Kirchhoff field is exp(-j pi (R/zone)^2): Arago's spot, as bright as free."""
    radius, d1, d2 = 0.2, 2.0, 3.0
    shape = outline(*disc(radius), 3e-4)
    assert shape.area == pytest.approx(np.pi * radius**2, rel=1e-3)
    field = outline_field(shape, d1, d2, WAVELENGTH)
    expected = np.exp(-1j * np.pi * radius**2 * (d1 + d2) / (WAVELENGTH * d1 * d2))
    assert abs(field - expected) < 0.05


def test_the_distances_run_along_the_unfolded_path() -> None:
    """A mirror behind the body leaves the wave's curvature as it is."""
    sheet = rectangle(0.3, -20.0, 20.0)
    whole = body_fields(segment((-4.5, 0, 0), (0.5, 0, 0)), [sheet], WAVELENGTH)
    folded = body_fields(segment((-2.0, 0, 0), (0.5, 0, 0), behind=2.5), [sheet], WAVELENGTH)
    assert abs(whole.field[0] - folded.field[0]) < 1e-9
    assert loss_db(whole.field[0]) == pytest.approx(19.95, abs=0.1)


def test_a_skin_cylinder_casts_the_same_shadow_within_the_error_that_the_model_states() -> None:
    body = cylinder(0.15, 0.15, -20.0, 20.0)
    for offset, deeper in [(0.0, 5.6), (0.10, 2.7), (0.15, 1.0), (0.20, 0.4), (0.30, 0.3)]:
        found = body_fields(segment((-2.5, offset, 0), (2.5, offset, 0)), [body], WAVELENGTH).field[
            0
        ]
        exact = [
            field_behind_cylinder(0.15, 2.5, offset, SKIN, along_axis)
            for along_axis in (True, False)
        ]
        for field in exact:
            assert -0.3 < loss_db(field) - loss_db(found) < deeper


def test_the_near_side_of_a_body_looms() -> None:
    """A sheet 0.1 m before the middle of a body has the shadow that it has by itself."""
    both = together(
        moved(rectangle(0.4, -9, 9), (-0.1, 0, 0)), moved(rectangle(0.2, -9, 9), (0.1, 0, 0))
    )
    found = body_fields(segment((-0.4, 0, 0), (4.6, 0, 0)), [both], WAVELENGTH).field[0]
    near = vertical_screen(0.3, 4.7, 0.4, np.inf, 0.0, None)
    assert abs(found - fresnel_field(near, WAVELENGTH)[0]) < 0.003


def test_bodies_beside_beyond_or_below_the_path_change_nothing() -> None:
    body = cylinder(0.2, 0.15, 0.0, 1.75)
    for start, end in [
        ((-4.0, 3.0, 1.0), (4.0, 3.0, 1.0)),
        ((1.0, 0.0, 1.0), (4.0, 0.0, 1.0)),
        ((-4.0, 0.0, 3.0), (4.0, 0.0, 3.0)),
    ]:
        assert len(body_fields(segment(start, end), [body], WAVELENGTH).path) == 0


def test_walking_past_makes_no_step() -> None:
    body = cylinder(0.2, 0.15, 0.0, 1.75)
    link = segment((-2.5, 0, 1.2), (2.5, 0, 1.2))
    aside = np.arange(0.0, 1.6, 2e-3)
    level = []
    for y in aside:
        found = body_fields(link, [moved(body, (0.0, float(y), 0.0))], WAVELENGTH)
        level.append(found.field[0] if len(found.field) else 1.0)
    steps = np.abs(np.diff(np.array(level)))
    assert steps.max() < 0.12
    assert level[-1] == 1.0


def test_two_bodies_multiply_and_the_order_of_asking_does_not_matter() -> None:
    link = segment((-4, 0, 1), (4, 0, 1))
    people = [moved(cylinder(0.2, 0.15, 0, 1.75), (x, 0.05, 0)) for x in (-2.0, 2.0)]
    both = body_fields(link, people, WAVELENGTH).product(1)[0]
    each = [body_fields(link, [p], WAVELENGTH).product(1)[0] for p in people]
    assert both == pytest.approx(each[0] * each[1])


def test_overlapping_parts_count_once() -> None:
    sheet = rectangle(0.4, 0.0, 1.0)
    turned = Person(sheet.vertices + [0.01, 0.1, 0], Topology.of(sheet.mesh.faces[:, ::-1]))
    both = together(sheet, turned)
    shape = outline(both.vertices[:, 1:], both.mesh, ROW_HEIGHT)
    assert shape.area == pytest.approx(0.5, rel=1e-6)


def test_ten_pairs_take_less_than_an_instant() -> None:
    """Limit: 50 ms on two cores that others use as well."""
    ball = sphere(1.0, rings=40)
    body = moved(Person(ball.vertices * [0.25, 0.15, 0.87], ball.mesh), (0.0, 0.0, 0.87))
    link = segment((-2.5, 0, 1.2), (2.5, 0, 1.2))
    body_fields(link, [body], WAVELENGTH)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(10):
            body_fields(link, [body], WAVELENGTH)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.05
