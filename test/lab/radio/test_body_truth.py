"""Fields behind meshes against exact cylinders and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from cylinder_cases import CIRCLES_DB, WAVELENGTH, loss_db
from shapes import box, cylinder, moved, sphere

from visrftwin_ros.lab.people.rounding import Rounding
from visrftwin_ros.lab.radio.body_truth import METAL, Person, body_fields
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.people.screen_diffraction import fresnel_field, vertical_screen


def segment(start: tuple[float, ...], end: tuple[float, ...], behind: float = 0.0) -> Segments:
    a, b = np.array([start], float), np.array([end], float)
    none, yes = np.zeros(1), np.ones(1, bool)
    return Segments(
        np.zeros(1, np.intp), a, b, np.linalg.norm(b - a, axis=1), none + behind, none, yes, yes
    )


def field(link: Segments, people: list[Person]) -> complex:
    return complex(body_fields(link, people, 1, WAVELENGTH)[0])


def of(material: str, person: Person) -> Person:
    return Person(person.vertices, person.mesh, material)


@pytest.mark.parametrize("case", [CIRCLES_DB[0], CIRCLES_DB[3]])
def test_a_tall_cylinder_has_the_loss_of_the_exact_series(case) -> None:
    radius, d1, d2, (metal, _, skin, _) = case
    tall = cylinder(radius, radius, -4.0, 4.0)
    for material, expected in ((METAL, metal), ("skin", skin)):
        found = loss_db(field(segment((-d1, 0, 0), (d2, 0, 0)), [of(material, tall)]))
        assert found == pytest.approx(expected, abs=1.0)


def test_over_the_top_goes_what_an_edge_lets_past() -> None:
    """A wide block is a half plane from below, whose closed form is that of a wide screen."""
    for top in (-0.1, 0.0, 0.15):
        block = box((-0.01, 0.01), (-1.2, 1.2), (-3.0, top))
        found = field(segment((-2.0, 0, 0), (3.0, 0, 0)), [block])
        screen = vertical_screen(2.0, 3.0, 2.4, 3.0 + top, 0.0, 3.0)
        expected = fresnel_field(screen, WAVELENGTH)[0]
        assert abs(found - expected) < 0.06


def test_the_distances_run_along_the_unfolded_path() -> None:
    """A mirror behind the body leaves the wave's curvature as it is."""
    body = cylinder(0.15, 0.2, -1.0, 0.7)
    whole = field(segment((-4.5, 0, 0), (0.5, 0, 0)), [body])
    folded = field(segment((-2.0, 0, 0), (0.5, 0, 0), behind=2.5), [body])
    assert abs(whole - folded) < 1e-9


def test_bodies_beside_beyond_or_below_the_path_change_nothing() -> None:
    body = cylinder(0.2, 0.15, 0.0, 1.75)
    for start, end in [
        ((-4.0, 3.0, 1.0), (4.0, 3.0, 1.0)),
        ((1.0, 0.0, 1.0), (4.0, 0.0, 1.0)),
        ((-4.0, 0.0, 3.0), (4.0, 0.0, 3.0)),
    ]:
        assert field(segment(start, end), [body]) == 1.0


def test_walking_past_makes_no_step_and_the_shadow_is_deep() -> None:
    body = cylinder(0.15, 0.22, 0.0, 1.75)
    link = segment((-2.5, 0, 1.2), (2.5, 0, 1.2))
    aside = np.arange(0.0, 1.2, 0.02)
    level = np.array([field(link, [moved(body, (0.0, float(y), 0.0))]) for y in aside])
    assert np.abs(np.diff(np.abs(level))).max() < 0.35
    assert level[-1] == 1.0
    assert loss_db(complex(level[0])) > 22


def test_who_is_left_out_casts_no_shadow() -> None:
    link = segment((-4, 0, 1), (4, 0, 1))
    people = [moved(cylinder(0.2, 0.15, 0, 1.75), (x, 0.05, 0)) for x in (-2.0, 2.0)]
    but = body_fields(link, people, 1, WAVELENGTH, np.array([0]))[0]
    assert but == field(link, people[1:])


def test_a_weak_path_keeps_its_shadow_and_loses_far_fringes() -> None:
    """Of a path with a tenth of its link's amplitude fringes end 1.5 zones off; shadows stay."""
    link = segment((-4, 0, 1), (4, 0, 1))
    zone = np.sqrt(WAVELENGTH * 2.0)
    for aside, same in ((0.05, True), (0.2 + 2.0 * zone, False)):
        body = [moved(cylinder(0.2, 0.2, 0, 1.75), (0.0, aside, 0.0))]
        weak = complex(body_fields(link, body, 1, WAVELENGTH, share=np.array([0.1]))[0])
        assert (weak == field(link, body)) is same
        assert same or (weak == 1.0 and abs(field(link, body) - 1) < 0.15)


def test_one_behind_the_other_is_less_than_the_product() -> None:
    """A body in another one's shadow takes what is left there, not what it takes of a free wave."""
    link = segment((-3, 0, 1), (3, 0, 1))
    people = [moved(cylinder(0.12, 0.2, 0, 1.75), (x, 0.0, 0)) for x in (-0.25, 0.25)]
    alone = sum(loss_db(field(link, [person])) for person in people)
    assert loss_db(field(link, people)) < alone - 8


def test_legs_and_burdens_count_where_they_are() -> None:
    """A case on the ground beside somebody shadows a path that the body alone lets past."""
    body = cylinder(0.12, 0.15, 0.0, 1.75)
    case = box((-0.12, 0.12), (0.35, 0.75), (0.03, 0.65))
    low = segment((-2.5, 0.55, 0.4), (2.5, 0.55, 0.4))
    assert loss_db(field(low, [body])) < 1.0
    assert loss_db(field(low, [body, case])) > 10


def test_a_rounded_mesh_lies_on_the_sphere_that_it_was_cut_from() -> None:
    ball = sphere(0.2, rings=8)
    rounding = Rounding.of(ball.mesh, len(ball.vertices))
    points = rounding.points(ball.vertices)
    middle = ball.vertices[ball.mesh.edges].mean(axis=1)
    coarse = 0.2 - np.linalg.norm(middle, axis=1).min()
    assert np.abs(np.linalg.norm(points, axis=1) - 0.2).max() < coarse / 5
    a, b, c = (points[rounding.faces[:, k]] for k in range(3))
    volume = np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.2**3, rel=0.04)
