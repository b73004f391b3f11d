"""Triangles of mesh files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.ray_device import prepare

_SMALLEST_AREA = 1e-9
"""Square metres; a triangle below has no normal in the tracer's single precision."""


def read_mesh(
    file: Path, name: str
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices in metres and faces of the surface `name`, without triangles of no area.

    Raises TwinError where the file is missing, of another format, unreadable or degenerate.
    """
    if file.suffix.lower() not in (".ply", ".obj"):
        raise TwinError(f"surface {name!r}: {file} is neither a .ply nor an .obj file")
    if not file.is_file():
        raise TwinError(f"surface {name!r}: there is no mesh file {file}")
    vertices, faces = load_triangles(file)
    if not len(faces) or not np.isfinite(vertices).all():
        raise TwinError(f"surface {name!r}: {file} has no triangles or non-finite vertices")
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    if not (area > _SMALLEST_AREA).any():
        raise TwinError(f"surface {name!r}: every triangle of {file} has zero area")
    return vertices, faces[area > _SMALLEST_AREA]


def load_triangles(
    file: Path,
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices and faces of a PLY or OBJ file; TwinError where it is unreadable."""
    prepare("llvm")
    import mitsuba as mi

    try:
        mesh = mi.load_dict({"type": file.suffix[1:].lower(), "filename": str(file)})
        buffers = mi.traverse(mesh)
        vertices = np.array(buffers["vertex_positions"], float).reshape(-1, 3)
        return vertices, np.array(buffers["faces"], np.int64).reshape(-1, 3)
    except RuntimeError as error:
        raise TwinError(f"{file}: not a readable mesh: {error}") from error
