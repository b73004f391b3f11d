"""What straight lines meet in the static scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.tracer_scene import build_shapes
from visrftwin_ros.scene.triangle_tree import TriangleTree

OFF_SURFACE = 1e-3
"""Metres by which a ray starts and ends off a surface, in the tracer's single precision."""
ALIGNMENT = 64
"""Bytes; of the widest registers that Dr.Jit loads."""
SHORTEST = 1e-2
"""Metres; Sionna leaves out paths with shorter segments, so a replay does as well."""
FEW = 1000
"""Rays for which a launch of Dr.Jit, of milliseconds, takes longer than to follow each."""


class Visibility:
    """Closest hits on the scene's surfaces: all rays at once (Mitsuba's ray tracing), or one after
    the other where they are few."""

    def __init__(self, meshes: Sequence[SurfaceMesh], device: Device = "auto") -> None:
        prepare(device)
        self._scene: Any = build_shapes(meshes)
        self._tree = TriangleTree(meshes)
        # The first call of a kind compiles; a tick must not wait for that.
        for count in (1, FEW + 1):
            self.first_hit(np.zeros((count, 3)), np.tile([0.0, 0.0, 1.0], (count, 1)))

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Float[np.ndarray, " rays"]:
        """Metres from `origins` along unit `directions`; inf where free."""
        if len(origins) <= FEW:
            return self._tree.first_hit(origins, directions)
        import drjit as dr
        import mitsuba as mi

        columns = _aligned(np.concatenate([origins, directions], axis=1))
        start, step = columns[:3], columns[3:]
        ray = mi.Ray3f(
            mi.Point3f(*(mi.Float(column) for column in start)),
            mi.Vector3f(*(mi.Float(column) for column in step)),
        )
        hit = self._scene.ray_intersect_preliminary(ray, coherent=False)
        distance = dr.select(hit.is_valid(), hit.t, dr.inf)
        return np.array(distance, float)


def _aligned(rows: Float[np.ndarray, "rays k"]) -> Float[np.ndarray, "k rays"]:
    """Its columns in single precision, each of which begins at a multiple of ALIGNMENT.

    Dr.Jit takes numpy's memory as it is and compiles a kernel for each combination of arrays that
    are aligned and not: up to 64 for the six of a ray, where numpy's allocator decides.
    """
    count, width = rows.shape
    each = -(-count * 4 // ALIGNMENT) * ALIGNMENT
    memory = np.empty(width * each + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    lines = memory[first : first + width * each].reshape(width, each).view(np.float32)
    columns: Float[np.ndarray, "k rays"] = lines[:, :count]
    columns[:] = rows.T
    return columns
