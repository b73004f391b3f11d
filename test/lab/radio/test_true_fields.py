"""The lab's own fields: geometry as the predictor's, walls of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml

from visrftwin_ros.lab.radio.rough_patches import Patches, Scatterers, _lobe
from visrftwin_ros.lab.radio.true_fields import with_true_fields
from visrftwin_ros.lab.radio.wall_law import Hits, WallLaw
from visrftwin_ros.lab.world.material_prior import Stack, Wall, plain_wall
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, REFRACTION, PathSet
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.mirror_paths import Planes, mirror_paths
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Propagation, Site

_SITE = """
name: hall
materials:
  exact: {relative_permittivity: 4.0, conductivity: 0.9, thickness: 0.011, thickness_spread: 0.0}
scene:
  - {name: floor, kind: ground, center: [5, 4, 0], size: [10, 8], material: exact}
  - {name: north, kind: box, center: [5, 8.1, 1.75], size: [10, 0.2, 3.5], material: exact}
  - {name: pane, kind: box, center: [5, 4.0, 1.0], size: [0.1, 3.0, 2.0], material: exact}
access_points: [{name: ap, position: [1, 4, 2.0]}]
"""
FREQUENCY = 60.5e9
EXACT = 4.0 - 1j * 0.9 / (2 * np.pi * FREQUENCY * 8.8541878128e-12)
RECEIVER = np.array([8.3, 4.6, 1.2])
AP = np.array([1.0, 4.0, 2.0])


@pytest.fixture(scope="module")
def scene() -> ReplayScene:
    return ReplayScene(
        surface_meshes(Site.model_validate(yaml.safe_load(_SITE))), FREQUENCY, "llvm"
    )


@pytest.fixture(scope="module")
def traced(scene: ReplayScene) -> PathSet:
    meshes = surface_meshes(Site.model_validate(yaml.safe_load(_SITE)))
    ends = Devices(("ap",), AP[None]), Devices(("robot",), RECEIVER[None])
    settings = Propagation(max_depth=4, diffuse=False)
    planes = Planes.of(meshes)
    mirrors = mirror_paths(planes, meshes, *ends, FREQUENCY, settings)
    edges = edge_paths(planes, scene, *ends, 4)
    both = {
        name: np.concatenate([getattr(mirrors, name), getattr(edges, name)])
        for name in PathSet.__dataclass_fields__
        if name != "links"
    }
    return by_our_law(PathSet(links=mirrors.links, **both), scene)


def hits(point: np.ndarray, surface: int = 0, degrees: float = 0.0) -> Hits:
    count, turn = len(point), np.deg2rad(degrees)
    along = np.tile([np.sin(turn), np.cos(turn), 0.0], (count, 1))
    return Hits(
        np.full(count, surface),
        point,
        along,
        np.tile([0.0, -1.0, 0.0], (count, 1)),
        np.full(count, 3.0),
        np.full(count, 4.0),
    )


def test_of_one_exact_slab_the_fields_are_those_of_the_other_derivation(
    traced: PathSet, scene: ReplayScene
) -> None:
    """With every face a slab of its own, as the predictor has boxes: reflections and edges agree in
    amplitude and phase, and so does what passes, but for the way that the slab's air would take."""
    law = WallLaw([plain_wall(EXACT, 0.011)] * 3, scene.wavelength)
    ours = with_true_fields(traced, law, scene, np.ones(3, bool))
    assert len(ours) > 8
    kept = {tuple(np.round(v.ravel(), 6)): i for i, v in enumerate(traced.vertices)}
    rows = np.array([kept[tuple(np.round(v.ravel(), 6))] for v in ours.vertices])
    theirs = traced.transfer[rows]
    through = (ours.interactions == REFRACTION).any(axis=1)
    assert through.any()
    assert (ours.interactions == DIFFRACTION).any()
    size = np.abs(theirs).max(axis=(1, 2))[:, None, None]
    np.testing.assert_allclose(
        ours.transfer[~through] / size[~through], theirs[~through] / size[~through], atol=1e-6
    )
    np.testing.assert_allclose(
        np.abs(ours.transfer[through]) / size[through],
        np.abs(theirs[through]) / size[through],
        atol=1e-6,
    )


def test_a_wall_counts_once_though_a_way_through_it_meets_two_faces(
    traced: PathSet, scene: ReplayScene
) -> None:
    law = WallLaw([plain_wall(EXACT, 0.011)] * 3, scene.wavelength)
    once, twice = (
        with_true_fields(traced, law, scene, np.full(3, hollow)) for hollow in (False, True)
    )
    straight = (once.interactions == REFRACTION).sum(axis=1) == 2
    straight &= once.n_vertices == 4
    row = int(np.flatnonzero(straight)[0])
    distance = np.linalg.norm(RECEIVER - AP)
    free = scene.wavelength / (4 * np.pi * distance) * np.exp(-scene.decay * distance)
    loss = np.abs([once.transfer[row, 0, 0], twice.transfer[row, 0, 0]]) / free
    assert loss[1] == pytest.approx(loss[0] ** 2, rel=1e-3)


def test_air_walls_leave_the_straight_way_as_it_is(traced: PathSet, scene: ReplayScene) -> None:
    law = WallLaw([plain_wall(1.0, 0.3)] * 3, scene.wavelength)
    ours = with_true_fields(traced, law, scene, np.zeros(3, bool))
    carried = np.abs(ours.transfer[:, 0, 0])
    distance = np.linalg.norm(RECEIVER - AP)
    free = scene.wavelength / (4 * np.pi * distance) * np.exp(-scene.decay * distance)
    assert carried.max() == pytest.approx(free, rel=1e-6)
    mirrored = (ours.interactions == 1).any(axis=1)
    assert carried[mirrored].max() < 1e-9


def studded(width: float) -> Wall:
    board, steel = Stack((2.8 - 0.05j,), (0.0125,)), Stack((1 - 1e6j,), (0.001,))
    return replace(plain_wall(1.0, 0.1), stack=board, stud=steel, pitch=0.6, width=width)


def test_studs_show_where_they_stand_and_are_averaged_far_from_the_wall() -> None:
    law = WallLaw([studded(0.12)], 0.005)
    point = np.column_stack([np.linspace(0, 1.2, 121), np.zeros(121), np.ones(121)])
    through = np.abs(law.coefficients(hits(point)).transmitted_te)
    on_stud, between = through[[0, 60, 120]], through[[30, 90]]
    assert on_stud.max() < 0.45 * between.min()
    np.testing.assert_allclose(through[:60], through[60:120], atol=0.03)
    # All along the wall the field that passes is on average what the gaps are of it.
    bare = abs(
        WallLaw([plain_wall(2.8 - 0.05j, 0.0125)], 0.005)
        .coefficients(hits(point[:1]))
        .transmitted_te[0]
    )
    mean = law.coefficients(hits(point[:120])).transmitted_te.mean()
    assert abs(mean) == pytest.approx(bare * (1 - 0.12 / 0.6), rel=0.04)
    whole = WallLaw([studded(0.6)], 0.005).coefficients(hits(point)).transmitted_te
    assert np.abs(whole).max() < 0.1 * bare


def test_roughness_takes_from_the_mirror_what_the_patches_scatter() -> None:
    wall = replace(plain_wall(1 - 1e6j, 0.01), roughness=0.4e-3, lobe=4.0)
    law = WallLaw([wall], 0.005)
    smooth = law.smoothness(np.zeros(2, int), np.array([1.0, 0.1]))
    assert smooth[0] == pytest.approx(np.exp(-8 * (np.pi * 0.4e-3 / 0.005) ** 2))
    assert smooth[1] > 0.99


@pytest.mark.parametrize("exponent", [1.0, 4.0, 12.0])
@pytest.mark.parametrize("degrees", [0.0, 45.0, 80.0])
def test_a_lobe_sends_all_it_has_into_the_half_space(exponent: float, degrees: float) -> None:
    rng = np.random.default_rng(1)
    count = 200_000
    up = rng.uniform(0, 1, count)
    turn = rng.uniform(0, 2 * np.pi, count)
    flat = np.sqrt(1 - up**2)
    leaving = np.column_stack([flat * np.cos(turn), flat * np.sin(turn), up])
    tilt = np.deg2rad(degrees)
    arriving = np.tile([np.sin(tilt), 0.0, -np.cos(tilt)], (count, 1))
    normal = np.tile([0.0, 0.0, 1.0], (count, 1))
    values = _lobe(arriving, leaving, normal, np.full(count, exponent))
    assert 2 * np.pi * values.mean() == pytest.approx(1.0, abs=0.02)


def test_patches_of_a_floor_send_back_what_the_integral_over_it_says(scene: ReplayScene) -> None:
    meshes = surface_meshes(Site.model_validate(yaml.safe_load(_SITE)))[:1]
    metal = replace(plain_wall(1 - 1e6j, 0.01), roughness=5e-3, lobe=1.0)
    law = WallLaw([metal], scene.wavelength)
    patches = Patches.of(meshes, law)
    assert patches.area.sum() == pytest.approx(80.0)
    alone = ReplayScene(meshes, FREQUENCY, "llvm")
    lit = Scatterers(patches, law, {"ap": AP}, alone.visibility, 0.0)
    paths = lit.paths((("ap", "robot"),), {"robot": RECEIVER}, 2)
    fine = 400
    x, y = np.meshgrid((np.arange(fine) + 0.5) / fine * 10, (np.arange(fine) + 0.5) / fine * 8)
    point = np.column_stack([x.ravel(), y.ravel(), np.zeros(fine**2)])
    near, far = point - AP, RECEIVER - point
    r, s = np.linalg.norm(near, axis=1), np.linalg.norm(far, axis=1)
    mirror = near * [1, 1, -1] / r[:, None]
    shape = (1 + (mirror * far).sum(axis=1) / s) / 2
    whole = np.pi * (
        1 + 2.0 / r / 2
    )  # of the first lobe: half the half space, and the cosine's share
    expected = (scene.wavelength / (4 * np.pi)) ** 2 * (80 / fine**2)
    expected = (expected * 2.0 / r * shape / whole / (r * s) ** 2).sum() * 0.9
    assert (np.abs(paths.transfer[:, 0, 0]) ** 2).sum() == pytest.approx(
        expected, rel=0.25
    )  # some 300 exponential draws
