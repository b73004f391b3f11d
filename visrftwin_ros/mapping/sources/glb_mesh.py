"""A mesh as binary glTF 2.0 (ISO/IEC 12113), whose y axis is up and whose unit is the metre."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.sources.extras import library
from visrftwin_ros.scene.mesh_files import LARGEST_FILE, checked_mesh


def read_glb(file: Path) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "f 3"]]:
    """Vertices and faces of all its meshes where its nodes have them, in the file's own axes.

    Raises TwinError where the file is none, or has no triangle.
    """
    trimesh: Any = library("trimesh", file)
    if file.stat().st_size > LARGEST_FILE:
        raise TwinError(f"{file} has over the {LARGEST_FILE} bytes that are read")
    try:
        mesh = trimesh.load(file, file_type="glb", force="mesh", process=False)
        corners, faces = np.array(mesh.vertices, float), np.array(mesh.faces, int)
    except Exception as error:  # trimesh raises what its parsers do
        raise TwinError(f"{file} is no readable GLB: {type(error).__name__}: {error}") from error
    if not len(faces):
        raise TwinError(f"{file}: no triangle in it")
    return checked_mesh(corners, faces, str(file))
