"""Closest hits of many rays on triangles that may move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.scene.ray_device import prepare

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hits:
    """Of N rays: distance (N,) metres, inf where free; face (N,) index of the triangle, -1."""

    distance: Array
    face: NDArray[np.int64]


class RayScene:
    """Triangles `faces` (F, 3) of `vertices` (V, 3), metres, in Mitsuba's ray tracer."""

    def __init__(self, vertices: Array, faces: NDArray[np.int64]) -> None:
        prepare("llvm")
        import mitsuba as mi

        mesh = mi.Mesh("triangles", vertex_count=len(vertices), face_count=len(faces))
        buffers = mi.traverse(mesh)
        buffers["vertex_positions"] = mi.Float(vertices.astype(np.float32).ravel())
        buffers["faces"] = mi.UInt32(faces.astype(np.uint32).ravel())
        buffers.update()
        self.faces = faces
        self._scene: Any = mi.load_dict({"type": "scene", "triangles": mesh})
        self._parameters = mi.traverse(self._scene)
        self._key = next(k for k in self._parameters.keys() if "vertex_positions" in k)  # noqa: SIM118

    def move(self, vertices: Array) -> None:
        """The same triangles with their vertices elsewhere."""
        import mitsuba as mi

        self._parameters[self._key] = mi.Float(vertices.astype(np.float32).ravel())
        self._parameters.update()

    def hits(self, origins: Array, directions: Array) -> Hits:
        """Along unit `directions` (N, 3) from `origins` (N, 3)."""
        if not len(origins):  # Dr.Jit ends the process on arrays without entries
            return Hits(np.zeros(0), np.zeros(0, np.int64))
        import mitsuba as mi

        def transposed(vectors: Array) -> list[Any]:
            return [mi.Float(np.ascontiguousarray(row)) for row in vectors.T.astype(np.float32)]

        ray = mi.Ray3f(mi.Point3f(*transposed(origins)), mi.Vector3f(*transposed(directions)))
        found = self._scene.ray_intersect_preliminary(ray, coherent=False)
        met = np.array(found.is_valid())
        return Hits(
            np.where(met, np.array(found.t, float), np.inf),
            np.where(met, np.array(found.prim_index, np.int64), -1),
        )
