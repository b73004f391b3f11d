"""Buildings by their footprints and heights (GeoJSON, RFC 7946) as closed bodies on flat ground."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.campaign.importers.local_frame import LocalFrame
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.outlines import triangles
from visrftwin_ros.materials.table import material_names
from visrftwin_ros.scene.mesh_files import MeshPart
from visrftwin_ros.scene.mitsuba_scene import SceneMaterial, ScenePart

ENDINGS = (".geojson", ".json")
LARGEST_FILE = 50_000_000
"""Bytes."""
MOST_BUILDINGS = 2_000
"""More than any tracer here holds as surfaces of their own."""
STOREY = 3.0
"""m of a level, where a building has a number of these and no height."""
AROUND = 50.0
"""m of ground beyond the outermost buildings."""
MATERIALS = {"building": "concrete", "ground": "concrete"}
"""Of buildings that do not say what they are of, and of the ground, unless somebody names another."""
_HEIGHTS = ("height", "building:height", "render_height", "measuredHeight")
_LEVELS = ("building:levels", "levels", "num_floors")
_BOTTOMS = ("min_height", "render_min_height")
_MADE_OF = ("building:material", "material")
_METRES = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(m|metres?|meters?)?\s*")


def read_footprints(file: Path, origin: LocalFrame, height: float | None) -> tuple[ScenePart, ...]:
    """The buildings of a file and the ground under them, z = 0, m from `origin` on.

    height: m, of buildings that have none. Raises TwinError where the file is none, an outline crosses itself, and
    where a building has no height and none is given: with how many.
    """
    parts: list[ScenePart] = []
    without: list[str] = []
    for number, (feature, polygons) in enumerate(_buildings(file)):
        said = feature.get("properties") or {}
        where = f"{file}: building {said.get('name') or feature.get('id') or number}"
        top = _metres(said, _HEIGHTS, where)
        levels = _metres(said, _LEVELS, where)
        top = top if top is not None else None if levels is None else levels * STOREY
        top = height if top is None else top
        if top is None:
            without.append(where)
            continue
        low = _metres(said, _BOTTOMS, where) or 0.0
        if not low < top <= 1000.0:
            raise TwinError(f"{where} reaches from {low:g} to {top:g} m: expected up to 1000 m")
        for polygon in polygons:
            loops = [_placed(ring, origin, where) for ring in polygon]
            name = str(said.get("name") or f"building_{len(parts) + 1}")
            mesh = MeshPart("", *_body(loops, low, top, where))
            parts.append(ScenePart(name, mesh, SceneMaterial(_made_of(said), "", where)))
    if without:
        raise TwinError(
            f"{file}: {len(without)} building(s) have no height ({', '.join(_HEIGHTS)}) and no number of levels, as "
            f"{without[0]}: say --height for these"
        )
    if not parts:
        raise TwinError(f"{file}: no polygon of a building in it")
    return (*parts, flat_ground(parts, str(file)))


def _buildings(file: Path) -> Iterator[tuple[Mapping[str, Any], Sequence[Sequence[Any]]]]:
    """Each feature with its polygons: rings of longitude and latitude."""
    if file.stat().st_size > LARGEST_FILE:
        raise TwinError(f"{file} has over the {LARGEST_FILE} bytes that are read")
    try:
        features = json.loads(file.read_text())["features"]
        found = [(f, f.get("geometry") or {}) for f in features]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TwinError(
            f"{file} is no FeatureCollection of GeoJSON: {type(error).__name__}: {error}"
        ) from error
    kinds = {"Polygon": lambda c: [c], "MultiPolygon": list}
    own = [(f, g) for f, g in found if isinstance(g, dict) and g.get("type") in kinds]
    if len(own) > MOST_BUILDINGS:
        raise TwinError(
            f"{file}: {len(own)} buildings; at most {MOST_BUILDINGS} are read: cut the file to what "
            "lies about the links"
        )
    for feature, geometry in own:
        yield feature, kinds[geometry["type"]](geometry.get("coordinates") or [])


def _metres(said: Mapping[str, Any], names: Sequence[str], where: str) -> float | None:
    """Of the first of these that is said; TwinError where it is no number of metres."""
    for name in names:
        if (value := said.get(name)) in (None, ""):
            continue
        match = _METRES.fullmatch(str(value))
        if match is None:
            raise TwinError(f"{where}: {name} is {value!r}; expected metres, as 12.5")
        return float(match[1])
    return None


def _made_of(said: Mapping[str, Any]) -> str:
    named = [str(said.get(name)) for name in _MADE_OF]
    return next((f"itu_{name}" for name in named if name in material_names()), "building")


def _placed(ring: Any, origin: LocalFrame, where: str) -> Float[np.ndarray, "k 2"]:
    try:
        rows = np.array([[float(longitude), float(latitude)] for longitude, latitude, *_ in ring])
        if len(rows) < 4 or not np.isfinite(rows).all():
            raise ValueError(f"a ring of {len(rows)} places; expected four finite ones and more")
        places = [origin.place(float(y), float(x), None)[:2] for x, y in np.radians(rows)]
    except (TypeError, ValueError) as error:
        raise TwinError(f"{where}: {error}") from error
    closed = np.linalg.norm(places[0] - places[-1]) < 0.01
    return np.array(places[:-1] if closed else places)


def _body(
    loops: Sequence[Float[np.ndarray, "k 2"]], low: float, top: float, where: str
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "f 3"]]:
    """Closed, faces outwards. The walls stand on the rim of the roof's own triangles, so that they meet."""
    drawn = triangles(loops)
    if drawn is None:
        raise TwinError(f"{where}: its outline crosses itself, or has no area")
    corners, roof = drawn
    count = len(corners)
    sides = np.concatenate([roof[:, [0, 1]], roof[:, [1, 2]], roof[:, [2, 0]]])
    there = {tuple(side) for side in sides.tolist()}
    rim = np.array([side for side in sides.tolist() if (side[1], side[0]) not in there])
    a, b = rim.T
    faces = np.concatenate(
        [
            roof + count,
            roof[:, ::-1],
            np.column_stack([a, b, b + count]),
            np.column_stack([a, b + count, a + count]),
        ]
    )
    levels = np.repeat([low, top], count)
    return np.column_stack([np.tile(corners, (2, 1)), levels]), faces


def flat_ground(parts: Sequence[ScenePart], where: str) -> ScenePart:
    """z = 0 under all of them and AROUND m beyond."""
    places = np.concatenate([part.mesh.vertices[:, :2] for part in parts])
    (x0, y0), (x1, y1) = places.min(axis=0) - AROUND, places.max(axis=0) + AROUND
    corners = np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])
    mesh = MeshPart("", corners, np.array([[0, 1, 2], [0, 2, 3]]))
    return ScenePart("ground", mesh, SceneMaterial("ground", "", where))
