"""A finished mesh, sampled evenly over its faces, or a cloud: PLY, OBJ and STL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import LARGEST_PLACE, Scan
from visrftwin_ros.scene.mesh_files import LARGEST_FILE, read_mesh
from visrftwin_ros.scene.ply_file import ply_has_faces, read_ply_places
from visrftwin_ros.scene.surface_samples import surface_samples

ENDINGS = (".ply", ".obj", ".stl")
UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
_SPACING = 0.04
"""m between samples of a mesh, unless it has too many."""
_MOST_SAMPLES = 2_000_000
_NOISE = 0.005
"""m: what scanners and their meshing leave of a surface, as a file does not say."""


def read_mesh_or_cloud(file: Path, unit: str | None, up: str | None) -> Scan:
    """The points of a file, or of its faces, z up.

    unit: of UNITS, up: z or y; None: the file is taken as metres and z up unless its size and shape speak
    against that, which raises TwinError and asks. No place of a sensor is known.
    """
    if not file.is_file():
        raise TwinError(f"no file {file}")
    corners, faces = _corners(file)
    low, high = corners.min(axis=0), corners.max(axis=0)
    across = float(np.linalg.norm(high - low)) * UNITS[unit or "m"]
    if across > LARGEST_PLACE:
        question = (
            "" if unit else f" Is it in millimetres? Say --unit mm (known: {', '.join(UNITS)})"
        )
        raise TwinError(
            f"{file}: {across:.0f} m across; places up to {LARGEST_PLACE:g} m are mapped.{question}"
        )
    corners = corners * UNITS[unit or "m"]
    if faces is None:
        points = corners
    else:
        points = surface_samples(corners, faces, _spacing(corners, faces))
        if up is None and _lies_on_its_side(corners, faces):
            raise TwinError(
                f"{file}: most of what lies flat in it faces along y: say --up y if y is up, or --up z "
                "if it is as it should be"
            )
    if up == "y":
        points = points[:, [0, 2, 1]] * np.array([1.0, -1.0, 1.0])
    return Scan(
        points=points,
        seen_from=None,
        view=np.zeros(len(points), np.int64),
        up=None,
        noise=_NOISE,
        source=f"{file.name} ({'points' if faces is None else f'{len(faces)} triangles'})",
    )


def _corners(file: Path) -> tuple[Float[np.ndarray, "n 3"], np.ndarray | None]:
    """Vertices and faces; None for faces of a PLY that has points alone."""
    if file.suffix.lower() == ".ply":
        if file.stat().st_size > LARGEST_FILE:
            raise TwinError(f"{file} has over the {LARGEST_FILE} bytes that are read")
        content = file.read_bytes()
        try:
            if not ply_has_faces(content):
                places = read_ply_places(content)
                kept = places[np.isfinite(places).all(axis=1)]
                if len(kept) < 100:
                    raise TwinError(f"{file}: {len(kept)} points in it: no map comes of that")
                return kept, None
        except (ValueError, OverflowError, MemoryError) as error:
            raise TwinError(f"{file} is no readable PLY: {error}") from error
    return read_mesh(file, file.stem)


def _spacing(corners: Float[np.ndarray, "n 3"], faces: np.ndarray) -> float:
    area = float(_normals(corners, faces)[1].sum())
    return max(_SPACING, float(np.sqrt(area / _MOST_SAMPLES)))


def _normals(
    corners: Float[np.ndarray, "n 3"], faces: np.ndarray
) -> tuple[Float[np.ndarray, "f 3"], Float[np.ndarray, " f"]]:
    a, b, c = (corners[faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    twice = np.linalg.norm(across, axis=1)
    return across / np.maximum(twice, 1e-30)[:, None], twice / 2


def _lies_on_its_side(corners: Float[np.ndarray, "n 3"], faces: np.ndarray) -> bool:
    """Whether faces along y have over twice the area of those along z, over a scene flattest along y."""
    normals, area = _normals(corners, faces)
    along = [(area * (np.abs(normals[:, axis]) > 0.95)).sum() for axis in (1, 2)]
    reach = np.ptp(corners, axis=0)
    return bool(along[0] > 2 * along[1] and reach[1] == reach.min())
