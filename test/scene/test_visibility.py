"""Rays through the static scene."""

from __future__ import annotations

import numpy as np
from made_up import small_site

from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.visibility import Visibility

UP = np.array([0.0, 0.0, 1.0])


def test_wherever_numpy_puts_the_rays_they_run_in_the_same_two_kernels() -> None:
    """One for a single ray, one for many; each new kernel would make a tick wait for a compiler."""
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
            count = int(rng.integers(1, 60))
            seeing.first_hit(rng.normal(size=(count, 3)), np.tile(UP, (count, 1)))
            kernels |= {kernel["hash"] for kernel in dr.kernel_history()}
            dr.kernel_history_clear()
    finally:
        dr.set_flag(dr.JitFlag.KernelHistory, False)
    assert len(kernels) <= 2
