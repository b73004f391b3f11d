"""What straight lines meet in the static scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.tracer_scene import build_scene

OFF_SURFACE = 1e-3
"""Metres by which a ray starts and ends off a surface, in the tracer's single precision."""
SHORTEST = 1e-2
"""Metres; Sionna leaves out paths with shorter segments, so a replay does as well."""


class Visibility:
    """Closest hits on the scene's surfaces, all rays at once (Mitsuba's ray tracing)."""

    def __init__(self, meshes: Sequence[SurfaceMesh], device: Device = "auto") -> None:
        prepare(device)
        # Kept: the Mitsuba scene refers to the shapes and materials that this one owns.
        self._scene: Any = build_scene(meshes, 60e9)
        # The first call of a kind compiles; a tick must not wait for that.
        self.first_hit(np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]))

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Float[np.ndarray, " rays"]:
        """Metres from `origins` along unit `directions`; inf where free."""
        if not len(origins):  # Dr.Jit ends the process on arrays without entries
            return np.zeros(0)
        import drjit as dr
        import mitsuba as mi

        def transposed(vectors: Float[np.ndarray, "rays 3"]) -> Any:
            return [mi.Float(np.ascontiguousarray(row)) for row in vectors.T.astype(np.float32)]

        ray = mi.Ray3f(mi.Point3f(*transposed(origins)), mi.Vector3f(*transposed(directions)))
        hit = self._scene.mi_scene.ray_intersect_preliminary(ray, coherent=False)
        distance = dr.select(hit.is_valid(), hit.t, dr.inf)
        return np.array(distance, float)
