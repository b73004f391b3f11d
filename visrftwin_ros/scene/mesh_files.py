"""Triangles of mesh files, checked before anything that would crash on them sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.obj_file import read_labelled_obj, read_obj
from visrftwin_ros.scene.ply_file import read_ply
from visrftwin_ros.scene.stl_file import read_stl

_READERS = {".ply": read_ply, ".obj": read_obj, ".stl": read_stl}
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
    vertices, faces = _read(file, name, _READERS)
    return checked_mesh(vertices, faces, f"surface {name!r}: {file}")


@dataclass(frozen=True)
class MeshPart:
    """The triangles of a mesh that are of one material or group, whose name is `label`; empty where
    the file gives none."""

    label: str
    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]


def read_mesh_parts(file: Path, name: str) -> tuple[MeshPart, ...]:
    """The mesh of `read_mesh`, taken apart by the materials (`usemtl`) or else the groups of an OBJ, in
    their order there; one part of any other file. Raises as `read_mesh`."""
    if file.suffix.lower() != ".obj":
        return (MeshPart("", *read_mesh(file, name)),)
    where = f"surface {name!r}: {file}"
    vertices, faces, labels = _read(file, name, {".obj": read_labelled_obj})
    of_face = np.array(labels, str)
    parts = [(label, faces[of_face == label]) for label in dict.fromkeys(labels)] or [("", faces)]
    return tuple(
        MeshPart(label, *checked_mesh(vertices, own, f"{where}, {label!r}" if label else where))
        for label, own in parts
    )


def _read(file: Path, name: str, readers: Mapping[str, Callable[[bytes], Any]]) -> Any:
    """What the reader for the file's ending says."""
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise TwinError(f"surface {name!r}: {file} is no .ply, .obj or .stl file")
    if not file.is_file():
        raise TwinError(f"surface {name!r}: there is no mesh file {file}")
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise TwinError(
            f"surface {name!r}: {file} has {size} bytes, over the {LARGEST_FILE} that are read"
        )
    try:
        return reader(file.read_bytes())
    except (ValueError, OverflowError, MemoryError) as error:
        raise TwinError(f"surface {name!r}: {file} is not a readable mesh: {error}") from error


def checked_mesh(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], where: str
) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f 3"]]:
    """The mesh as `read_mesh` gives it: joined in its places, without triangles of no area or vertices
    that no face has. Raises TwinError, beginning with `where`."""
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
    used, faces = np.unique(faces, return_inverse=True)
    vertices, place = np.unique(vertices[used], axis=0, return_inverse=True)
    faces = place.reshape(-1)[faces.reshape(-1, 3)]
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    if not (area > _SMALLEST_AREA).any():
        raise TwinError(f"{where}: every triangle has zero area")
    return vertices, faces[area > _SMALLEST_AREA]
