"""Triangles of mesh files, checked before anything that would crash on them sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.obj_file import read_obj
from visrftwin_ros.scene.ply_file import read_ply

_READERS = {".ply": read_ply, ".obj": read_obj}
_SMALLEST_AREA = 1e-9
"""Square metres; a triangle below has no normal in the tracer's single precision."""
LARGEST_FILE = 500_000_000
"""Bytes: some ten million triangles, more than any tracer here holds."""


def read_mesh(
    file: Path, name: str
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices in metres and faces of the surface `name`, without triangles of no area; faces that
    meet in a place share its vertex, whether or not they do in the file.

    A mesh may be open, as a sheet is: where it ends is an edge. Raises TwinError where the file is
    missing, of another format, unreadable or degenerate, and where a face lacks its vertex.
    """
    where = f"surface {name!r}: {file}"
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise TwinError(f"surface {name!r}: {file} is neither a .ply nor an .obj file")
    if not file.is_file():
        raise TwinError(f"surface {name!r}: there is no mesh file {file}")
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise TwinError(f"{where} has {size} bytes, over the {LARGEST_FILE} that are read")
    try:
        vertices, faces = reader(file.read_bytes())
    except (ValueError, OverflowError, MemoryError) as error:
        raise TwinError(f"{where} is not a readable mesh: {error}") from error
    if not len(faces):
        raise TwinError(f"{where} has no triangles")
    wrong = np.flatnonzero(((faces < 0) | (faces >= len(vertices))).any(axis=1))
    if len(wrong):
        raise TwinError(
            f"{where}: triangle {wrong[0]} has the vertices {faces[wrong[0]].tolist()}, but there "
            f"are {len(vertices)}, counted from 0 ({len(wrong)} such triangles)"
        )
    lost = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(lost):
        raise TwinError(f"{where}: vertex {lost[0]} is not finite ({len(lost)} such vertices)")
    vertices, place = np.unique(vertices, axis=0, return_inverse=True)
    faces = place.reshape(-1)[faces]
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    if not (area > _SMALLEST_AREA).any():
        raise TwinError(f"{where}: every triangle has zero area")
    return vertices, faces[area > _SMALLEST_AREA]
