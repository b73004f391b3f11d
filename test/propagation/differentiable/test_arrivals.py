"""Lobes come to what mirrors reflect; odd surfaces are no harm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lobe_cases import (
    METAL,
    WAVELENGTH,
    beside,
    found,
    over_mirror_db,
    perfect,
    plate,
    plate_power,
)

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.differentiable.arrivals import Arrivals, arrivals
from visrftwin_ros.propagation.differentiable.fresnel_slopes import face_reflection
from visrftwin_ros.propagation.differentiable.lobe_paths import (
    Ends,
    even_directions,
    lobe_paths,
)
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_reflection
from visrftwin_ros.scene.surfaces import SurfaceMesh


@pytest.mark.parametrize("to_tx,to_rx", [(5.0, 5.0), (25.0, 5.0), (5.0, 25.0)])
def test_a_narrow_lobe_off_a_large_plate_is_the_mirror(to_tx: float, to_rx: float) -> None:
    """By rays from the nearer end: from the other too few meet the lobe."""
    ends = beside(45, to_tx, to_rx, from_rx=to_rx <= to_tx)
    power = float(found([plate(20)], ends, 1e4, 100_000).power.sum())
    assert over_mirror_db(power, to_tx + to_rx) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("from_rx", [False, True])
def test_a_small_plate_loses_what_its_lobe_passes_by(from_rx: bool) -> None:
    """Scale 5, alpha 120, 25 m, 45 degrees: 2 dB in the supplement's figure 12 a."""
    ends = beside(45, 25, 25, from_rx)
    power = float(found([plate(2.5)], ends, 120, 400_000).power.sum())
    assert over_mirror_db(power, 50) == pytest.approx(-2, abs=0.1)
    tx, rx = beside(45, 25, 25, False).start, beside(45, 25, 25, True).start
    exact = plate_power(120, tx.double().numpy(), rx.double().numpy(), 2.5, np.zeros(3))
    assert power == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("from_rx", [False, True])
def test_both_ends_rays_find_the_same_power_though_lobes_are_not_reciprocal(from_rx: bool) -> None:
    tx, rx = np.array([-4.0, 1, 0.7]), np.array([2.0, 0, 1.5])
    start, other = (rx, tx) if from_rx else (tx, rx)
    ends = Ends(torch.tensor(start), torch.tensor(other)[:, None], from_rx)
    power = float(found([plate(3)], ends, 12, 200_000).power.sum())
    exact = plate_power(12, tx, rx, 3, np.zeros(3))
    back = plate_power(12, rx, tx, 3, np.zeros(3))
    assert power == pytest.approx(exact, rel=0.01)
    assert abs(back / exact - 1) > 0.03


@pytest.mark.parametrize("from_rx", [False, True])
def test_two_mirrors_in_a_row_are_their_image(from_rx: bool) -> None:
    floor = plate(20)
    wall = replace(floor, vertices=floor.vertices[:, [2, 1, 0]] + [8.0, 0, 0], name="wall")
    tx, rx = torch.tensor([2.0, -1, 3]), torch.tensor([5.0, 1, 2])
    start, other = (rx, tx) if from_rx else (tx, rx)
    power = found([floor, wall], Ends(start, other[:, None], from_rx), 200, 200_000, 2)
    length = np.linalg.norm(tx.numpy() * [1, 1, -1] - rx.numpy() * [-1, 1, 1] - [16.0, 0, 0])
    twice = power.power[(power.length - length).abs() < 0.5]  # single echoes are 2 m shorter
    assert over_mirror_db(float(twice.sum()), length) == pytest.approx(0, abs=0.5)


def test_the_line_of_sight_is_friis_and_a_wall_ends_it() -> None:
    tx, rx = torch.tensor([0.0, 0, 1.5]), torch.tensor([[3.0, 0], [4, 0], [1.5, -1.5]])
    scene = LobeScene([plate(10)])
    ends, lobes = Ends(tx, rx, False), Lobes.of(torch.tensor([10.0]))
    paths = lobe_paths(scene, lobes, ends, 10, 0, 1)
    direct = arrivals(scene, scene.vertices, paths, lobes, perfect, ends, WAVELENGTH)
    power = direct.total(2)
    assert float(power[0]) == pytest.approx((WAVELENGTH / (4 * np.pi * 5)) ** 2, rel=1e-5)
    assert float(power[1]) == 0
    np.testing.assert_allclose(direct.direction[:, 0], [-0.6, -0.8, 0], atol=1e-6)


def test_the_same_seed_draws_the_same_and_another_near_it() -> None:
    first, again, other = (
        found([plate(3)], beside(30, 4, 4, True), 30, 3000, 2, seed) for seed in (5, 5, 6)
    )
    assert torch.equal(first.power, again.power)
    assert float(other.power.sum()) == pytest.approx(float(first.power.sum()), rel=0.05)
    assert not torch.equal(other.power[:9], first.power[:9])


def test_even_directions_are_even() -> None:
    way = even_directions(2000, np.random.default_rng(3))
    np.testing.assert_allclose(np.linalg.norm(way, axis=0), 1)
    np.testing.assert_allclose(way @ way.T / 2000, np.eye(3) / 3, atol=2e-3)


def test_normals_may_look_either_way() -> None:
    mesh = plate(3)
    turned = replace(mesh, faces=mesh.faces[:, ::-1])
    one, two = (found([m], beside(30, 4, 4, True), 30, 20_000) for m in (mesh, turned))
    assert float(one.power.sum()) == pytest.approx(float(two.power.sum()), rel=1e-4)


def test_needles_and_open_sheets_are_surfaces() -> None:
    mesh = plate(3)
    corners = np.vstack([mesh.vertices, [[0, 0, 1], [1e-7, 0, 1], [0, 1e-3, 1]]])
    faces = np.vstack([mesh.faces, [[4, 5, 6]]])
    power = found(
        [replace(mesh, vertices=corners, faces=faces)], beside(30, 4, 4, True), 30, 20_000
    )
    plain = found([mesh], beside(30, 4, 4, True), 30, 20_000)
    assert bool(torch.isfinite(power.power).all())
    assert float(power.power.sum()) == pytest.approx(float(plain.power.sum()), rel=1e-3)


def in_a_box(alpha: float, tx: list[float]) -> tuple[Arrivals, torch.Tensor]:
    """A receiver inside a closed box, all depths, and the lobe's alpha, which has a slope."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    sides = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([[s[i], s[j], s[k]] for s in sides for i, j, k in ((0, 1, 2), (0, 2, 3))])
    scene = LobeScene([SurfaceMesh("box", corners, faces, METAL)])
    width = torch.tensor([alpha], requires_grad=True)
    lobes = Lobes.of(width)
    ends = Ends(torch.tensor([0.1, 0.2, 0.0]), torch.tensor(tx)[:, None], True)
    paths = lobe_paths(scene, lobes, ends, 2000, 3, 1)
    return arrivals(scene, scene.vertices, paths, lobes, perfect, ends, WAVELENGTH), width


def test_a_receiver_in_a_wall_hears_nothing_and_slopes_are_zero() -> None:
    shares, width = in_a_box(30.0, [3.0, 0, 0])
    total = shares.total(1).sum()
    total.backward()
    assert float(total.detach()) == 0 and width.grad is not None and float(width.grad) == 0


@pytest.mark.parametrize("alpha", [0.0, 1e4])
def test_the_widest_and_the_narrowest_lobe_are_finite(alpha: float) -> None:
    shares, width = in_a_box(alpha, [-0.4, 0.3, 0.5])
    total = shares.total(1).sum()
    total.backward()
    assert float(total.detach()) > 0 and width.grad is not None
    assert bool(torch.isfinite(width.grad).all())


def test_no_ray_and_no_surface_are_refused() -> None:
    with pytest.raises(TwinError, match="0 rays over 1 bounces: expected at least 1 and 0"):
        found([plate(1)], beside(30, 4, 4, True), 30, 0)
    with pytest.raises(TwinError, match="at least one surface"):
        LobeScene([])


def test_the_delay_profile_has_the_power_at_its_length() -> None:
    shares = Arrivals(
        torch.tensor([1.0, 2.0, 5.0]),
        torch.zeros(3, 3),
        torch.tensor([3.25, 4.0, 90.0]),
        torch.tensor([0, 1, 1]),
    )
    profile = shares.delay_profile(2, 2.0, 0.5, 6)
    np.testing.assert_allclose(profile, [[0, 0, 0.5, 0.5, 0, 0], [0, 0, 0, 0, 2, 0]])


def test_a_face_reflects_as_a_slab_without_a_far_side() -> None:
    cosine = np.linspace(0.01, 1, 20)
    permittivity = np.full(20, 5.2 - 0.4j)
    te, tm = face_reflection(torch.tensor(cosine), torch.tensor(permittivity))
    slab = slab_reflection(cosine, permittivity, np.array(1.0), np.array(0.0), WAVELENGTH)
    np.testing.assert_allclose(te, slab[0], rtol=1e-9)
    np.testing.assert_allclose(tm, slab[1], rtol=1e-9)
