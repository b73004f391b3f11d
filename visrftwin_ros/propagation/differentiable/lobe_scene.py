"""Surfaces for the lobe tracer: triangles as tensors, and Mitsuba's answers to what rays meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.tracer_scene import build_shapes
from visrftwin_ros.scene.visibility import OFF_SURFACE

Vectors = Float[torch.Tensor, "3 n"]


@dataclass(frozen=True)
class Hits:
    """triangle: of each ray, -1 where it meets none. corner: shares of its second and third corner.
    length: metres."""

    triangle: Int[torch.Tensor, " n"]
    corner: Float[torch.Tensor, "2 n"]
    length: Float[torch.Tensor, " n"]


class LobeScene:
    """Surfaces at places that may have slopes; what hides what is asked of Mitsuba and has none.

    vertices: (3, V) metres. faces: (3, F) indices. surface: (F,) index of each face's mesh.
    """

    def __init__(self, meshes: Sequence[SurfaceMesh], device: Device = "auto") -> None:
        """Raises TwinError for no surface at all, and as `prepare`."""
        if not meshes:
            raise TwinError("a lobe tracer needs at least one surface")
        self._kind = device
        self._meshes = tuple(meshes)
        self.device = torch.device("cuda" if prepare(device) == "cuda" else "cpu")
        first = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])[:-1]
        corners = np.concatenate([m.faces + k for m, k in zip(meshes, first, strict=True)])
        counts = [len(mesh.faces) for mesh in meshes]
        places = np.concatenate([mesh.vertices for mesh in meshes])
        self.vertices = self._tensor(places.T, torch.float32)
        self.faces = self._tensor(corners.T, torch.int64)
        self.surface = self._tensor(np.repeat(np.arange(len(meshes)), counts), torch.int64)
        self.owner = self._tensor(
            np.repeat(np.arange(len(meshes)), [len(mesh.vertices) for mesh in meshes]), torch.int64
        )
        whole = SurfaceMesh("all", places, corners, meshes[0].material)
        self._shapes: Any = build_shapes([whole])

    def __len__(self) -> int:
        """Surfaces."""
        return len(self._meshes)

    def moved(self, vertices: Float[torch.Tensor, "3 v"]) -> LobeScene:
        """The same surfaces with their corners in other places."""
        places = vertices.detach().cpu().double().numpy().T
        last = np.cumsum([len(mesh.vertices) for mesh in self._meshes])[:-1]
        meshes = [
            SurfaceMesh(mesh.name, part, mesh.faces, mesh.material)
            for mesh, part in zip(self._meshes, np.split(places, last), strict=True)
        ]
        return LobeScene(meshes, self._kind)

    def hits(self, origins: Vectors, directions: Vectors) -> Hits:
        """The first triangles that rays meet, from both sides alike."""
        import drjit as dr

        if not origins.shape[1]:
            none = torch.zeros(0, device=self.device)
            return Hits(none.long(), none.expand(2, 0), none)
        found = self._shapes.ray_intersect_preliminary(_rays(origins, directions), coherent=False)
        dr.eval(found)  # At once: each of its arrays alone would trace the rays anew.
        met = self._tensor(np.array(found.is_valid()), torch.bool)
        triangle = self._tensor(np.array(found.prim_index).astype(np.int64), torch.int64)
        corner = np.stack([np.array(found.prim_uv.x), np.array(found.prim_uv.y)])
        length = self._tensor(np.array(found.t), torch.float32)
        return Hits(torch.where(met, triangle, -1), self._tensor(corner, torch.float32), length)

    def free(self, origins: Vectors, targets: Vectors) -> Bool[torch.Tensor, " n"]:
        """Nothing stands between, OFF_SURFACE from either end."""
        import mitsuba as mi

        if not origins.shape[1]:
            return torch.zeros(0, dtype=torch.bool, device=self.device)
        step = targets - origins
        length = length_of(step)
        ray = _rays(origins, step / length.clamp(min=1e-9))
        ray.maxt = mi.Float((length - OFF_SURFACE).float().numpy(force=True))
        blocked = self._shapes.ray_test(ray, coherent=False)
        return ~self._tensor(np.array(blocked), torch.bool)

    def _tensor(self, values: np.ndarray, kind: torch.dtype) -> torch.Tensor:
        return torch.tensor(values, dtype=kind, device=self.device)


def length_of(vectors: Float[torch.Tensor, "3 n"]) -> Float[torch.Tensor, " n"]:
    """Of the columns; torch's own norm along the first axis takes twenty times as long."""
    return (vectors * vectors).sum(dim=0).sqrt()


def _rays(origins: Vectors, directions: Vectors) -> Any:
    import mitsuba as mi

    # Each in memory of its own, which is aligned: Dr.Jit compiles anew for columns that are not.
    columns = [
        mi.Float(column.float().clone().numpy(force=True))
        for column in (*origins.detach(), *directions.detach())
    ]
    return mi.Ray3f(mi.Point3f(*columns[:3]), mi.Vector3f(*columns[3:]))
