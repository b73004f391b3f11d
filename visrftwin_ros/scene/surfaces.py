"""The static scene as triangles, and what identifies it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues, material_values
from visrftwin_ros.scene.mesh_files import read_mesh
from visrftwin_ros.site.model import Box, Ground, MeshFile, Site

_BOX_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
BOX_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


@dataclass(frozen=True)
class SurfaceMesh:
    """One surface: vertices in metres in the world frame, faces, its material."""

    name: str
    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    material: MaterialValues

    @property
    def face_normals(self) -> Float[np.ndarray, "faces 3"]:
        """Unit normals, right-handed about the faces' corners (outward for a box)."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def surface_meshes(site: Site) -> tuple[SurfaceMesh, ...]:
    """Every surface of the site, in its order there; `objects` of a PathSet index into it.

    Raises TwinError for a mesh file that is missing, unreadable or degenerate and for an
    unknown material.
    """
    return tuple(_surface_mesh(site, surface) for surface in site.scene)


def box_corners(box: Box) -> Float[np.ndarray, "8 3"]:
    """In the world frame, m, in the order of which `BOX_FACES` are made."""
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    corners: Float[np.ndarray, "8 3"] = (_BOX_CORNERS * np.array(box.size)) @ turn
    return corners + np.array(box.center)


def fingerprint(meshes: tuple[SurfaceMesh, ...], settings: dict[str, object]) -> str:
    """A digest of geometry, materials and `settings` (JSON-able: devices, solver, versions)."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for mesh in meshes:
        digest.update(repr((mesh.name, mesh.material)).encode())
        digest.update(np.ascontiguousarray(mesh.vertices).tobytes())
        digest.update(np.ascontiguousarray(mesh.faces).tobytes())
    return digest.hexdigest()


def _surface_mesh(site: Site, surface: Ground | Box | MeshFile) -> SurfaceMesh:
    try:
        material = material_values(surface.material, site.radio.frequency, site.materials)
    except TwinError as error:
        raise TwinError(f"site {site.name!r}, surface {surface.name!r}: {error}") from None
    if isinstance(surface, Ground):
        corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) / 2
        vertices = corners * np.array([*surface.size, 0.0]) + np.array(surface.center)
        faces = np.array([[0, 1, 2], [0, 2, 3]])
    elif isinstance(surface, Box):
        vertices, faces = box_corners(surface), BOX_FACES
    else:
        vertices, faces = read_mesh(site.folder / surface.file, surface.name)
    return SurfaceMesh(surface.name, vertices, faces, material)
