"""Buildings of a city's model (CityJSON 1.0 to 2.0, OGC 20-072r5) as surfaces on the ground."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.footprints import LARGEST_FILE, MOST_BUILDINGS, flat_ground
from visrftwin_ros.mapping.outlines import triangles
from visrftwin_ros.scene.mesh_files import MeshPart, checked_mesh
from visrftwin_ros.scene.mitsuba_scene import SceneMaterial, ScenePart

LOG = logging.getLogger(__name__)
MATERIALS = {"building": "concrete", "ground": "concrete", "window": "glass", "door": "wood"}
"""Of what is read, unless somebody names another."""
_READ = (
    "Building", "BuildingPart", "BuildingInstallation", "BuildingConstructiveElement",
    "Bridge", "BridgePart", "OtherConstruction",
)  # fmt: skip
_GROUND = "TINRelief"
_DEPTH = {
    "MultiSurface": 0,
    "CompositeSurface": 0,
    "Solid": 1,
    "MultiSolid": 2,
    "CompositeSolid": 2,
}
"""Of a geometry's boundaries: lists of surfaces, of shells of these, of solids of those."""
_OPENINGS = {"Window": "window", "Door": "door"}
_FLAT = 1.0
"""Level of detail under which a geometry is a footprint or a roof's outline."""
_UNEVEN = 1.0
"""m by which the feet of buildings may differ before that is told."""
_OFF_PLANE = 0.5
"""m by which a corner may lie off its surface's plane."""
_SMALLEST = 1e-6
"""m^2, twice the area of a surface that is left out where its corners lie on a line."""
_SAME = 1e-3
"""m within which a corner of a triangle is one of the ring's."""

Rings = Sequence[Sequence[int]]


@dataclass(frozen=True)
class CityModel:
    """parts: surfaces in m from `origin` on, x east, y north, z up. origin: (3,) in the file's own
    coordinates; reference: what these are, as the file has it."""

    parts: tuple[ScenePart, ...]
    origin: Float[np.ndarray, " 3"]
    reference: str


def is_city_model(file: Path) -> bool:
    """Whether a file says that it is CityJSON."""
    try:
        return bool(_loaded(file).get("type") == "CityJSON")
    except TwinError:
        return False


def read_city_model(
    file: Path, origin: tuple[float, float] | None, lod: float | None, within: float | None
) -> CityModel:
    """The buildings of a file, each in its finest level of detail.

    origin: easting and northing of the site's x = y = 0 in the file's own metres; None: the middle of the
    buildings. lod: the finest level that is taken, None any. within: m from the origin up to which
    buildings are taken. Where the file has terrain (TINRelief), heights are from its lowest corner on;
    else each building stands on flat ground at z = 0. Raises TwinError where the file is none, its
    coordinates are degrees, or a surface has none.
    """
    model = _loaded(file)
    vertices, objects = _vertices(model, file), _objects(model, file)
    try:
        found = list(_meshes(objects, vertices, lod, file))
        reference = str((model.get("metadata") or {}).get("referenceSystem", "no reference system"))
    except (AttributeError, KeyError, TypeError) as error:
        raise TwinError(f"{file} is not as CityJSON is: {error}") from error
    if not any(material != "ground" for _, _, material, _, _ in found):
        kinds = Counter(str(one.get("type")) for one in objects.values())
        raise TwinError(
            f"{file}: no building with a shape in it, of {dict(kinds)}; expected {', '.join(_READ)}"
            " with a level of detail of 1 and more" + ("" if lod is None else f" up to {lod:g}")
        )
    corners = np.concatenate([mesh[0] for *_, mesh in found])
    size = np.ptp(corners[:, :2], axis=0)
    if size.max() < 1.0:
        raise TwinError(
            f"{file} is {size[0]:g} x {size[1]:g} wide: are these degrees? Expected metres, of a"
            " projected reference system; reproject it (citygml-tools, cjio)"
        )
    middle = np.round((corners.min(axis=0) + corners.max(axis=0)) / 2)
    start = middle[:2] if origin is None else np.array(origin, float)
    near = _near(found, start, within, file)
    terrain = any(material == "ground" for _, _, material, _, _ in near)
    feet = _feet(near)
    zero = min(float(mesh[0][:, 2].min()) for *_, mesh in near) if terrain else min(feet.values())
    spread = max(feet.values()) - min(feet.values())
    if not terrain and spread > _UNEVEN:
        LOG.warning(
            "%s has no terrain (TINRelief), and buildings that begin up to %.1f m apart: each of them is put"
            " on flat ground",
            file,
            spread,
        )
    parts = []
    for whose, name, material, where, (places, faces) in near:
        down = zero if terrain else feet[whose]
        moved = places - np.array([*start, down])
        parts.append(
            ScenePart(name, MeshPart("", moved, faces), SceneMaterial(material, "", where))
        )
    if not terrain:
        parts.append(flat_ground(parts, str(file)))
    return CityModel(tuple(parts), np.array([*start, zero]), reference)


_Mesh = tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "f 3"]]
_Found = tuple[str, str, str, str, _Mesh]
"""The building that a surface belongs to, the surface's name, its material, where, its triangles."""


def _loaded(file: Path) -> Mapping[str, Any]:
    if file.stat().st_size > LARGEST_FILE:
        raise TwinError(f"{file} has over the {LARGEST_FILE} bytes that are read")
    try:
        model = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise TwinError(f"{file} is no CityJSON: {type(error).__name__}: {error}") from error
    if not isinstance(model, dict):
        raise TwinError(f"{file} is no CityJSON: expected an object")
    return model


def _vertices(model: Mapping[str, Any], file: Path) -> Float[np.ndarray, "n 3"]:
    try:
        rows = np.array(model["vertices"], float).reshape(-1, 3)
        transform = model.get("transform") or {"scale": [1, 1, 1], "translate": [0, 0, 0]}
        places = rows * np.array(transform["scale"], float) + np.array(
            transform["translate"], float
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TwinError(
            f"{file}: vertices and transform are no lists of three numbers: {error}"
        ) from error
    if places.shape[1:] != (3,) or not np.isfinite(places).all():
        raise TwinError(f"{file}: vertices that are not finite")
    return places


def _objects(model: Mapping[str, Any], file: Path) -> Mapping[str, Mapping[str, Any]]:
    objects = model.get("CityObjects")
    if not isinstance(objects, dict) or not all(isinstance(o, dict) for o in objects.values()):
        raise TwinError(f"{file} is no CityJSON: expected objects under CityObjects")
    return objects


def _meshes(
    objects: Mapping[str, Mapping[str, Any]],
    vertices: Float[np.ndarray, "n 3"],
    lod: float | None,
    file: Path,
) -> Iterator[_Found]:
    """Of every object that is read, what is of one material."""
    for name, one in objects.items():
        ground = one.get("type") == _GROUND
        if not ground and one.get("type") not in _READ:
            continue
        where = f"{file}: {name}"
        geometry = _finest(one, ground, lod, where)
        if geometry is None:
            continue
        usual = "ground" if ground else "building"
        whose = str(next(iter(one.get("parents") or ()), name))
        drawn: dict[str, list[_Mesh]] = {}
        for rings, meaning in _surfaces(geometry, where):
            if (flat := _triangulated(rings, vertices, where)) is not None:
                material = usual if ground else _OPENINGS.get(meaning, usual)
                drawn.setdefault(material, []).append(flat)
        for material, meshes in drawn.items():
            full = name if material == usual else f"{name}_{material}"
            yield whose, full, material, where, _joined(meshes, where)


def _finest(
    one: Mapping[str, Any], ground: bool, lod: float | None, where: str
) -> Mapping[str, Any] | None:
    """The geometry of the highest level of detail; None where there is none that has a body."""
    best, finest = None, -1.0
    for geometry in one.get("geometry") or ():
        try:
            level = float(geometry.get("lod", 0) or 0)
            kind = geometry["type"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TwinError(f"{where}: a geometry without type and lod: {error}") from error
        fits = ground or (level >= _FLAT and (lod is None or level <= lod))
        if kind in _DEPTH and fits and level > finest:
            best, finest = geometry, level
    return best


def _surfaces(geometry: Mapping[str, Any], where: str) -> Iterator[tuple[Rings, str]]:
    """Every surface of the outer shells, and what it is: RoofSurface, Window, ..."""
    depth = _DEPTH[geometry["type"]]
    said = geometry.get("semantics") or {}
    kinds = said.get("surfaces") or []

    def below(part: Any, values: Any, depth: int) -> Iterator[tuple[Rings, str]]:
        if depth == 0:
            for number, rings in enumerate(part):
                index = (
                    values[number] if isinstance(values, list) and number < len(values) else None
                )
                if not (isinstance(index, int) and 0 <= index < len(kinds)):
                    yield rings, ""
                    continue
                yield rings, str(kinds[index].get("type", ""))
            return
        for number, inner in enumerate(part[:1] if depth == 1 else part):
            more = values[number] if isinstance(values, list) and number < len(values) else None
            yield from below(inner, more, depth - 1)

    try:
        yield from below(geometry["boundaries"], said.get("values"), depth)
    except (KeyError, TypeError, AttributeError) as error:
        raise TwinError(f"{where}: boundaries of no {geometry['type']}: {error}") from error


def _triangulated(rings: Rings, vertices: Float[np.ndarray, "n 3"], where: str) -> _Mesh | None:
    """A flat polygon with holes, faces to the side from which its outer ring runs anticlockwise; None
    where it has no area."""
    try:
        numbers = [np.array(ring, np.int64) for ring in rings]
        if not numbers or any(ring.ndim != 1 or len(ring) < 3 for ring in numbers):
            raise TwinError(f"{where}: a surface without a ring of three corners")
        if any(ring.min() < 0 for ring in numbers):
            raise IndexError("negative numbers")
        loops = [vertices[ring] for ring in numbers]
    except (IndexError, TypeError, ValueError, OverflowError) as error:
        raise TwinError(f"{where}: a ring of no known vertices: {error}") from error
    outer = loops[0]
    middle = outer.mean(axis=0)
    # Newell's, about the middle: the corners are far from where the coordinates begin.
    normal = np.cross(outer - middle, np.roll(outer, -1, axis=0) - middle).sum(axis=0)
    length = np.linalg.norm(normal)
    if length < _SMALLEST:
        if np.linalg.matrix_rank(outer - middle, tol=_SAME) < 2:
            return None
        raise TwinError(f"{where}: a surface whose outline crosses itself")
    normal /= length
    if np.abs((outer - middle) @ normal).max() > _OFF_PLANE:
        raise TwinError(f"{where}: a surface whose corners lie over {_OFF_PLANE:g} m off its plane")
    if len(loops) == 1 and len(outer) == 3:
        return outer, np.array([[0, 1, 2]])
    along = outer[np.linalg.norm(outer - outer[0], axis=1).argmax()] - outer[0]
    along = along - (along @ normal) * normal
    along /= np.linalg.norm(along)
    axes = np.stack([along, np.cross(normal, along)])
    drawn = triangles([(loop - middle) @ axes.T for loop in loops])
    if drawn is None:
        raise TwinError(f"{where}: a surface whose outline crosses itself")
    places, given = middle + drawn[0] @ axes, np.concatenate(loops)
    apart = np.linalg.norm(places[:, None] - given, axis=2)
    # Exactly the given corners, so that surfaces of one building meet in them.
    same = apart.min(axis=1) < _SAME
    places[same] = given[apart.argmin(axis=1)[same]]
    return places, drawn[1]


def _joined(meshes: Sequence[_Mesh], where: str) -> _Mesh:
    starts = np.cumsum([0, *(len(places) for places, _ in meshes)])
    faces = [own + start for (_, own), start in zip(meshes, starts, strict=False)]
    return checked_mesh(
        np.concatenate([places for places, _ in meshes]), np.concatenate(faces), where
    )


def _near(
    found: Sequence[_Found], start: Float[np.ndarray, " 2"], within: float | None, file: Path
) -> list[_Found]:
    """Those with a corner not too far off; terrain whole."""
    limit = np.inf if within is None else within
    near = [
        one
        for one in found
        if one[2] == "ground" or np.linalg.norm(one[4][0][:, :2] - start, axis=1).min() <= limit
    ]
    count = len({one[0] for one in near if one[2] != "ground"})
    if not count:
        places = np.concatenate([mesh[0][:, :2] for *_, mesh in found])
        (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
        raise TwinError(
            f"{file}: no building within {limit:g} m of {start[0]:.0f}, {start[1]:.0f}; they are at"
            f" {west:.0f} to {east:.0f} east, {south:.0f} to {north:.0f} north"
        )
    if count > MOST_BUILDINGS:
        raise TwinError(
            f"{file}: {count} buildings; at most {MOST_BUILDINGS} are read: say --within, metres from --origin"
        )
    return near


def _feet(found: Sequence[_Found]) -> dict[str, float]:
    """z of the lowest corner of each building, of all its parts."""
    feet: dict[str, float] = {}
    for whose, _, material, _, (places, _) in found:
        if material != "ground":
            feet[whose] = min(feet.get(whose, np.inf), float(places[:, 2].min()))
    return feet
