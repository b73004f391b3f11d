"""No path of one or two bounces is lost, however many rays are shot."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from exhaustive_mirrors import clear_mirror_paths
from made_up import FREQUENCY, WAVELENGTH, small_site

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import REFRACTION, SPECULAR, PathSet
from visrftwin_ros.propagation.tracing import mirror_paths as module
from visrftwin_ros.propagation.tracing.mirror_paths import Planes, mirror_paths
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.sionna_solver import next_prime, traced_paths
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

SITES = ("lecture_room", "lobby", "pets_campus", "street")
EVERY_SAMPLE = (20_000, 50_000, 99_991, 100_000, 131_072, 250_000)
"""Few rays and many, primes and powers of two."""
SAMPLES = ((20_000,), (99_991,), (131_072,), (50_000,))
"""For each of the sites; with VISRFTWIN_EVERY_SAMPLE set, all of the above for each."""
PLACES = 16
NARROW = {"max_depth": 2, "diffuse": False, "diffraction": False}


def access_points(site: Site) -> Devices:
    return Devices(
        tuple(ap.name for ap in site.access_points),
        np.array([ap.position for ap in site.access_points], float),
    )


def receivers(site: Site, count: int) -> Devices:
    """Places between and around the access points, at the heights of robots."""
    rng = np.random.default_rng(2024)
    places = access_points(site).positions[:, :2]
    low, high = places.min(axis=0), places.max(axis=0)
    where = np.column_stack([rng.uniform(low, high, (count, 2)), rng.uniform(0.5, 1.5, count)])
    return Devices(tuple(f"r{i}" for i in range(count)), where)


def missing(expected: list[list[np.ndarray]], paths: PathSet, first: int) -> int:
    """How many of the expected places, by receiver, no path over mirrors alone has."""
    lost = 0
    for r, places in enumerate(expected):
        own = paths.select(np.arange(len(paths))[paths.of_link(first + r)])
        for points in places:
            bounces = len(points)
            alike = (own.n_vertices == bounces + 2) & (
                (own.interactions == SPECULAR).sum(axis=1) == bounces
            )
            apart = np.abs(own.vertices[alike][:, 1 : bounces + 1] - points)
            lost += not (apart.max(axis=(1, 2), initial=0.0) < 5e-3).any()
    return lost


@pytest.mark.parametrize(("name", "samples"), tuple(zip(SITES, SAMPLES, strict=True)))
def test_every_path_of_one_or_two_bounces_is_there_at_any_number_of_rays(
    name: str, samples: tuple[int, ...]
) -> None:
    site = load_site(name)
    # By every pair of planes in Python: 16 places of the lecture room take half a minute.
    places = receivers(site, 4 if name == "lecture_room" else PLACES)
    meshes, aps = surface_meshes(site), access_points(site)
    expected = [clear_mirror_paths(meshes, ap, places.positions) for ap in aps.positions]
    total = sum(len(one) for ap in expected for one in ap)
    assert total > 3 * len(places.names)
    for rays in EVERY_SAMPLE if os.environ.get("VISRFTWIN_EVERY_SAMPLE") else samples:
        settings = site.propagation.model_copy(update=NARROW | {"samples": rays})
        found = solve(meshes, aps, places, site.radio.frequency, settings)
        lost = sum(missing(one, found, i * len(one)) for i, one in enumerate(expected))
        assert lost == 0, f"{lost} of {total} lost at {rays} rays"


def test_each_of_them_is_where_and_as_strong_as_the_tracer_has_it() -> None:
    site = small_site()
    meshes, aps, places = surface_meshes(site), access_points(site), receivers(site, 6)
    settings = site.propagation.model_copy(
        update={"max_depth": 4, "diffuse": False, "diffraction": False, "samples": 100_000}
    )
    ours = mirror_paths(Planes.of(meshes), meshes, aps, places, FREQUENCY, settings)
    theirs = traced_paths(meshes, aps, places, FREQUENCY, settings)
    theirs = theirs.select((theirs.interactions == SPECULAR).sum(axis=1) <= 2)
    compared = 0
    for link in range(len(ours.links)):
        own, other = (p.select(np.arange(len(p))[p.of_link(link)]) for p in (ours, theirs))
        for row in range(len(other)):
            same = (own.interactions == other.interactions[row]).all(axis=1)
            apart = np.abs(own.vertices - other.vertices[row]).max(axis=(1, 2))
            twin = np.flatnonzero(same & (apart < 5e-3))
            assert len(twin) == 1
            if other.power[row] > 1e-4 * own.power.sum():
                assert own.power[twin[0]] == pytest.approx(other.power[row], rel=0.01)
                compared += 1
    assert compared >= 12


def test_a_wall_in_the_way_is_passed_and_counts_as_interactions() -> None:
    pane = {"name": "pane", "kind": "box", "center": (0, 0, 2), "size": (0.2, 9, 4)}
    site = small_site(scene=[pane | {"material": "glass"}])
    meshes = surface_meshes(site)
    ends = Devices(("a",), np.array([[-3.0, 0, 2]])), Devices(("b",), np.array([[3.0, 0, 2]]))

    def found(**changes: object) -> PathSet:
        settings = site.propagation.model_copy(update=changes)
        return mirror_paths(Planes.of(meshes), meshes, *ends, FREQUENCY, settings)

    direct = found(max_depth=2)
    assert direct.interactions.tolist() == [[REFRACTION, REFRACTION]]
    np.testing.assert_allclose(direct.vertices[0, :, 0], [-3, -0.1, 0.1, 3], atol=1e-12)
    # Head on, a slab's loss is the same for both polarisations.
    gain = np.abs(direct.transfer[0]) / (WAVELENGTH / (4 * np.pi * 6))
    assert gain[0, 0] == pytest.approx(gain[1, 1]) and 0 < gain[0, 0] < 1
    assert len(found(max_depth=1)) == 0 and len(found(max_depth=2, refraction=False)) == 0


def test_finely_meshed_surfaces_are_left_to_the_rays(monkeypatch: pytest.MonkeyPatch) -> None:
    site = small_site()
    meshes = surface_meshes(site)
    monkeypatch.setattr(module, "_MOST_PLANES", 8)
    planes = Planes.of(meshes)
    assert set(planes.surface[planes.mirrors]) == {0, 1} and set(planes.surface) == {0, 1, 2}
    aps, places = access_points(site), receivers(site, 4)
    settings = site.propagation.model_copy(update=NARROW)
    assert (solve(meshes, aps, places, FREQUENCY, settings).objects == 2).any()


@pytest.mark.parametrize("number", [1_000_000, 16_000_000, 17, 2, 0])
def test_the_size_of_the_candidates_table_is_a_prime(number: int) -> None:
    prime = next_prime(number)
    assert prime >= max(number, 2)
    # Fermat, to bases that no composite below 3.4e9 passes together.
    assert all(prime in (2, 3, 5, 7) or pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7))


def test_between_floor_and_ceiling_there_are_two_ways_of_each_number_of_bounces() -> None:
    plates = [
        {"name": name, "kind": "ground", "center": (0, 0, z), "size": (80, 80), "material": "metal"}
        for name, z in (("floor", 0), ("ceiling", 3))
    ]
    site = small_site(scene=plates)
    meshes = surface_meshes(site)
    ends = Devices(("a",), np.array([[-5.0, 0, 1]])), Devices(("b",), np.array([[5.0, 0, 1]]))
    settings = site.propagation.model_copy(update={"max_depth": 5})
    found = mirror_paths(Planes.of(meshes), meshes, *ends, FREQUENCY, settings)
    # Heights add up over the mirror images: 0; 1 + 1, 2 + 2; 1 + 3 + 2, 2 + 3 + 1; 1 + 3 + 3 + 1, ...
    rise = np.array([0, 2, 4, 6, 6, 8, 10, 12, 12, 14, 16])
    np.testing.assert_allclose(found.delay * 299_792_458, np.hypot(10, rise), rtol=1e-12)
    assert sorted(found.n_vertices) == [2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]


def test_in_a_metal_box_every_image_of_the_lattice_is_seen_up_to_five_mirrors() -> None:
    size, source, end = np.array([7.0, 5.0, 3.0]), [1.3, 3.1, 2.2], [5.9, 1.7, 0.8]
    room = {"name": "room", "kind": "box", "center": tuple(size / 2), "size": tuple(size)}
    site = small_site(scene=[room | {"material": "metal"}])
    meshes = surface_meshes(site)
    ends = Devices(("a",), np.array([source])), Devices(("b",), np.array([end]))
    settings = site.propagation.model_copy(update={"max_depth": 5})
    found = mirror_paths(Planes.of(meshes), meshes, *ends, FREQUENCY, settings)
    # Allen and Berkley, J. Acoust. Soc. Am. 65, 1979: one image for each number of walls met by axis.
    walls = np.array(list(product(range(-5, 6), repeat=3)))
    walls = walls[np.abs(walls).sum(axis=1) <= 5]
    assert len(walls) == 1 + 6 + 18 + 38 + 66 + 102
    image = np.where(walls % 2, (walls + 1) * size - source, walls * size + source)
    distance = np.sort(np.linalg.norm(image - end, axis=1))
    assert len(found) == len(distance)
    np.testing.assert_allclose(np.sort(found.delay) * 299_792_458, distance, rtol=1e-9)


def test_what_is_behind_a_side_of_a_closed_body_is_known() -> None:
    box = {"name": "box", "kind": "box", "center": (5, 0, 1), "size": (2, 2, 2)}
    room = {"name": "room", "kind": "box", "center": (0, 0, 2), "size": (30, 30, 8)}
    site = small_site(scene=[one | {"material": "concrete"} for one in (box, room)])
    meshes = surface_meshes(site)
    planes = Planes.of(meshes)
    centre = np.array([[5, 0, 1], [0, 0, 2]])[planes.surface]
    height = planes.outward * (np.einsum("ij,ij->i", planes.normal, centre) - planes.level)
    half = {"box": [1, 1, 1], "room": [4, 15, 15]}
    for index, mesh in enumerate(meshes):
        sides = np.repeat(half[mesh.name], 2)
        np.testing.assert_allclose(np.sort(-height[planes.surface == index]), sides)

    # From within the room its walls are no matter; the box in it is, until an end is in there, too.
    def outward(*places: tuple[float, float, float]) -> np.ndarray:
        return planes.outward_for(Devices(("a",) * len(places), np.array(places, float)))

    assert set(planes.surface[outward((1, 1, 1)) != 0]) == {0}
    assert not outward((1, 1, 1), (5, 0, 1)).any()
    open_box = next(mesh for mesh in meshes if mesh.name == "box")
    lidless = replace(open_box, faces=open_box.faces[1:])
    assert not Planes.of([lidless]).outward.any()


@pytest.mark.parametrize("depth", [3, 5])
def test_bodies_met_from_behind_cost_two_passages_and_lose_no_path(
    depth: int,
) -> None:
    site = load_site("pets_campus")
    meshes, aps, places = surface_meshes(site), access_points(site), receivers(site, 4)
    planes = Planes.of(meshes)
    settings = site.propagation.model_copy(update={"max_depth": depth})
    ends = planes, meshes, aps, places, site.radio.frequency, settings
    short = mirror_paths(*ends)
    whole = mirror_paths(replace(planes, outward=np.zeros(len(planes.level))), *ends[1:])
    assert planes.outward.any() and len(whole) > 25
    np.testing.assert_array_equal(short.link, whole.link)
    np.testing.assert_array_equal(short.vertices, whole.vertices)
