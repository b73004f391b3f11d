"""Reflection off a body against exact solutions, physical optics, Sionna's paths, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import WAVELENGTH, people
from scipy.special import hankel2, jv, spherical_jn, spherical_yn

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import body_coefficients
from visrftwin_ros.lab.radio.body_echo import Facets, echo
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import SPECULAR
from visrftwin_ros.propagation.people.body_reflection import (
    cross_section_bounces,
    ellipsoid_bounces,
    strongest_bounce,
)
from visrftwin_ros.propagation.people.fermat_points import mirror_points
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

ALONE = np.zeros(1, np.intp)
AP, ROBOT = np.array([[0.0, 0.0, 2.0]]), np.array([[6.0, 0.5, 1.0]])
far = st.tuples(st.floats(0.5, 20), st.floats(-np.pi, np.pi))
level = st.floats(0.05, 6.0)


def upright(bodies: Bodies) -> Bodies:
    """The same as tall as makes them cylinders."""
    return replace(bodies, position=bodies.position - [0, 0, 5e3], height=np.full(len(bodies), 1e4))


def on_plan(place: tuple[float, float], level: float) -> np.ndarray:
    return np.array([[place[0] * np.cos(place[1]), place[0] * np.sin(place[1]), level]])


def in_semi_axes(end: np.ndarray, heading: float) -> np.ndarray:
    """Where the default body at the origin is the unit sphere."""
    c, s = np.cos(heading), np.sin(heading)
    x, y, z = end[0] - [0, 0, 0.875]
    return np.array([(x * c + y * s) / 0.125, (y * c - x * s) / 0.225, z / 0.875])


@settings(deadline=None)  # the first call compiles
@given(tx=far, rx=far, heading=st.floats(-np.pi, np.pi), levels=st.tuples(level, level))
def test_the_mirror_point_is_the_shortest_way_over_the_body(tx, rx, heading, levels) -> None:
    """And there is one for every two ends that see each other past the body."""
    transmitter, receiver = on_plan(tx, levels[0]), on_plan(rx, levels[1])
    found = mirror_points(transmitter, receiver, people((0.0, 0.0), heading=heading), ALONE)
    start, end = (in_semi_axes(e, heading) for e in (transmitter, receiver))
    along = start + np.linspace(0, 1, 20_001)[:, None] * (end - start)
    nearest = np.linalg.norm(along, axis=1).min()
    if nearest > 1 + 1e-6:
        assert found.found[0]
    if not found.found[0]:
        assert nearest < 1 + 1e-3
        return
    here = in_semi_axes(found.point, heading)
    assert np.linalg.norm(here) == pytest.approx(1)
    around = here + 0.3 * np.random.default_rng(0).standard_normal((5_000, 3)) ** 3
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    others = [
        sum(np.linalg.norm((w - e) * [0.125, 0.225, 0.875], axis=1) for e in (start, end))
        for w in (here[None], around)
    ]
    assert others[0][0] <= others[1].min() + 1e-9


def test_no_mirror_where_an_end_is_inside_or_the_body_is_across() -> None:
    inside, across = people((6.05, 0.5)), people((4.0, 0.4))
    for body in (inside, across):
        assert not mirror_points(AP, ROBOT, body, ALONE).found[0]
        bounced = ellipsoid_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
        assert not bounced.found[0]


def test_a_flat_side_reflects_as_a_plane_does() -> None:
    # Half a kilometre across: the curvature is nothing, and the wall's image is 2 * 3 m away.
    wall = people((3.0, 3.5), depth=1.0, width=1000.0, height=1000.0, heading=-np.pi / 2)
    wall = replace(wall, position=np.array([[3.0, 3.5, -500.0]]))
    ends = np.array([[0.0, 0.0, 1.0]]), np.array([[6.0, 0.0, 1.0]])
    bounced = ellipsoid_bounces(*ends, wall, ALONE, WAVELENGTH)
    way = np.hypot(6, 6)
    te, _ = body_coefficients(np.array(["skin"]), np.array([3.0 / (way / 2)]), WAVELENGTH)
    assert bounced.found[0]
    assert bounced.delay[0] * 299_792_458 == pytest.approx(way, abs=1e-5)
    vertical = WAVELENGTH / (4 * np.pi * way) * abs(te[0])
    assert abs(bounced.transfer[0, 0, 0]) == pytest.approx(vertical, rel=1e-4)


def cross_section(body: Bodies, towards: np.ndarray, away: float = 1e4) -> float:
    """Square metres seen from `away` metres in the direction `towards` from the middle of the
    body, with |R| = 1."""
    middle = body.position + [0, 0, body.height[0] / 2]
    end = middle + away * towards[None] / np.linalg.norm(towards)
    bounced = ellipsoid_bounces(end, end, body, ALONE, WAVELENGTH)
    te, _ = body_coefficients(np.array(["skin"]), np.ones(1), WAVELENGTH)
    way = np.linalg.norm(bounced.point - end)
    gain = np.abs(bounced.transfer[0, 0, 0] / te[0]) ** 2
    return float(gain * (4 * np.pi) ** 3 * way**4 / WAVELENGTH**2)


def exact_sphere(radius: float) -> float:
    """Square metres: the backscattering of a perfectly conducting sphere, Mie's series (Balanis,
    Advanced Engineering Electromagnetics, 2nd ed., eq. 11-247)."""
    ka = 2 * np.pi / WAVELENGTH * radius
    n = np.arange(1, int(ka + 60))
    bessel, bent = spherical_jn(n, ka), spherical_jn(n, ka, derivative=True)
    hankel = bessel - 1j * spherical_yn(n, ka)
    hankel_bent = bent - 1j * spherical_yn(n, ka, derivative=True)
    a = (bessel + ka * bent) / (hankel + ka * hankel_bent)
    b = bessel / hankel
    total = ((-1.0) ** n * (2 * n + 1) * (a - b)).sum()
    return float(WAVELENGTH**2 / (4 * np.pi) * abs(total) ** 2)


def test_a_sphere_has_the_cross_section_of_the_exact_series() -> None:
    for radius in (0.1, 0.25):
        sphere = people((0.0, 0.0), width=2 * radius, depth=2 * radius, height=2 * radius)
        for towards in ([1.0, 0.0, 0.0], [1.0, -2.0, 0.5], [0.1, 0.0, 1.0]):
            ours = cross_section(sphere, np.array(towards))
            assert ours == pytest.approx(exact_sphere(radius), rel=0.01)
            assert ours == pytest.approx(np.pi * radius**2, rel=1e-3)


def test_an_ellipsoid_has_the_cross_section_of_its_two_curvatures() -> None:
    """pi R1 R2; in any direction n, pi a^2 b^2 c^2 / (a^2 nx^2 + b^2 ny^2 + c^2 nz^2)^2 (Ruck et
    al., Radar Cross Section Handbook, 1970, section 5.1)."""
    body = people((0.0, 0.0))
    a, b, c = 0.125, 0.225, 0.875
    assert cross_section(body, np.array([1.0, 0, 0])) == pytest.approx(
        np.pi * b**2 / a * c**2 / a, rel=1e-2
    )
    for towards in np.random.default_rng(4).standard_normal((20, 3)):
        n = towards / np.linalg.norm(towards)
        expected = np.pi * (a * b * c) ** 2 / (np.array([a, b, c]) ** 2 @ n**2) ** 2
        assert cross_section(body, towards) == pytest.approx(expected, rel=1e-2)


def test_near_a_sphere_the_wave_spreads_from_its_two_caustics() -> None:
    """1/rho = 1/s' + 2/(a cos i) in the plane of incidence, 1/s' + 2 cos i / a across (Kouyoumjian
    and Pathak 1974, eqs. (20)-(24) on a sphere)."""
    radius, incidence = 0.4, np.deg2rad(50)
    sphere = people((0.0, 0.0), width=2 * radius, depth=2 * radius, height=2 * radius)
    s_in, s_out = 1.5, 0.9
    top = np.array([0.0, 0.0, 2 * radius])
    tx = top + s_in * np.array([-np.sin(incidence), 0, np.cos(incidence)])
    rx = top + s_out * np.array([np.sin(incidence), 0, np.cos(incidence)])
    bounced = ellipsoid_bounces(tx[None], rx[None], sphere, ALONE, WAVELENGTH)
    np.testing.assert_allclose(bounced.point[0], top, atol=1e-6)
    cosine = np.cos(incidence)
    rho = 1 / (1 / s_in + 2 / radius * np.array([1 / cosine, cosine]))
    spread = np.sqrt((rho / (rho + s_out)).prod())
    _, tm = body_coefficients(np.array(["skin"]), np.array([cosine]), WAVELENGTH)
    expected = WAVELENGTH / (4 * np.pi * s_in) * spread * abs(tm[0])
    assert abs(bounced.transfer[0, 0, 0]) == pytest.approx(expected, rel=1e-6)


def facets(body: Bodies, rows: int, columns: int) -> Facets:
    """Of a body that faces along +x."""
    turn, rise = np.linspace(0, 2 * np.pi, columns + 1), np.linspace(0, np.pi, rows + 1)
    angle, polar = np.meshgrid(turn, rise)
    sphere = np.stack(
        [np.cos(angle) * np.sin(polar), np.sin(angle) * np.sin(polar), np.cos(polar)], axis=-1
    )
    semi = np.array([body.depth[0], body.width[0], body.height[0]]) / 2
    at = body.position[0] + semi * (sphere + [0, 0, 1])
    one, two, three, four = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    corners = np.concatenate(
        [np.stack(c, axis=-2).reshape(-1, 3, 3) for c in ((one, two, three), (one, three, four))]
    )
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1)
    kept = length > 1e-12
    return Facets(corners[kept], cross[kept] / length[kept, None], length[kept] / 2)


def test_physical_optics_on_the_bodys_surface_says_the_same() -> None:
    """Under the ceiling, over the head and between, by an integral over the lit surface, whose
    sharp edge of light and shadow adds up to 1 dB."""
    body = people((0.0, 0.0))
    mesh = facets(body, 400, 240)
    for tx, rx in (
        ([3.0, -1.0, 2.5], [1.0, 3.0, 1.2]),
        ([2.5, 0.5, 2.5], [1.0, 3.0, 2.5]),
        ([0.3, 1.0, 2.6], [-0.5, 2.0, 2.4]),
        ([2.0, 2.0, 1.2], [2.0, -3.0, 0.8]),
    ):
        ends = np.array([tx]), np.array([rx])
        ours = ellipsoid_bounces(*ends, body, ALONE, WAVELENGTH)
        theirs = echo(mesh, "skin", ends[0][0], ends[1][0], WAVELENGTH)
        assert ours.found[0] and theirs is not None
        gain = 20 * np.log10(np.abs(ours.transfer[0, 0, 0]) / np.abs(theirs.transfer))
        assert abs(gain) < 1.0
        assert ours.delay[0] == pytest.approx(theirs.delay, abs=0.02 / 299_792_458)


def test_a_body_sends_on_what_its_lit_side_reflects_and_no_more() -> None:
    """The cross-section of both polarisations, averaged over all directions of the receiver, is
    the area that the body shows times the share of power that skin reflects there."""
    body, away = people((0.0, 0.0)), 1e3
    middle = np.array([0.0, 0.0, 0.875])
    towards = np.array([0.8, 0.5, 0.33]) / np.linalg.norm([0.8, 0.5, 0.33])
    mesh = facets(body, 200, 200)
    cosine = mesh.normal @ towards
    lit = cosine > 0
    te, tm = body_coefficients(np.full(lit.sum(), "skin"), cosine[lit], WAVELENGTH)
    shown = mesh.area[lit] * cosine[lit]
    reflected = (shown * (np.abs(te) ** 2 + np.abs(tm) ** 2) / 2).sum()
    count = 200_000
    rise = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(count)
    around = np.column_stack(
        [np.sqrt(1 - rise**2) * np.cos(turn), np.sqrt(1 - rise**2) * np.sin(turn), rise]
    )
    tx = np.broadcast_to(middle + away * towards, around.shape)
    bounced = ellipsoid_bounces(
        tx, middle + away * around, body, np.zeros(count, np.intp), WAVELENGTH
    )
    gain = (np.abs(bounced.transfer[bounced.found]) ** 2).sum(axis=(1, 2)) / 2
    section = gain * (4 * np.pi) ** 3 * away**4 / WAVELENGTH**2
    assert section.sum() / count == pytest.approx(reflected, rel=0.02)
    assert reflected < shown.sum()


def test_over_the_head_the_echo_goes_on_as_before_it() -> None:
    """From the chest to the ceiling and from ceiling to ceiling, in steps of a centimetre."""
    level = np.arange(0.3, 6.0, 0.01)
    count = len(level)
    body = people(*[(3.0, 2.0)] * count, heading=0.3)
    high = np.column_stack([np.zeros(count), np.zeros(count), level])
    robot = np.tile([6.0, 0.5, 1.2], (count, 1))
    also = robot * [1, 1, 0] + level[:, None] * [0, 0, 1]
    for receiver in (robot, also):
        bounced = ellipsoid_bounces(high, receiver, body, np.arange(count), WAVELENGTH)
        assert bounced.found.all()
        gain = 20 * np.log10(np.abs(bounced.transfer[:, 0, 0]))
        assert np.abs(np.diff(gain)).max() < 0.4


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
    body = upright(people((0.0, 0.0), width=2 * radius, depth=2 * radius))
    ends = (np.column_stack([end, np.full(200, 0.9)]) for end in (transmitter, receiver))
    point = tuple(ends)
    mirror = mirror_points(*point, body, np.zeros(200, np.intp))
    assert mirror.found.all()
    s_in, s_out = (np.linalg.norm(mirror.point - end, axis=1) for end in point)
    cosine = ((point[0] - mirror.point) * mirror.normal).sum(axis=1) / s_in
    focus = 1 / (1 / s_in + 2 / (radius * cosine))
    # A line source spreads by 1/sqrt(s), which is the point source's without the vertical part.
    optics = np.abs(hankel2(0, 2 * np.pi / WAVELENGTH * s_in)) * np.sqrt(focus / (focus + s_out))
    error = 20 * np.log10(optics / np.abs(exact_scattered(radius, source, places)))
    detour = s_in + s_out - np.linalg.norm(receiver - transmitter, axis=1)
    zones = np.sqrt(2 * detour / WAVELENGTH)
    assert np.abs(error[zones > 10]).max() < 0.15
    assert np.abs(error[zones > 4]).max() < 2.5
    ours = ellipsoid_bounces(*point, body, np.zeros(200, np.intp), WAVELENGTH)
    te, _ = body_coefficients(np.array(["skin"] * 200), cosine, WAVELENGTH)
    spread = np.sqrt(focus * s_in / ((focus + s_out) * (s_in + s_out)))
    expected = WAVELENGTH / (4 * np.pi * s_in) * spread * np.abs(te)
    np.testing.assert_allclose(
        np.abs(ours.transfer[zones > 2, 0, 0]), expected[zones > 2], rtol=1e-2
    )


def test_sionnas_path_off_a_faceted_body_is_ours_without_the_curvature() -> None:
    """Each facet is a flat mirror to Sionna: same point and delay, no divergence. Ours is weaker
    by exactly the divergence factor (about 15 dB here)."""
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
    found = traced_paths(
        (mesh,), Devices(("ap",), ap), Devices(("r",), robot), 60e9, settings, device="llvm"
    )
    theirs = np.flatnonzero(found.interactions[:, 0] == SPECULAR)
    assert len(theirs) == 1
    body = upright(people((0.0, 0.0)))
    wavelength = 299_792_458 / 60e9
    ours = ellipsoid_bounces(ap, robot, body, ALONE, wavelength)
    assert ours.found[0]
    np.testing.assert_allclose(ours.point[0], found.vertices[theirs[0], 1], atol=0.02)
    assert ours.delay[0] == pytest.approx(found.delay[theirs[0]], abs=5e-3 / 299_792_458)
    mirror = mirror_points(ap, robot, body, ALONE)
    s_in, s_out = (np.linalg.norm(ours.point - end) for end in (ap, robot))
    incoming = (ours.point - ap)[0] / s_in
    flatness = np.hypot(*incoming[:2])
    cosine = -(incoming * mirror.normal[0]).sum()
    round_it = np.array([-mirror.normal[0, 1], mirror.normal[0, 0], 0.0])
    bend = round_it @ mirror.curvature[0] @ round_it
    focus = 1 / (1 / s_in + 2 * flatness**2 * bend / cosine)
    divergence = np.sqrt(focus * (s_in + s_out) / ((focus + s_out) * s_in))
    assert -20 < 20 * np.log10(divergence) < -10
    theirs_curved = found.transfer[theirs[0]] * divergence
    for polarisation in (0, 1):
        ratio = (
            ours.transfer[0, polarisation, polarisation]
            / (theirs_curved[polarisation, polarisation])
        )
        # 0.3 dB: the facet's normal.
        assert abs(20 * np.log10(abs(ratio))) < 0.3
        assert abs(np.angle(ratio)) < 0.2


def test_reciprocity() -> None:
    body = people((3.0, 1.5), heading=0.4)
    there = ellipsoid_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
    back = ellipsoid_bounces(ROBOT, AP, body, ALONE, WAVELENGTH)
    np.testing.assert_allclose(
        np.abs(back.transfer[0, 0, 0]), np.abs(there.transfer[0, 0, 0]), rtol=1e-9
    )
    assert back.delay[0] == pytest.approx(there.delay[0])


def test_next_to_the_ray_the_bounce_is_the_screens_fringe_already() -> None:
    offset = np.linspace(0.2, 1.2, 400)
    bodies = people(*[(3.0, 0.25 + y) for y in offset])
    count = np.arange(len(offset))
    ends = np.repeat(AP, 400, axis=0), np.repeat(ROBOT, 400, axis=0)
    strength = np.abs(ellipsoid_bounces(*ends, bodies, count, WAVELENGTH).transfer[:, 0, 0])
    direct = WAVELENGTH / (4 * np.pi * np.linalg.norm(ROBOT - AP))
    assert strength[0] == 0
    assert strength.max() < 0.2 * direct
    assert np.abs(np.diff(strength)).max() < 0.01 * direct


def test_the_path_lengthens_at_the_speed_that_two_instants_show() -> None:
    body = replace(people((3.0, 1.5), heading=0.4), velocity=np.array([[0.3, 1.2, 0.0]]))
    now = ellipsoid_bounces(AP, ROBOT, body, ALONE, WAVELENGTH)
    later = ellipsoid_bounces(
        AP, ROBOT, body.at(body.position + 1e-4 * body.velocity), ALONE, WAVELENGTH
    )
    speed = (later.delay - now.delay)[0] * 299_792_458 / 1e-4
    assert now.stretching[0] == pytest.approx(speed, rel=1e-3)


@settings(deadline=None)
@given(
    x=st.floats(-8, 14),
    y=st.floats(-8, 8),
    heading=st.floats(-np.pi, np.pi),
    z=level,
    ap=level,
    stature=st.floats(0.4, 2.1),
)
def test_the_bound_holds(x, y, heading, z, ap, stature) -> None:
    ends = np.array([[0.0, 0.0, ap]]), np.array([[6.0, 0.5, z]])
    body = people((x, y), heading=heading, height=stature)
    bounced = ellipsoid_bounces(*ends, body, ALONE, WAVELENGTH)
    if bounced.found[0]:
        bound = strongest_bounce(*ends, body, WAVELENGTH)
        assert np.linalg.norm(bounced.transfer[0], 2) ** 2 <= bound[0, 0]


def test_a_body_of_skin_echoes_as_the_human_cross_section_says_at_its_own_height() -> None:
    """TR 38.901's against ours, mean power over headings and places 2 to 8 m from the body, 30 to
    150 degrees between the two ends. From above, where its lobe hardly falls, ours is weaker as
    physical optics on the meshes of bodies is (`docs/body_echo.md`)."""
    rng = np.random.default_rng(7)
    count = 1000
    ways, turn = rng.uniform(2, 8, (2, count)), rng.uniform(-np.pi, np.pi, count)
    azimuths = turn, turn + np.deg2rad(rng.uniform(30, 150, count))
    ends = [
        np.column_stack([way * np.cos(at), way * np.sin(at), np.full(count, 1.2)])
        for way, at in zip(ways, azimuths, strict=True)
    ]
    body = people(*[(0.0, 0.0)] * count)
    body = replace(body, heading=rng.uniform(-np.pi, np.pi, count))
    spread = (ways**2).prod(axis=0)
    sections = [
        (np.abs(model(*ends, body, np.arange(count), WAVELENGTH).transfer[:, 0, 0]) ** 2 * spread)
        for model in (ellipsoid_bounces, cross_section_bounces)
    ]
    assert abs(10 * np.log10(sections[0].mean() / sections[1].mean())) < 4
