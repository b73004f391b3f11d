"""The materials of a map's surfaces, as far as pictures tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.site.model import MaterialEntry
from visrftwin_ros.vision.embedders import Embedder
from visrftwin_ros.vision.lifting import (
    Looks,
    Progress,
    embedded_crops,
    looks_of_patches,
    planned_crops,
)
from visrftwin_ros.vision.material_heads import Head
from visrftwin_ros.vision.material_posterior import (
    COLUMNS,
    name_of,
    patch_posterior,
    surface_posterior,
)
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.radio_values import RadioValues, radio_values
from visrftwin_ros.vision.surface_patches import Patches, surface_patches
from visrftwin_ros.vision.visible_classes import SCATTERING_LEVELS, UNKNOWN

PATCH = 1.0
"""m across a patch of a surface."""


@dataclass(frozen=True)
class SeenMaterials:
    """What was seen of S surfaces.

    meshes, pictures: that were looked at. patches, looks, of_patch: as `surface_patches`, `looks_of_patches` and
    `patch_posterior` give them. posterior: (S, COLUMNS). values: of each surface. embedder: that looked.
    """

    meshes: tuple[SurfaceMesh, ...]
    pictures: tuple[PosedPicture, ...]
    patches: Patches
    looks: Looks
    of_patch: Float[np.ndarray, "n columns"]
    posterior: Float[np.ndarray, "surfaces columns"]
    values: tuple[RadioValues, ...]
    embedder: str

    @property
    def surfaces(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(mesh.name for mesh in self.meshes)

    def share_seen(self) -> Float[np.ndarray, " surfaces"]:
        """Of each surface's area."""
        seen, area = (
            np.bincount(self.patches.surface, weight, len(self.surfaces))
            for weight in (self.patches.area * (self.looks.crops > 0), self.patches.area)
        )
        return np.asarray(seen / area)

    def names(self) -> tuple[str, ...]:
        """The class of each surface, or UNKNOWN."""
        return tuple(name_of(row) for row in self.posterior)

    def materials(self, frequency: float, thickness: float) -> dict[str, tuple[str, MaterialEntry]]:
        """By surface: the name of its material in the site, and the material.

        Surfaces of one class share one material, that of their mean posterior by area: soundings of one teach
        of all. frequency: Hz. thickness: m, of what is unknown.
        """
        names = self.names()
        area = np.bincount(self.patches.surface, self.patches.area, len(self.surfaces))
        found: dict[str, tuple[str, MaterialEntry]] = {}
        for name in dict.fromkeys(names):
            own = np.array([other == name for other in names])
            mean = np.average(self.posterior[own], axis=0, weights=area[own])
            entry = radio_values(mean, frequency, thickness).entry(frequency)
            called = UNKNOWN if name == UNKNOWN else f"seen_{name}"
            found |= {self.surfaces[i]: (called, entry) for i in np.flatnonzero(own)}
        return found

    def facts(self) -> list[dict[str, object]]:
        """What `materials.json` says of each surface; mean and covariance as `RadioValues` has them."""
        rows = zip(
            self.surfaces, self.names(), self.posterior, self.values, self.share_seen(), strict=True
        )
        return [
            {
                "surface": surface,
                "class": name,
                "confidence": round(float(posterior.max()), 4),
                "posterior": {c: round(float(p), 4) for c, p in zip(COLUMNS, posterior, strict=True)},
                "share_seen": round(float(seen), 3),
                "conductor": round(values.conductor, 4),
                "mean": values.mean.round(4).tolist(),
                "covariance": values.covariance.round(5).tolist(),
                "scattering_levels": {
                    level.example: round(float(p), 4)
                    for level, p in zip(SCATTERING_LEVELS, values.levels, strict=True)
                },
            }
            for surface, name, posterior, values, seen in rows
        ]  # fmt: skip


def seen_materials(
    meshes: Sequence[SurfaceMesh],
    kinds: Sequence[str],
    pictures: Sequence[PosedPicture],
    embedder: Embedder,
    head: Head,
    *,
    frequency: float,
    thickness: float,
    progress: Progress = lambda *_: None,
) -> SeenMaterials:
    """Looks at every surface in every picture that shows it.

    kinds: of the surfaces, as a map has them. frequency: Hz. thickness: m, of what is unknown.
    """
    patches = surface_patches(meshes, PATCH)
    plan = planned_crops(patches, pictures, TriangleTree(meshes))
    crops, embeddings = embedded_crops(patches, pictures, plan, embedder, progress)
    looks = looks_of_patches(patches, crops, embeddings, head)
    of_patch = patch_posterior(patches, looks, kinds)
    posterior = surface_posterior(patches, of_patch, len(meshes))
    return SeenMaterials(
        meshes=tuple(meshes),
        pictures=tuple(pictures),
        patches=patches,
        looks=looks,
        of_patch=of_patch,
        posterior=posterior,
        values=tuple(radio_values(row, frequency, thickness) for row in posterior),
        embedder=embedder.name,
    )
