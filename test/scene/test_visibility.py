"""Rays through the static scene."""

from __future__ import annotations

import numpy as np
from made_up import small_site

from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.visibility import FEW, Visibility

UP = np.array([0.0, 0.0, 1.0])


def test_wherever_numpy_puts_many_rays_they_run_in_one_kernel() -> None:
    """Each new kernel would make a tick wait for a compiler."""
    import drjit as dr

    prepare(threads=2)
    seeing = Visibility(surface_meshes(small_site()))
    rng = np.random.default_rng(0)
    held: list[np.ndarray] = []
    kernels: set[str] = set()
    dr.set_flag(dr.JitFlag.KernelHistory, True)
    try:
        for _ in range(200):
            held.append(np.empty(int(rng.integers(1, 500)), np.uint8))
            count = FEW + int(rng.integers(1, 60))
            seeing.first_hit(rng.normal(size=(count, 3)), np.tile(UP, (count, 1)))
            kernels |= {kernel["hash"] for kernel in dr.kernel_history()}
            dr.kernel_history_clear()
    finally:
        dr.set_flag(dr.JitFlag.KernelHistory, False)
    assert len(kernels) == 1


def test_few_rays_meet_what_many_meet() -> None:
    """Mitsuba's answers, in its single precision; a ray past an edge may be either side of it."""
    prepare(threads=2)
    seeing = Visibility(surface_meshes(small_site()))
    rng = np.random.default_rng(1)
    origins = rng.uniform((-8, -8, 0.1), (8, 8, 4), (4 * FEW, 3))
    directions = rng.normal(size=origins.shape)
    # Rays along the axes run along boxes' sides.
    directions[::7] = np.eye(3)[rng.integers(0, 3, len(directions[::7]))]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    many = seeing.first_hit(origins, directions)
    few = np.concatenate(
        [
            seeing.first_hit(origins[i : i + FEW], directions[i : i + FEW])
            for i in range(0, len(origins), FEW)
        ]
    )
    assert 0.2 < np.isinf(few).mean() < 0.8
    same = np.isclose(few, many, rtol=1e-5, atol=1e-5) | (np.isinf(few) & np.isinf(many))
    assert same.mean() > 0.999


def test_a_ray_through_the_edge_between_two_triangles_is_stopped() -> None:
    prepare(threads=2)
    seeing = Visibility(surface_meshes(small_site()))
    along = np.linspace(0.01, 0.49, 500)
    down = np.tile(-UP, (500, 1))
    origins = np.column_stack([along, along, np.full(500, 9.0)])
    assert np.isfinite(seeing.first_hit(origins, down)).all()
