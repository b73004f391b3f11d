"""How far a map lies from what is known of the place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from visrftwin_ros.mapping.place_map import MappedSurface, PlaceMap
from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh

_SPACING = 0.03
"""m between samples of the reference; the distance to it is some millimetres too large for that."""
_EVERY = 0.1
"""m between the vertices of a map's mesh, were it one of small triangles."""
WITHIN = 0.07
"""m: the paper's figure 5 counts vertices within it."""
_FACING = np.cos(np.deg2rad(20.0))


@dataclass(frozen=True)
class MapError:
    """away: (N,) m, of places every 10 cm on the map from the nearest surface of the reference, outward
    where the place is behind it. wall_offset: (W,) m, of each mapped wall from the reference's surface
    along its normal, the median over the wall. seen_away: (M,) m, of places of the reference that the scan
    saw from the nearest surface of the map."""

    away: Float[np.ndarray, " n"]
    wall_offset: Float[np.ndarray, " w"]
    seen_away: Float[np.ndarray, " m"]

    @property
    def within(self) -> float:
        """Share of the map within 7 cm."""
        return float((self.away <= WITHIN).mean())

    @property
    def found(self) -> float:
        """Share of the reference that the scan saw and that the map has within 7 cm."""
        return float((self.seen_away <= WITHIN).mean())


def map_error(place: PlaceMap, reference: Sequence[SurfaceMesh]) -> MapError:
    """The map's error against the reference, both in one frame."""
    truth, normals = _truth(reference)
    tree = cKDTree(truth)
    places = [surface_samples(s.vertices, s.faces, _EVERY) for s in place.surfaces]
    away = np.concatenate([tree.query(p)[0] for p in places])
    offsets = [
        _offset(surface, samples, truth, normals, tree)
        for surface, samples in zip(place.surfaces, places, strict=True)
        if surface.kind == "wall"
    ]
    mapped = np.concatenate(
        [surface_samples(s.vertices, s.faces, _SPACING) for s in place.surfaces]
    )
    near = cKDTree(place.points).query(truth, distance_upper_bound=2 * _SPACING)[0]
    seen = truth[np.isfinite(near)]
    seen_away = cKDTree(mapped).query(seen)[0] if len(seen) else np.zeros(0)
    known = np.array([offset for offset in offsets if offset is not None], dtype=np.float64)
    return MapError(np.asarray(away), known, np.asarray(seen_away))


def _truth(reference: Sequence[SurfaceMesh]) -> tuple[np.ndarray, np.ndarray]:
    places, normals = [], []
    for mesh in reference:
        for face, normal in zip(mesh.faces, mesh.face_normals, strict=True):
            places.append(surface_samples(mesh.vertices, face[None], _SPACING))
            normals.append(np.tile(normal, (len(places[-1]), 1)))
    return np.concatenate(places), np.concatenate(normals)


def _offset(
    surface: MappedSurface,
    samples: Float[np.ndarray, "k 3"],
    truth: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    tree: cKDTree,
) -> float | None:
    """m along the wall's normal to the nearest surface that faces as it does, median; None where none is
    within a metre."""
    a, b, c = surface.vertices[surface.faces[0]]
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal)
    reach, near = tree.query(samples, k=8, distance_upper_bound=1.0)
    steps = []
    for place, row, far in zip(samples, near, reach, strict=True):
        facing = [
            i
            for i, d in zip(row, far, strict=True)
            if np.isfinite(d) and abs(normals[i] @ normal) > _FACING
        ]
        if facing:
            steps.append(abs((truth[facing[0]] - place) @ normal))
    return float(np.median(steps)) if steps else None
