"""What the faces of a box mirror, against walls, plates of physical optics and by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from made_up import WAVELENGTH, boxes

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.fields.fresnel_coefficients import surface_electrics
from visrftwin_ros.propagation.fields.path_transfer import chain_transfer
from visrftwin_ros.propagation.fields.utd_edges import Wedges
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import SPECULAR
from visrftwin_ros.propagation.people.body_reflection import Bounces
from visrftwin_ros.propagation.people.box_reflection import box_bounces
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import MaterialEntry, Propagation, Site

FREQUENCY = 299_792_458 / WAVELENGTH


def bounces(tx, rx, bodies: Bodies, materials: Mapping[str, MaterialEntry] = {}) -> Bounces:
    """Those of one link, strongest first."""
    ends = (np.tile(np.array([end], float), (len(bodies), 1)) for end in (tx, rx))
    _, found = box_bounces(*ends, bodies, np.arange(len(bodies)), WAVELENGTH, materials)
    order = np.argsort(-np.abs(found.transfer[:, 0, 0]))
    return Bounces(*(getattr(found, name)[order] for name in Bounces.__dataclass_fields__))


@pytest.mark.parametrize("material", ["metal", "wood", "glass"])
def test_a_huge_face_mirrors_as_a_wall_of_the_site_does(material) -> None:
    tx, rx = (-3.0, -4.0, 1.8), (4.0, -2.0, 1.2)
    box = boxes(
        (0.0, 30.0), depth=60.0, width=60.0, height=60.0, underside=-30.0, material=material
    )
    values = material_values(material, FREQUENCY)
    # Of one thickness, as in the solver.
    pane = MaterialEntry(
        relative_permittivity=values.relative_permittivity,
        conductivity=values.conductivity,
        thickness=values.thickness,
        thickness_spread=0.0,
        scattering_coefficient=values.scattering_coefficient,
    )
    found = bounces(tx, rx, replace(box, material=("pane",)), {"pane": pane})
    wall = {
        "name": "wall",
        "kind": "box",
        "center": (0, 30, 0),
        "size": (60, 60, 60),
        "material": material,
    }
    site = Site.model_validate(
        {"name": "walled", "scene": [wall], "access_points": [{"name": "ap", "position": tx}]}
    )
    devices = Devices(("ap",), np.array([tx])), Devices(("r",), np.array([rx]))
    options = Propagation(
        max_depth=1, samples=20_000, diffuse=False, refraction=False, diffraction=False
    )
    traced = traced_paths(surface_meshes(site), *devices, FREQUENCY, options)
    row = int(np.argmax(traced.n_vertices))
    smooth = np.sqrt(1 - material_values(material, FREQUENCY).scattering_coefficient ** 2)
    assert smooth > 0.9
    np.testing.assert_allclose(found.point[0], traced.vertices[row, 1], atol=1e-4)
    assert found.delay[0] == pytest.approx(traced.delay[row], rel=1e-6)
    # Sionna's own phase of a slab moves with its single precision.
    np.testing.assert_allclose(
        np.abs(found.transfer[0]), np.abs(traced.transfer[row]), rtol=0.02, atol=1e-7
    )


@pytest.mark.parametrize("material", ["metal", "wood", "glass"])
def test_an_endless_face_is_the_wall_of_a_replayed_path_phase_and_all(material) -> None:
    tx, rx = np.array([-3.0, -4.0, 1.8]), np.array([4.0, -2.0, 1.2])
    size = 2e5
    box = boxes(
        (0.0, size / 2), depth=size, width=size, height=size, underside=-size / 2, material=material
    )
    found = bounces(tx, rx, box)
    point = tx + (rx * [1, -1, 1] - tx) * 4 / 6
    line = np.stack([tx, point, rx])[None]
    values = material_values(material, FREQUENCY)
    wall = SurfaceMesh("wall", np.zeros((3, 3)), np.zeros((1, 3), np.int32), values)
    chain = chain_transfer(
        line,
        np.full((1, 1), SPECULAR, np.uint8),
        np.zeros((1, 1), np.int32),
        np.array([[[0.0, -1.0, 0.0]]]),
        np.array([3]),
        np.array([0]),
        surface_electrics((wall,), FREQUENCY),
        WAVELENGTH,
        Wedges(
            *(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(1), np.zeros((1, 3)), np.zeros((1, 3)))
        ),
    )
    way = np.linalg.norm(point - tx) + np.linalg.norm(rx - point)
    expected = chain[0] * WAVELENGTH / (4 * np.pi * way)
    np.testing.assert_allclose(found.transfer[0], expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(found.point[0], point, atol=1e-6)
    assert found.delay[0] * 299_792_458 == pytest.approx(way, rel=1e-12)


@pytest.mark.parametrize("angle", [0.2, 0.6, 1.0])
def test_a_small_plate_far_off_has_the_cross_section_of_physical_optics(angle) -> None:
    side, far = 0.3, 200.0
    box = boxes((side / 2, 0.0), depth=side, width=side, height=side, underside=-side / 2)
    away = np.array([-np.cos(angle), np.sin(angle), 0.0])
    tx, rx = far * away, 1.5 * far * away * [1, -1, 1]
    found = bounces(tx, rx, box)
    sigma = 4 * np.pi * side**4 * np.cos(angle) ** 2 / WAVELENGTH**2
    gain = WAVELENGTH**2 * sigma / ((4 * np.pi) ** 3 * far**2 * (1.5 * far) ** 2)
    assert 20 * np.log10(np.abs(found.transfer[0, 0, 0])) == pytest.approx(
        10 * np.log10(gain), abs=0.15
    )


def test_off_the_mirror_direction_the_plate_follows_its_sinc() -> None:
    # Physical optics of a plate across u: sinc(w (sin a - sin b) / lambda).
    side, far, a = 0.3, 2000.0, 0.4
    box = boxes((side / 2, 0.0), depth=side, width=side, height=side, underside=-side / 2)
    tx = far * np.array([-np.cos(a), np.sin(a), 0.0])
    at_mirror = np.abs(bounces(tx, tx * [1, -1, 1], box).transfer[0, 0, 0])
    for off in (0.003, 0.006, 0.022):
        b = a + off
        rx = far * np.array([-np.cos(b), -np.sin(b), 0.0])
        found = np.abs(bounces(tx, rx, box).transfer[0, 0, 0])
        expected = np.abs(np.sinc(side * (np.sin(a) - np.sin(b)) / WAVELENGTH))
        assert found / at_mirror == pytest.approx(expected, abs=0.03)


def test_a_face_ends_softly() -> None:
    places = np.arange(-4.0, 4.0, 0.01)
    box = boxes((0.0, 0.0), depth=2.0, width=1.0, height=2.0)
    levels = []
    for x in places:
        found = bounces((x - 1.5, 6.0, 1.0), (x + 1.5, 6.0, 1.0), box)
        levels.append(np.abs(found.transfer[:, 0, 0]).max())
    levels = np.array(levels) / np.median(np.array(levels)[np.abs(places) < 0.5])
    assert np.abs(np.diff(levels)).max() < 0.1
    assert levels[np.isclose(places, 1.0)] == pytest.approx(0.5, abs=0.05)
    assert levels[[0, -1]].max() < 0.1


def test_the_top_mirrors_between_antennas_above_it() -> None:
    box = boxes((2.0, 0.0), depth=2.0, width=2.0, height=0.5)
    found = bounces((0.0, 0.0, 2.5), (4.0, 0.0, 2.5), box)
    top = np.flatnonzero(np.isclose(found.point[:, 2], 0.5))
    assert found.point[top[0]] == pytest.approx([2.0, 0.0, 0.5])
    assert np.abs(found.transfer[top[0], 0, 0]) == pytest.approx(
        WAVELENGTH / (4 * np.pi * np.hypot(4, 4)), rel=0.1
    )


def test_a_face_that_one_end_is_behind_mirrors_nothing() -> None:
    box = boxes((0.0, 0.0), height=3.0)
    assert len(bounces((-5.0, 0.0, 1.0), (5.0, 0.2, 1.0), box).delay) == 0


def test_beside_the_direct_ray_there_is_no_echo_yet() -> None:
    box = boxes((0.0, 1.0), depth=2.0, width=1.0, height=3.0)  # its side is 0.5 m off the ray
    near = boxes((0.0, 0.55), depth=2.0, width=1.0, height=3.0)  # 0.05 m
    ends = (-5.0, 0.0, 1.0), (5.0, 0.0, 1.0)
    assert np.abs(bounces(*ends, box).transfer[:, 0, 0]).max() > 1e-5
    assert np.abs(bounces(*ends, near).transfer).max() == 0


def test_wood_reflects_less_than_metal_and_what_is_unknown_as_wood(caplog) -> None:
    ends = (-3.0, 4.0, 1.0), (3.0, 4.0, 1.0)
    level = {
        material: np.abs(bounces(*ends, boxes((0.0, 0.0), material=material)).transfer).max()
        for material in ("metal", "wood", "unobtainium")
    }
    assert level["wood"] < 0.5 * level["metal"]
    assert level["unobtainium"] == level["wood"]
    assert "unobtainium" in caplog.text


def test_a_box_that_comes_nearer_shortens_the_way() -> None:
    ends = (-3.0, 6.0, 1.0), (3.0, 6.0, 1.0)
    box = replace(boxes((0.0, 0.0)), velocity=np.array([[0.0, 2.0, 0.0]]))
    now, later = (bounces(*ends, box.at(box.position + [0, t * 2.0, 0])) for t in (0.0, 1e-3))
    assert now.stretching[0] == pytest.approx(
        (later.delay[0] - now.delay[0]) * 299_792_458 / 1e-3, rel=1e-3
    )
