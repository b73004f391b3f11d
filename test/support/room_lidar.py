"""Sweeps of a LiDAR on a mast in a room whose furniture stands wherever a test says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.site.model import Box, Site

MAST = np.array([3.4, 2.4, 2.1])
NOISE = 0.015
"""m, standard deviation of a return's range."""


def sweep(
    site: Site,
    seed: int,
    people: Sequence[tuple[float, float]] = (),
    origin: Float[np.ndarray, " 3"] = MAST,
    beams: int = 48,
    columns: int = 400,
) -> Float[np.ndarray, "n 3"]:
    """Returns in the world, m, of 70 degrees down to 10 up."""
    bodies = [
        Box(name=f"p{i}", kind="box", center=(x, y, 0.87), size=(0.45, 0.3, 1.74), material="wood")
        for i, (x, y) in enumerate(people)
    ]
    everything = site.model_copy(update={"scene": [*site.scene, *bodies]})
    return returns(surface_meshes(everything), seed, origin, beams, columns)


def returns(
    meshes: Sequence[SurfaceMesh],
    seed: int,
    origin: Float[np.ndarray, " 3"],
    beams: int,
    columns: int,
) -> Float[np.ndarray, "n 3"]:
    draw = np.random.default_rng(seed)
    rise = np.repeat(np.deg2rad(np.linspace(-70, 10, beams)), columns)
    azimuth = np.tile(np.arange(columns) * 2 * np.pi / columns, beams)
    azimuth = azimuth + draw.uniform(0, 2 * np.pi / columns)
    level = np.cos(rise)
    way = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(rise)], axis=1)
    distance = TriangleTree(meshes).first_hit(np.tile(origin, (len(way), 1)), way)
    found = np.isfinite(distance)
    noisy = distance[found] + NOISE * draw.standard_normal(found.sum())
    return np.asarray(origin + noisy[:, None] * way[found])
