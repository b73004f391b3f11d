"""A finished mesh, sampled evenly over its faces, or a cloud: PLY, OBJ, STL, GLB, LAS, LAZ and E57."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import LARGEST_PLACE, Scan
from visrftwin_ros.mapping.sources.e57_scans import read_e57
from visrftwin_ros.mapping.sources.glb_mesh import read_glb
from visrftwin_ros.mapping.sources.las_cloud import read_las
from visrftwin_ros.scene.mesh_files import LARGEST_FILE, read_mesh
from visrftwin_ros.scene.ply_file import ply_has_faces, read_ply_places
from visrftwin_ros.scene.surface_samples import surface_samples

ENDINGS = (".ply", ".obj", ".stl", ".glb", ".las", ".laz", ".e57")
UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
_SPACING = 0.04
"""m between samples of a mesh, unless it has too many."""
_MOST_SAMPLES = 2_000_000
_NOISE = 0.005
"""m: what scanners and their meshing leave of a surface, as a file does not say."""
_FEWEST = 100
"""Points of a cloud."""
_FAR = 10_000.0
"""m from the origin, over which coordinates are those of a country: single precision has 1 mm there."""


def read_mesh_or_cloud(file: Path, unit: str | None, up: str | None) -> Scan:
    """The points of a file, or of its faces, z up.

    unit: of UNITS, up: z or y; None: the file is taken as metres and z up (GLB: y, as its standard has it) unless
    its size and shape speak against that, which raises TwinError and asks. Coordinates of a country are moved to the
    place's own corner, by whole metres, which `source` says. No place of a sensor is known but of an E57's scans.
    """
    if not file.is_file():
        raise TwinError(f"no file {file}")
    read = _read(file)
    up = up or ("y" if file.suffix.lower() == ".glb" else None)
    corners, faces = read.corners, read.faces
    low, high = corners.min(axis=0), corners.max(axis=0)
    across = float(np.linalg.norm(high - low)) * UNITS[unit or "m"]
    if across > LARGEST_PLACE:
        question = (
            "" if unit else f" Is it in millimetres? Say --unit mm (known: {', '.join(UNITS)})"
        )
        raise TwinError(
            f"{file}: {across:.0f} m across; places up to {LARGEST_PLACE:g} m are mapped.{question}"
        )
    scale, moved, said = UNITS[unit or "m"], np.zeros(3), read.said
    if np.abs(corners).max() * scale > _FAR:
        moved = np.floor(low * scale)
        said += f", moved by {' '.join(f'{-m:.0f}' for m in moved)} m"
    corners = corners * scale - moved
    if faces is None:
        points = corners
    else:
        points = surface_samples(corners, faces, _spacing(corners, faces))
        if up is None and _lies_on_its_side(corners, faces):
            raise TwinError(
                f"{file}: most of what lies flat in it faces along y: say --up y if y is up, or --up z "
                "if it is as it should be"
            )
    seen_from = None if read.seen_from is None else read.seen_from * scale - moved
    if up == "y":
        points, seen_from = _y_up(points), None if seen_from is None else _y_up(seen_from)
    return Scan(
        points=points,
        seen_from=seen_from,
        view=np.zeros(len(points), np.int64) if read.view is None else read.view,
        up=None,
        noise=_NOISE,
        source=f"{file.name} ({said})",
    )


def _y_up(places: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    return np.asarray(places[:, [0, 2, 1]] * np.array([1.0, -1.0, 1.0]))


@dataclass(frozen=True)
class _Read:
    """What a file holds: vertices and faces, or points where `faces` is None, with their views and the places of their
    sensors where the file says so."""

    corners: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "f 3"] | None
    said: str
    view: Int[np.ndarray, " n"] | None = None
    seen_from: Float[np.ndarray, "n 3"] | None = None

    @classmethod
    def mesh(cls, corners: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "f 3"]) -> _Read:
        return cls(corners, faces, f"{len(faces)} triangles")


def _read(file: Path) -> _Read:
    ending = file.suffix.lower()
    if ending == ".glb":
        return _Read.mesh(*read_glb(file))
    if ending in (".las", ".laz"):
        points, said = read_las(file)
        return _enough(file, _Read(points, None, said))
    if ending == ".e57":
        views, said = read_e57(file)
        counts = [len(points) for points, _ in views]
        return _enough(
            file,
            _Read(
                np.concatenate([points for points, _ in views]),
                None,
                said,
                np.repeat(np.arange(len(views)), counts),
                np.repeat([place for _, place in views], counts, axis=0),
            ),
        )
    if ending == ".ply" and (places := _ply_cloud(file)) is not None:
        return _enough(file, _Read(places, None, "points"))
    return _Read.mesh(*read_mesh(file, file.stem))


def _enough(file: Path, read: _Read) -> _Read:
    if len(read.corners) < _FEWEST:
        raise TwinError(f"{file}: {len(read.corners)} points in it: no map comes of that")
    return read


def _ply_cloud(file: Path) -> Float[np.ndarray, "n 3"] | None:
    """The points of a PLY that has no faces; None where it has."""
    if file.stat().st_size > LARGEST_FILE:
        raise TwinError(f"{file} has over the {LARGEST_FILE} bytes that are read")
    content = file.read_bytes()
    try:
        if ply_has_faces(content):
            return None
        places = read_ply_places(content)
        return np.asarray(places[np.isfinite(places).all(axis=1)])
    except (ValueError, OverflowError, MemoryError) as error:
        raise TwinError(f"{file} is no readable PLY: {error}") from error


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
