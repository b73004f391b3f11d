"""The arithmetic behind docs/diffuse_power.md, against Lambert's integral, closed forms and the files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

import diffuse_power  # noqa: E402
import diffuse_sites  # noqa: E402
from qd_library import Rays, Reflector, diffuse_over_cursor, draw, read_library  # noqa: E402

from visrftwin_ros.materials.table import MaterialValues  # noqa: E402
from visrftwin_ros.propagation.fields.free_space import wavelength_of  # noqa: E402
from visrftwin_ros.propagation.paths.devices import Devices  # noqa: E402
from visrftwin_ros.propagation.paths.path_set import DIFFUSE  # noqa: E402
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths  # noqa: E402
from visrftwin_ros.scene.surfaces import SurfaceMesh  # noqa: E402
from visrftwin_ros.site.loading import load_site  # noqa: E402
from visrftwin_ros.site.model import Propagation  # noqa: E402

NONE = Rays(3, (0, 0), (0, 0), (0, 0), (0, 0))


def test_the_mean_of_the_rician_loss_is_the_one_that_the_file_prints(test_data: Path) -> None:
    random = np.random.default_rng(1)
    for reflector in diffuse_power.libraries(test_data):
        mean = draw(reflector.loss_db, 100_000, random).mean()
        assert mean == pytest.approx(reflector.mean_loss_db, abs=0.45), reflector.name


def test_a_library_of_permittivities_is_refused(test_data: Path) -> None:
    with pytest.raises(ValueError, match="no measured rays"):
        read_library(test_data / "channel/nist_qd/materialLibraryLivingRoom.csv")


def test_rays_that_decay_as_fast_as_they_come_sum_to_one_first_ray() -> None:
    """The mean of exp(-t) over a Poisson process of rate 1 is the integral of exp(-t), 1."""
    rays = Rays(16, (10.0, 0.0), (1.0, 0.0), (0.0, 0.0), (1.0, 0.0))
    wall = Reflector("made", "wall", (0, 0), 0.0, (NONE, rays))
    assert diffuse_over_cursor(wall, 50_000, 2).mean() == pytest.approx(0.1, rel=0.02)
    within = diffuse_over_cursor(wall, 50_000, 2, window=1.0).mean()
    assert within == pytest.approx(0.1 * (1 - np.exp(-1)), rel=0.02)


def test_a_reflector_without_rays_has_no_diffuse_power() -> None:
    smooth = Reflector("made", "rack", (0, 0), 0.0, (NONE, NONE))
    assert not diffuse_over_cursor(smooth, 10, 1).any()


def metal(scattering: float) -> MaterialValues:
    return MaterialValues("metal", 1.0, 1e7, scattering, 0.005, False)


def test_the_solver_scatters_off_a_conductor_what_lamberts_integral_has() -> None:
    """(lambda / 4 pi)^2 S^2 times the integral of cos cos / (pi r1^2 r2^2) over the plane."""
    tx, rx = np.array([-1.0, 0.2, 1.0]), np.array([1.0, -0.1, 1.4])
    corners = np.array([(-4, -4, 0), (4, -4, 0), (4, 4, 0), (-4, 4, 0)], float)
    mesh = SurfaceMesh("plane", corners, np.array([[0, 1, 2], [0, 2, 3]]), metal(0.5))
    settings = Propagation(max_depth=1, samples=400_000, refraction=False, diffraction=False)
    paths = traced_paths(
        (mesh,), Devices(("tx",), tx[None]), Devices(("rx",), rx[None]), 60e9, settings
    )
    grid = np.arange(-4, 4, 0.01) + 0.005
    at = np.stack([*np.meshgrid(grid, grid), np.zeros((800, 800))], axis=-1)
    r1, r2 = (np.linalg.norm(at - end, axis=-1) for end in (tx, rx))
    lambert = (tx[2] / r1 * rx[2] / r2 / (np.pi * r1**2 * r2**2)).sum() * 1e-4
    right = 0.5**2 * (wavelength_of(60e9) / (4 * np.pi)) ** 2 * lambert
    scattered = paths.power[paths.interactions[:, 0] == DIFFUSE].sum()
    assert scattered == pytest.approx(right, rel=0.03)


def test_a_conductors_mirror_loses_what_it_scatters() -> None:
    found = diffuse_power.links_off(diffuse_power.WALL, metal(0.5), count=3)
    assert len(found.loss_db) == 9
    assert found.loss_db == pytest.approx(-10 * np.log10(0.75), abs=0.1)
    assert (found.narrow < found.diffuse).all()


def test_the_coefficient_that_is_wanted_is_found_again() -> None:
    bounces = diffuse_power.Bounces(np.zeros(3), np.array([0.1, 0.2, 0.3]), np.zeros(3))
    right = diffuse_power.share(bounces.diffuse).mean()
    assert diffuse_power.coefficient_for(right, bounces, metal(0.3)) == pytest.approx(0.3)


def test_receivers_stand_in_no_box() -> None:
    site = load_site("lobby")
    where = diffuse_sites.places(site, 50, 1)
    pillar = next(s for s in site.scene if s.kind == "box" and s.size[2] > 2)
    inside = np.abs(where - np.array(pillar.center)) < np.array(pillar.size) / 2
    assert len(where) == 50 and not inside.all(axis=1).any()
