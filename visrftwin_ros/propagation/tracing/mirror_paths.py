"""Paths over mirrors alone, every one of few: the image method over the planes of a scene.

Rays find such a path only where one happens to meet its planes in order, and Sionna's candidate
table then drops whatever shares a slot with another: at some numbers of rays the reflection in the
ground is missing. Here each plane and each pair of planes is tried, and more of the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.fields.fresnel_coefficients import surface_electrics
from visrftwin_ros.propagation.fields.path_transfer import chain_transfer
from visrftwin_ros.propagation.fields.utd_edges import Wedges
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    DIFFUSE,
    REFRACTION,
    SPECULAR,
    PathSet,
    empty,
    of_same_links,
    path_delay,
    squared_magnitude,
    without_duplicates,
)
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

MOST_MIRRORS = 2
_MOST_PLANES = 3000
"""Mirrors that are tried in pairs; finely meshed surfaces beyond that are left to the rays."""
_AMONG = (_MOST_PLANES, _MOST_PLANES, 200, 100, 30)
"""Of the largest planes, those that are tried in ones, twos, ... fives: walls and the like, whose
echoes are late and strong: what twice the rays change in the shipped rooms then stays under 0.3 ns,
and with twice as many planes it does, too, at twice the time.
"""
FEW_MIRRORS = _AMONG[:MOST_MIRRORS]
"""All planes in ones and twos, and no more."""
_SAME_PLANE = 1e-4
"""Metres, and parts of a unit normal: triangles of a surface closer than this are one plane."""


FAINTEST = 1e-24
"""Power gain, of either polarisation, under which a path through metal is none."""


@dataclass(frozen=True)
class Planes:
    """M planes of a scene's surfaces, each with its triangles.

    surface: index of the mesh. normal: unit; level: its product with a point of the plane, metres.
    triangles: corners, metres, those of plane i being first[i]:first[i + 1]. low, high: bounds.
    The largest come first. mirrors: the planes that are tried as such, the largest first; rank: the
    place in `mirrors`, M of those that are not there. outward: which way along its normal a plane
    looks out of the closed convex body that it is a side of, 1 or -1; 0 where it is none.
    """

    surface: Int[np.ndarray, " m"]
    normal: Float[np.ndarray, "m 3"]
    level: Float[np.ndarray, " m"]
    first: Int[np.ndarray, " m+1"]
    triangles: Float[np.ndarray, "t 3 3"]
    low: Float[np.ndarray, "m 3"]
    high: Float[np.ndarray, "m 3"]
    mirrors: Int[np.ndarray, " k"]
    rank: Int[np.ndarray, " m"]
    outward: Float[np.ndarray, " m"]

    @classmethod
    def of(cls, meshes: Sequence[SurfaceMesh]) -> Planes:
        surface = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes])
        triangles = np.concatenate([mesh.vertices[mesh.faces] for mesh in meshes])
        normal = np.concatenate([mesh.face_normals for mesh in meshes])
        # One sign for both sides of a plane: that of the largest part.
        largest = np.take_along_axis(normal, np.abs(normal).argmax(axis=1)[:, None], axis=1)
        side = np.sign(largest)
        level = np.einsum("ij,ij->i", normal, triangles[:, 0])
        unsigned = np.column_stack([normal, level]) * side
        key = np.column_stack([surface, np.round(unsigned / _SAME_PLANE)])
        _, where, plane = np.unique(key, axis=0, return_index=True, return_inverse=True)
        across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        area = np.bincount(plane, np.linalg.norm(across, axis=1))
        largest_first = np.argsort(-area, kind="stable")
        where, plane = where[largest_first], np.argsort(largest_first)[plane]
        order = np.argsort(plane, kind="stable")
        first = np.searchsorted(plane[order], np.arange(len(where) + 1))
        triangles = triangles[order]
        corners = (triangles.min(axis=1), triangles.max(axis=1))
        count = np.bincount(surface[where], minlength=len(meshes))
        few = np.zeros(len(meshes), bool)
        ascending = np.argsort(count, kind="stable")
        few[ascending[np.cumsum(count[ascending]) <= _MOST_PLANES]] = True
        mirrors = np.flatnonzero(few[surface[where]])
        rank = np.full(len(where), len(where))
        rank[mirrors] = np.arange(len(mirrors))
        return cls(
            surface=surface[where],
            normal=np.ascontiguousarray(normal[where]),
            level=level[where],
            first=first,
            triangles=np.ascontiguousarray(triangles),
            low=np.minimum.reduceat(corners[0], first[:-1]),
            high=np.maximum.reduceat(corners[1], first[:-1]),
            mirrors=mirrors,
            rank=rank,
            outward=_outward(meshes, surface[where], normal[where], level[where]),
        )

    def outward_for(self, *ends: Devices) -> Float[np.ndarray, " m"]:
        """`outward`, 0 of bodies that one of the ends is in."""
        places = np.concatenate([end.positions for end in ends])
        height = (places @ self.normal.T - self.level) * self.outward
        outermost = np.full((int(self.surface.max()) + 1, len(places)), -np.inf)
        np.maximum.at(outermost, self.surface, height.T)
        around = np.flatnonzero((outermost < 0).any(axis=1))
        return np.asarray(np.where(np.isin(self.surface, around), 0.0, self.outward))


def _outward(
    meshes: Sequence[SurfaceMesh],
    surface: Int[np.ndarray, " m"],
    normal: Float[np.ndarray, "m 3"],
    level: Float[np.ndarray, " m"],
) -> Float[np.ndarray, " m"]:
    """`outward` of Planes."""
    outward = np.zeros(len(surface))
    for index, mesh in enumerate(meshes):
        own = np.flatnonzero(surface == index)
        corners = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        shared = np.unique(corners, axis=0, return_counts=True)[1]
        height = mesh.vertices @ normal[own].T - level[own]
        below = height.max(axis=0) < _SAME_PLANE
        above = height.min(axis=0) > -_SAME_PLANE
        if (shared == 2).all() and (below ^ above).all():
            outward[own] = np.where(below, 1.0, -1.0)
    return outward


def with_every_mirror(
    traced: PathSet,
    planes: Planes,
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    frequency: float,
    settings: Propagation,
) -> PathSet:
    """`traced`, its paths over mirrors (and through any walls) replaced by all there are over at
    most two, and over more of the largest planes: lines of sight, reflections and what passes
    walls on the way.

    Links come transmitter first. A path has at most `settings.max_depth` interactions.
    """
    exact = mirror_paths(planes, meshes, transmitters, receivers, frequency, settings)
    other = np.isin(traced.interactions, (DIFFUSE, DIFFRACTION)).any(axis=1)
    bounces = (traced.interactions == SPECULAR).sum(axis=1)
    among = np.append(np.array((_MOST_PLANES, *_AMONG)), np.zeros(traced.depth, int))
    tried = last_rank(planes, traced) < np.minimum(among[bounces], len(planes.rank))
    return of_same_links(traced.links, [traced.select(other | ~tried), exact])


def last_rank(planes: Planes, paths: PathSet) -> Int[np.ndarray, " p"]:
    """The largest rank of the planes that are the paths' mirrors, -1 where none is."""
    last = np.full(len(paths), -1)
    for surface in np.unique(planes.surface):
        row, d = np.nonzero((paths.objects == surface) & (paths.interactions == SPECULAR))
        own = np.flatnonzero(planes.surface == surface)
        normal, point = paths.normals[row, d], paths.vertices[row, d + 1]
        turned = 1 - np.abs(normal @ planes.normal[own].T)
        beside = np.abs(point @ planes.normal[own].T - planes.level[own])
        np.maximum.at(last, row, planes.rank[own[(turned + beside).argmin(axis=1)]])
    return last


def mirror_paths(
    planes: Planes,
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    frequency: float,
    settings: Propagation,
    among: Sequence[int] = _AMONG,
) -> PathSet:
    """Every line of sight and every path over one or two of `planes.mirrors`, or over more of the
    first of them (`among`, of ones, twos, ... each), through walls where `settings.refraction` allows."""
    from visrftwin_ros.propagation.tracing.mirror_search import crossed_planes, mirror_points

    links = tuple((tx, rx) for tx in transmitters.names for rx in receivers.names)
    depth = settings.max_depth
    geometry = (planes.normal, planes.level, planes.low, planes.high, planes.first)
    link, mirrors, points = mirror_points(
        np.ascontiguousarray(transmitters.positions, float),
        np.ascontiguousarray(receivers.positions, float),
        *geometry,
        planes.triangles,
        planes.mirrors,
        np.array(among[:depth], np.int64),
        planes.outward_for(transmitters, receivers),
        # Into a body and out again, a path passes it twice.
        depth - 2 if settings.refraction else 0,
    )
    tx, rx = np.divmod(link, len(receivers.names))
    fits, vertices, met, mirrored = crossed_planes(
        transmitters.positions[tx],
        receivers.positions[rx],
        mirrors,
        points,
        *geometry,
        planes.triangles,
        depth,
        settings.refraction,
    )
    rows = np.flatnonzero(fits)
    if not len(rows):
        return empty(links, depth)
    vertices, met, mirrored = vertices[rows], met[rows], mirrored[rows]
    used = met >= 0
    interactions = np.where(used, np.where(mirrored, SPECULAR, REFRACTION), 0).astype(np.uint8)
    objects = np.where(used, planes.surface[met], -1).astype(np.int32)
    normals = planes.normal[met] * used[..., None]
    n_vertices = (used.sum(axis=1) + 2).astype(np.int32)
    delay = path_delay(vertices)
    wavelength = wavelength_of(frequency)
    nowhere = np.zeros((len(rows), 3))
    chain = chain_transfer(
        vertices,
        interactions,
        objects,
        normals,
        n_vertices,
        np.zeros(len(rows), np.intp),
        surface_electrics(meshes, frequency),
        wavelength,
        Wedges(nowhere, nowhere, nowhere[:, 0], nowhere, nowhere),
    )
    length = np.linalg.norm(np.diff(vertices, axis=1), axis=2).sum(axis=1)
    paths = PathSet(
        links=links,
        link=link[rows].astype(np.int32),
        vertices=vertices,
        n_vertices=n_vertices,
        interactions=interactions,
        objects=objects,
        normals=normals,
        transfer=chain * (wavelength / (4 * np.pi * length))[:, None, None],
        delay=delay,
    )
    strength = squared_magnitude(paths.transfer).max(axis=(1, 2))
    # Surfaces that touch are mirrors at one and the same place.
    return without_duplicates(paths.select(strength > FAINTEST))
