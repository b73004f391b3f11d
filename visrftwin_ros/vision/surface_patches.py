"""Surfaces cut into pieces of about a metre, each of which may be of another material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.triangle_tree import TriangleTree

_FINE = 0.25
"""Of a patch's size: how densely its area is sampled."""
_LEVEL = 0.7
_REACH = 0.12
"""m by which a patch may lie behind what a ray meets first and still be seen: a map's surfaces are so exact."""


@dataclass(frozen=True)
class Patches:
    """N pieces. surface: index of theirs. center: m, on it. axes: unit vectors along it: level, then up, or x
    and y on what lies flat. extent: m that its face reaches along both. area: m^2."""

    surface: Int[np.ndarray, " n"]
    center: Float[np.ndarray, "n 3"]
    axes: Float[np.ndarray, "n 2 3"]
    extent: Float[np.ndarray, "n 2"]
    area: Float[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.surface)


def surface_patches(meshes: Sequence[SurfaceMesh], size: float) -> Patches:
    """The patches of some surfaces, about `size` m across, one at least for each side of each surface."""
    parts = [_patches_of(number, mesh, size) for number, mesh in enumerate(meshes)]
    columns = zip(*parts, strict=True)
    return Patches(*(np.concatenate(column) for column in columns))


def _patches_of(number: int, mesh: SurfaceMesh, size: float) -> tuple[np.ndarray, ...]:
    normals = mesh.face_normals
    normals = np.where(_downwards(normals)[:, None], -normals, normals)
    rows = []
    for face in range(len(mesh.faces)):
        corners = mesh.vertices[mesh.faces[face]]
        points = surface_samples(mesh.vertices, mesh.faces[face : face + 1], _FINE * size)
        area = np.linalg.norm(np.cross(corners[1] - corners[0], corners[2] - corners[0])) / 2
        across = points @ normals[face]
        rows.append(
            np.column_stack(
                [points, np.tile(normals[face], (len(points), 1)), across,
                 np.full(len(points), area / len(points))]
            )
        )  # fmt: skip
    table = np.concatenate(rows)
    keys = np.column_stack([np.round(table[:, 3:6] * 5), np.round(table[:, 6] / 0.2)])
    centers, axes, extents, areas = [], [], [], []
    for side in np.unique(keys, axis=0):
        own = table[(keys == side).all(axis=1)]
        along = _axes(own[:, 3:6].mean(axis=0))
        flat = own[:, :3] @ along.T
        reach = np.ptp(flat, axis=0) + _FINE * size
        cell = np.floor((flat - flat.min(axis=0)) / (reach / np.maximum(np.round(reach / size), 1)))
        for place in np.unique(cell, axis=0):
            inside = own[(cell == place).all(axis=1)]
            middle = inside[:, :3].mean(axis=0)
            nearest = np.linalg.norm(inside[:, :3] - middle, axis=1).argmin()
            centers.append(inside[nearest, :3])  # the mean may lie in a hole
            axes.append(along)
            extents.append(reach)
            areas.append(inside[:, 7].sum())
    return (
        np.full(len(centers), number), np.array(centers), np.array(axes), np.array(extents),
        np.array(areas),
    )  # fmt: skip


def _downwards(normals: Float[np.ndarray, "f 3"]) -> Bool[np.ndarray, " f"]:
    """Of the two normals of a face, the one that is not used: both sides are the same plane."""
    first = np.argmax(np.abs(normals) > 1e-3, axis=1)
    return normals[np.arange(len(normals)), first] < 0


def _axes(normal: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "2 3"]:
    normal = normal / np.linalg.norm(normal)
    if abs(normal[2]) > _LEVEL:
        first = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    else:
        first = np.array([-normal[1], normal[0], 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    return np.stack([first, second if abs(normal[2]) > _LEVEL or second[2] > 0 else -second])


def visible(
    patches: Patches, eye: Float[np.ndarray, " 3"], tree: TriangleTree
) -> Bool[np.ndarray, " n"]:
    """Which patches nothing hides from `eye`."""
    way = patches.center - eye
    far = np.linalg.norm(way, axis=1)
    hit = tree.first_hit(np.tile(eye, (len(way), 1)), way / np.maximum(far, 1e-9)[:, None])
    return (far > _REACH) & (hit > far - _REACH)
