"""Reflection off a body against an exact solution, Sionna's paths, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import WAVELENGTH, people
from scipy.special import hankel2, jv

from visrftwin_ros.bodies.surface import body_coefficients
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import SPECULAR
from visrftwin_ros.propagation.people.body_reflection import (
    cross_section_bounces,
    cylinder_bounces,
    strongest_bounce,
)
from visrftwin_ros.propagation.people.fermat_points import mirror_points
from visrftwin_ros.propagation.tracing.sionna_solver import solve
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

ALONE = np.zeros(1, np.intp)
AP, ROBOT = np.array([[0.0, 0.0, 2.0]]), np.array([[6.0, 0.5, 1.0]])
far = st.tuples(st.floats(0.5, 20), st.floats(-np.pi, np.pi))


def on_plan(place: tuple[float, float]) -> np.ndarray:
    return np.array([[place[0] * np.cos(place[1]), place[0] * np.sin(place[1]), 1.2]])


@given(tx=far, rx=far, heading=st.floats(-np.pi, np.pi))
def test_the_mirror_point_is_the_shortest_way_over_the_side(tx, rx, heading) -> None:
    transmitter, receiver = on_plan(tx), on_plan(rx)
    body = people((0.0, 0.0), heading=heading)
    found = mirror_points(transmitter, receiver, body, ALONE)
    angle = np.linspace(0, 2 * np.pi, 20_001)
    x, y = 0.125 * np.cos(angle), 0.225 * np.sin(angle)
    c, s = np.cos(heading), np.sin(heading)
    side = np.stack([x * c - y * s, x * s + y * c], axis=1)
    ways = sum(np.linalg.norm(side - end[0, :2], axis=1) for end in (transmitter, receiver))
    straight = np.linalg.norm((receiver - transmitter)[0, :2])
    if found.found[0]:
        way = sum(np.linalg.norm(found.point - end[:, :2]) for end in (transmitter, receiver))
        assert way == pytest.approx(ways.min(), abs=1e-6)
        assert way > straight
    else:  # the body stands across the line: the shortest way over its outline is the line
        assert ways.min() == pytest.approx(straight, abs=1e-6)


def test_no_mirror_where_an_end_is_inside_or_the_body_is_across() -> None:
    inside, across = people((0.05, 0.0)), people((3.0, 0.25))
    for body in (inside, across):
        assert not mirror_points(AP, ROBOT, body, ALONE).found[0]
        bounced = cylinder_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
        assert not bounced.found[0]


def test_a_flat_side_reflects_as_a_plane_does() -> None:
    # Half a kilometre across: the curvature is nothing, and the wall's image is 2 * 3 m away.
    wall = people((3.0, 3.5), depth=1.0, width=1000.0, height=1000.0, heading=-np.pi / 2)
    wall = replace(wall, position=np.array([[3.0, 3.5, -500.0]]))
    ends = np.array([[0.0, 0.0, 1.0]]), np.array([[6.0, 0.0, 1.0]])
    bounced = cylinder_bounces(*ends, wall, ALONE, WAVELENGTH)
    way = np.hypot(6, 6)
    te, _ = body_coefficients(np.array(["skin"]), np.array([3.0 / (way / 2)]), WAVELENGTH)
    assert bounced.found[0]
    assert bounced.delay[0] * 299_792_458 == pytest.approx(way, abs=1e-6)
    vertical = WAVELENGTH / (4 * np.pi * way) * abs(te[0])
    assert abs(bounced.transfer[0, 0, 0]) == pytest.approx(vertical, rel=2e-2)


def exact_scattered(radius: float, source: float, places: np.ndarray) -> np.ndarray:
    """Field scattered by a perfectly conducting cylinder at the origin, of a line source at
    (source, 0) parallel to it (Harrington, Time-Harmonic Electromagnetic Fields, eq. 5-117)."""
    k = 2 * np.pi / WAVELENGTH
    order = np.arange(int(k * radius + 60))
    rho, phi = np.hypot(*places.T), np.arctan2(places[:, 1], places[:, 0])
    weight = np.where(order == 0, 1, 2) * jv(order, k * radius) / hankel2(order, k * radius)
    terms = weight * hankel2(order, k * source) * hankel2(order, k * rho[:, None])
    return -(terms * np.cos(np.outer(phi, order))).sum(axis=1)


def test_curvature_spreads_the_wave_as_the_exact_solution_says() -> None:
    """Geometrical optics is exact to 0.15 dB beyond ten Fresnel zones off the body, and by
    2.5 dB low at four; nearer it needs the transition functions of the uniform theory."""
    radius, source = 0.2, 2.0
    phi = np.linspace(0.1, 2.6, 200)
    places = 3.0 * np.stack([np.cos(phi), np.sin(phi)], axis=1)
    transmitter, receiver = np.tile([source, 0.0], (200, 1)), places
    body = people((0.0, 0.0), width=2 * radius, depth=2 * radius)
    mirror = mirror_points(transmitter, receiver, body, np.zeros(200, np.intp))
    assert mirror.found.all()
    s_in, s_out = (np.linalg.norm(mirror.point - end, axis=1) for end in (transmitter, receiver))
    cosine = ((transmitter - mirror.point) * mirror.normal).sum(axis=1) / s_in
    focus = 1 / (1 / s_in + 2 / (mirror.radius * cosine))
    # A line source spreads by 1/sqrt(s), which is the point source's without the vertical part.
    optics = np.abs(hankel2(0, 2 * np.pi / WAVELENGTH * s_in)) * np.sqrt(focus / (focus + s_out))
    error = 20 * np.log10(optics / np.abs(exact_scattered(radius, source, places)))
    detour = s_in + s_out - np.linalg.norm(receiver - transmitter, axis=1)
    zones = np.sqrt(2 * detour / WAVELENGTH)
    assert np.abs(error[zones > 10]).max() < 0.15
    assert np.abs(error[zones > 4]).max() < 2.5
    point = (
        np.column_stack([transmitter, np.full(200, 0.9)]),
        np.column_stack([receiver, np.full(200, 0.9)]),
    )
    tall = replace(body, position=np.array([[0, 0, -50.0]]), height=np.array([100.0]))
    ours = cylinder_bounces(*point, tall, np.zeros(200, np.intp), WAVELENGTH)
    te, _ = body_coefficients(np.array(["skin"] * 200), cosine, WAVELENGTH)
    spread = np.sqrt(focus * s_in / ((focus + s_out) * (s_in + s_out)))
    expected = WAVELENGTH / (4 * np.pi * s_in) * spread * np.abs(te)
    np.testing.assert_allclose(
        np.abs(ours.transfer[zones > 2, 0, 0]), expected[zones > 2], rtol=1e-2
    )


def test_sionnas_path_off_a_faceted_body_is_ours_without_the_curvature() -> None:
    """Each facet is a flat mirror to Sionna: same point and delay, no divergence. Ours is weaker
    by exactly the divergence factor (about 15 dB here), and by the soft ends of the side."""
    prepare("llvm", 2)
    count, chest, shoulder = 96, 0.125, 0.225
    corner = (np.arange(count) - 0.5) * 2 * np.pi / count
    ring = np.stack([chest * np.cos(corner), shoulder * np.sin(corner)], axis=1)
    after = np.roll(np.arange(count), -1)
    vertices = np.concatenate([np.column_stack([ring, np.full(count, z)]) for z in (0.0, 1.75)])
    faces = np.concatenate(
        [
            np.column_stack([np.arange(count), after, after + count]),
            np.column_stack([np.arange(count), after + count, np.arange(count) + count]),
        ]
    )
    skin = material_values("skin", 60e9)
    mesh = SurfaceMesh("body", vertices, faces, skin)
    # Ends mirrored in the middle of a facet, so that Sionna has a path at all.
    facet = 9
    middle = (ring[facet] + ring[facet + 1]) / 2
    along = ring[facet + 1] - ring[facet]
    normal = np.array([along[1], -along[0]]) / np.linalg.norm(along)
    tangent = along / np.linalg.norm(along)
    incidence = np.deg2rad(50)
    tx = middle + 3.0 * (np.cos(incidence) * normal - np.sin(incidence) * tangent)
    rx = middle + 2.0 * (np.cos(incidence) * normal + np.sin(incidence) * tangent)
    ap, robot = np.array([[*tx, 1.3]]), np.array([[*rx, 0.9]])
    settings = Propagation(max_depth=1, diffuse=False, refraction=False, diffraction=False)
    found = solve(
        (mesh,), Devices(("ap",), ap), Devices(("r",), robot), 60e9, settings, device="llvm"
    )
    theirs = np.flatnonzero(found.interactions[:, 0] == SPECULAR)
    assert len(theirs) == 1
    body = people((0.0, 0.0))
    wavelength = 299_792_458 / 60e9
    ours = cylinder_bounces(ap, robot, body, ALONE, wavelength)
    assert ours.found[0]
    np.testing.assert_allclose(ours.point[0], found.vertices[theirs[0], 1], atol=0.02)
    assert ours.delay[0] == pytest.approx(found.delay[theirs[0]], abs=5e-3 / 299_792_458)
    mirror = mirror_points(ap, robot, body, ALONE)
    s_in, s_out = (np.linalg.norm(ours.point - end) for end in (ap, robot))
    flatness = np.linalg.norm(mirror.point - ap[:, :2]) / s_in
    incoming = (ours.point - ap)[0] / s_in
    cosine = -(incoming[:2] * mirror.normal[0]).sum()
    focus = 1 / (1 / s_in + 2 * flatness**2 / (mirror.radius[0] * cosine))
    divergence = np.sqrt(focus * (s_in + s_out) / ((focus + s_out) * s_in))
    assert -20 < 20 * np.log10(divergence) < -10
    theirs_curved = found.transfer[theirs[0]] * divergence
    for polarisation in (0, 1):
        ratio = (
            ours.transfer[0, polarisation, polarisation]
            / (theirs_curved[polarisation, polarisation])
        )
        # 0.3 dB: the facet's normal, and head and feet three zones away.
        assert abs(20 * np.log10(abs(ratio))) < 0.3
        assert abs(np.angle(ratio)) < 0.2


def test_reciprocity() -> None:
    body = people((3.0, 1.5), heading=0.4)
    there = cylinder_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
    back = cylinder_bounces(ROBOT, AP, body, ALONE, WAVELENGTH)
    np.testing.assert_allclose(
        np.abs(back.transfer[0, 0, 0]), np.abs(there.transfer[0, 0, 0]), rtol=1e-9
    )
    assert back.delay[0] == pytest.approx(there.delay[0])


def test_next_to_the_ray_the_bounce_is_the_screens_fringe_already() -> None:
    offset = np.linspace(0.3, 1.2, 400)
    bodies = people(*[(3.0, 0.25 + y) for y in offset])
    count = np.arange(len(offset))
    ends = np.repeat(AP, 400, axis=0), np.repeat(ROBOT, 400, axis=0)
    strength = np.abs(cylinder_bounces(*ends, bodies, count, WAVELENGTH).transfer[:, 0, 0])
    direct = WAVELENGTH / (4 * np.pi * np.linalg.norm(ROBOT - AP))
    assert strength[0] == 0
    assert strength.max() < 0.2 * direct
    assert np.abs(np.diff(strength)).max() < 0.01 * direct


def test_over_head_and_under_foot_nothing_is_reflected() -> None:
    high = np.array([[0.0, 0.0, 8.0]]), np.array([[6.0, 0.5, 8.0]])
    body = people((3.0, 1.5))
    usual = cylinder_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
    over = cylinder_bounces(*high, body, ALONE, WAVELENGTH)
    assert np.abs(over.transfer[0, 0, 0]) < 0.02 * np.abs(usual.transfer[0, 0, 0])


def test_the_path_lengthens_at_the_speed_that_two_instants_show() -> None:
    body = replace(people((3.0, 1.5), heading=0.4), velocity=np.array([[0.3, 1.2, 0.0]]))
    now = cylinder_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
    later = cylinder_bounces(
        AP, ROBOT, body.at(body.position + 1e-4 * body.velocity), ALONE, WAVELENGTH
    )
    speed = (later.delay - now.delay)[0] * 299_792_458 / 1e-4
    assert now.stretching[0] == pytest.approx(speed, rel=1e-3)


@given(
    x=st.floats(-8, 14), y=st.floats(-8, 8), heading=st.floats(-np.pi, np.pi), z=st.floats(0.3, 4)
)
def test_the_bound_holds(x, y, heading, z) -> None:
    receiver = np.array([[6.0, 0.5, z]])
    body = people((x, y), heading=heading)
    bounced = cylinder_bounces(AP, receiver, body, ALONE, WAVELENGTH)
    if bounced.found[0]:
        bound = strongest_bounce(AP, receiver, body, WAVELENGTH)
        # The ends of the side may ring up by 1.2 dB, as at any edge.
        assert np.abs(bounced.transfer[0, 0, 0]) ** 2 <= 1.9 * bound[0, 0]


def test_the_cross_section_and_the_cylinder_agree_within_their_spread() -> None:
    """TR 38.901 gives sigma_S a standard deviation of 3.94 dB; the cylinder, which does not
    curve vertically, should lie within three of those over a room's distances."""
    difference = []
    for y in (2.0, 3.0, 5.0):
        body = people((3.0, y), heading=-np.pi / 2)
        gains = [
            np.abs(model(AP, ROBOT, body, ALONE, WAVELENGTH).transfer[0, 0, 0])
            for model in (cylinder_bounces, cross_section_bounces)
        ]
        difference.append(20 * np.log10(gains[0] / gains[1]))
    assert np.abs(difference).max() < 3 * 3.94
