"""Physical optics off meshes against what geometrical optics gives for a sphere and a plate."""

from __future__ import annotations

import numpy as np
import pytest
from exact_cylinder import WAVELENGTH
from scipy.constants import speed_of_light
from shapes import moved, sphere

from visrftwin_ros.bodies.surface import body_coefficients
from visrftwin_ros.lab.people.topology import Topology
from visrftwin_ros.lab.radio.body_echo import Facets, echo
from visrftwin_ros.lab.radio.body_truth import Person


def skin(cosine: float) -> tuple[float, float]:
    te, tm = body_coefficients(np.array(["skin"]), np.array([cosine]), WAVELENGTH)
    return float(abs(te[0])), float(abs(tm[0]))


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.0])
def test_a_large_plate_is_a_mirror(angle: float) -> None:
    """Image theory: R / (s' + s), for any angle of incidence."""
    side = 1.2
    corners = side / 2 * np.array([[0, -1, -1], [0, 1, -1], [0, 1, 1], [0, -1, 1]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    ends = 2.0 * np.array([[np.cos(angle), sign * np.sin(angle), 0.0] for sign in (-1, 1)])
    plate = split(Person(corners, Topology.of(faces)), 6)
    # A speck far behind it gives it an inside.
    plate = Person(
        np.concatenate([plate.vertices, [[-50.0 * len(plate.vertices), 0, 0]]]), plate.mesh
    )
    found = echo(Facets.of(plate), "skin", ends[0], ends[1], WAVELENGTH)
    assert found is not None
    te, _ = skin(np.cos(angle))
    expected = WAVELENGTH / (4 * np.pi) * te / 4.0
    assert abs(found.transfer) == pytest.approx(expected, rel=0.06)


def test_a_sphere_sends_back_what_its_curvature_leaves() -> None:
    """Geometrical optics at normal incidence: |R| rho/(rho + s)/s, 1/rho = 1/s + 2/radius."""
    radius, distance = 0.15, 2.0
    end = np.array([distance + radius, 0.0, 0.0])
    found = echo(Facets.of(sphere(radius, rings=120)), "skin", end, end, WAVELENGTH)
    assert found is not None
    rho = 1 / (1 / distance + 2 / radius)
    expected = WAVELENGTH / (4 * np.pi) * skin(1.0)[0] * rho / (rho + distance) / distance
    assert abs(found.transfer) == pytest.approx(expected, rel=0.1)
    assert found.delay == pytest.approx(2 * distance / speed_of_light, rel=1e-3)
    np.testing.assert_allclose(found.point, [radius, 0, 0], atol=6e-3)


def test_the_closed_form_of_a_facet_equals_the_sum_over_its_parts() -> None:
    ends = np.array([[2.0, 0.6, 0.3], [1.5, -0.9, 0.1]])
    body = sphere(0.15, rings=40)
    whole, parts = (echo(Facets.of(b), "cotton", *ends, WAVELENGTH) for b in (body, split(body, 3)))
    assert whole is not None and parts is not None
    one, other = (
        e.transfer * np.exp(-2j * np.pi * speed_of_light / WAVELENGTH * e.delay)
        for e in (whole, parts)
    )
    assert abs(one - other) < 0.05 * abs(other)


def test_nothing_comes_back_from_a_body_that_stands_between() -> None:
    body = moved(sphere(0.2), (0.0, 0.0, 1.0))
    ends = np.array([[-3.0, 0.0, 1.0], [3.0, 0.0, 1.0]])
    assert echo(Facets.of(body), "skin", *ends, WAVELENGTH) is None


def test_triangles_turned_inwards_make_no_difference() -> None:
    body = sphere(0.2)
    inside_out = Person(body.vertices, Topology.of(body.mesh.faces[:, ::-1]))
    end = np.array([2.0, 0.5, 0.2])
    one, other = (echo(Facets.of(b), "skin", end, end, WAVELENGTH) for b in (body, inside_out))
    assert one is not None and other is not None
    assert one.transfer == pytest.approx(other.transfer)


def split(person: Person, times: int) -> Person:
    """Every triangle in four, so many times."""
    corners = person.vertices[person.mesh.faces]
    for _ in range(times):
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        corners = np.concatenate(
            [np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
    faces = np.arange(3 * len(corners)).reshape(-1, 3)
    return Person(corners.reshape(-1, 3), Topology.of(faces))
