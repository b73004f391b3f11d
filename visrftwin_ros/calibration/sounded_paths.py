"""The paths of soundings, traced once, and their powers as the materials change.

The fields are those of the live twin after a change of material: reflected, refracted and diffracted
ones by the laws of `propagation/fields`, exactly; scattered ones by what each surface's mean
coefficients changed. Which paths there are does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Int32
from scipy.constants import speed_of_light

from visrftwin_ros.calibration.material_parameters import MaterialParameters
from visrftwin_ros.calibration.soundings import Soundings
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    DIFFUSE,
    PathSet,
    concatenated,
    lengths,
    squared_magnitude,
)
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.material_update import mean_strength
from visrftwin_ros.propagation.replay.replay_scene import SurfaceFields
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site

_PLACES_A_SOLVE = 8
"""Bounds the memory of one solve."""
FAINT = 1e-2
"""Share of a sounding's power that the paths which are left out may hold."""
_DRAWS = 8
"""Of materials that are likely before, for which that must hold."""
_STEP = 1e-5
"""Of the numbers of `MaterialParameters`, by which slopes are taken."""

Progress = Callable[[int, int], None]


def traced_paths_of(
    soundings: Soundings,
    site: Site,
    meshes: tuple[SurfaceMesh, ...],
    folder: Path | None,
    progress: Progress | None = None,
    device: Device = "auto",
) -> PathSet:
    """The paths of every sounding, which is the link of its number; seconds a sounding.

    folder: where solved paths are kept (None: nowhere). Raises TwinError where the tracer fails.
    """
    found: dict[int, PathSet] = {}
    for ap in site.access_points:
        alone = site.model_copy(update={"access_points": [ap]})
        discovery = Discovery(alone, meshes, folder, device)
        rows = [i for i, tx in enumerate(soundings.tx) if tx == ap.name]
        for first in range(0, len(rows), _PLACES_A_SOLVE):
            batch = rows[first : first + _PLACES_A_SOLVE]
            names = tuple(f"place {k}" for k in range(len(batch)))
            paths = discovery.paths_to(Devices(names, soundings.position[batch]))
            for k, row in enumerate(batch):
                found[row] = one_link(paths, k)
            if progress is not None:
                progress(len(found), len(soundings))
    return concatenated([found[row] for row in range(len(soundings))])


def one_link(paths: PathSet, link: int) -> PathSet:
    """The paths of one of the links alone."""
    own = paths.select(np.arange(paths.offsets[link], paths.offsets[link + 1]))
    return replace(own, links=paths.links[link : link + 1], link=np.zeros(len(own), np.int32))


@dataclass(frozen=True)
class RevaluedPaths:
    """Paths whose powers are computed for other materials, all that does not depend on these once.

    scene: in which they were traced. chains: those without a diffuse reflection; rows of the others
    are `scattered`, whose product of mean coefficients in `scene` is `before`.
    """

    paths: PathSet
    scene: SurfaceFields
    chains: Chains
    scattered: Int[np.ndarray, " s"]
    before: Float[np.ndarray, " s"]

    @classmethod
    def of(cls, paths: PathSet, scene: SurfaceFields) -> RevaluedPaths:
        random = (paths.interactions == DIFFUSE).any(axis=1)
        scattered = np.flatnonzero(random)
        chains = Chains.of(paths, np.flatnonzero(~random), scene)
        return cls(paths, scene, chains, scattered, _strengths(paths, scattered, scene))

    def take(self, rows: Int[np.ndarray, " k"]) -> RevaluedPaths:
        """The paths `rows`, ascending."""
        place = np.full(len(self.paths), -1)
        place[rows] = np.arange(len(rows))
        own, scattered = place[self.chains.rows] >= 0, place[self.scattered] >= 0
        columns = {f.name: getattr(self.chains, f.name)[own] for f in fields(Chains)}
        chains = Chains(**{**columns, "rows": place[columns["rows"]]})
        return RevaluedPaths(
            self.paths.select(rows),
            self.scene,
            chains,
            place[self.scattered[scattered]],
            self.before[scattered],
        )

    def power(self, scene: SurfaceFields) -> Float[np.ndarray, " paths"]:
        """Power gains between vertically polarised isotropic antennas in `scene`, of equal geometry."""
        power = self.paths.power.copy()
        known = self.chains.evaluated
        field = self.chains.fields(scene)[known, 0, 0]
        power[self.chains.rows[known]] = squared_magnitude(field)
        after = _strengths(self.paths, self.scattered, scene)
        factor = np.divide(after, self.before, out=np.zeros_like(after), where=self.before > 0)
        power[self.scattered] *= factor**2
        return power


def _strengths(
    paths: PathSet, rows: Int[np.ndarray, " s"], scene: SurfaceFields
) -> Float[np.ndarray, " s"]:
    """The product of the mean coefficients along each."""
    product = np.ones(len(rows))
    for d in range(paths.depth):
        product *= mean_strength(paths, rows, d, scene)
    return product


@dataclass(frozen=True, eq=False)
class SoundedPaths:
    """The paths of N soundings as functions of K numbers of the scene's materials.

    revalued: the paths, whose link is the sounding. meshes: as traced.
    """

    revalued: RevaluedPaths
    meshes: tuple[SurfaceMesh, ...]
    parameters: MaterialParameters

    @classmethod
    def of(
        cls,
        paths: PathSet,
        meshes: tuple[SurfaceMesh, ...],
        frequency: float,
        learnt: Collection[str] | None = None,
    ) -> SoundedPaths:
        """Of traced paths, without those that are faint with all materials that are likely before;
        learnt: names of the surfaces whose materials are free, None for all."""
        scene, parameters = SurfaceFields(meshes, frequency), MaterialParameters.of(meshes, learnt)
        every = cls(RevaluedPaths.of(paths, scene), meshes, parameters)
        rng = np.random.default_rng(0)
        draws = parameters.mean + parameters.sd * rng.standard_normal((_DRAWS, len(parameters)))
        kept = np.zeros(len(paths), bool)
        for numbers in (parameters.mean, *draws):
            kept |= _strongest(paths.link, every.power(numbers))
        return replace(every, revalued=every.revalued.take(np.flatnonzero(kept)))

    def take(self, soundings: Int[np.ndarray, " n"]) -> SoundedPaths:
        """The paths of those soundings, ascending numbers, which become 0, 1, ..."""
        rows = np.flatnonzero(np.isin(self.paths.link, soundings))
        own = self.revalued.take(rows)
        links = tuple(self.paths.links[i] for i in soundings)
        number = np.searchsorted(soundings, own.paths.link).astype(np.int32)
        paths = replace(own.paths, links=links, link=number)
        return replace(self, revalued=replace(own, paths=paths))

    @property
    def paths(self) -> PathSet:
        """All of them."""
        return self.revalued.paths

    def __len__(self) -> int:
        return len(self.paths.links)

    @cached_property
    def excess_delay(self) -> Float[np.ndarray, " paths"]:
        """Seconds after the straight line between the ends."""
        straight = lengths(self.paths.vertices[:, -1] - self.paths.vertices[:, 0])
        return np.asarray(self.paths.delay - straight / speed_of_light)

    @cached_property
    def meets(self) -> Bool[np.ndarray, "soundings surfaces"]:
        """Whether a path of the sounding meets the surface."""
        met = np.zeros((len(self), len(self.meshes)), bool)
        row, d = np.nonzero(self.paths.objects >= 0)
        met[self.paths.link[row], self.paths.objects[row, d]] = True
        return met

    def power(self, numbers: Float[np.ndarray, " k"]) -> Float[np.ndarray, " paths"]:
        """Of every path, with the materials of `numbers`."""
        return self.revalued.power(self._scene_at(numbers))

    def power_slopes(
        self, numbers: Float[np.ndarray, " k"]
    ) -> tuple[tuple[Int[np.ndarray, " p"], Float[np.ndarray, " p"]], ...]:
        """Of each of the K numbers: the paths that meet its surfaces, and by how much their powers grow
        with it (differences of the law itself)."""
        here = self.power(numbers)
        slopes = []
        for k, step in enumerate(_STEP * np.eye(len(numbers))):
            rows, touched = self._of_material[int(self.parameters.material[k])]
            there = touched.power(self._scene_at(numbers + step))
            slopes.append((rows, (there - here[rows]) / _STEP))
        return tuple(slopes)

    def _scene_at(self, numbers: Float[np.ndarray, " k"]) -> SurfaceFields:
        return self.revalued.scene.with_materials(self.parameters.meshes_at(numbers, self.meshes))

    @cached_property
    def _of_material(self) -> tuple[tuple[Int[np.ndarray, " p"], RevaluedPaths], ...]:
        """By material: the paths that meet a surface of it."""
        found = []
        for material in range(len(self.parameters.materials)):
            surfaces = np.flatnonzero(self.parameters.of_surface == material)
            rows = np.flatnonzero(np.isin(self.paths.objects, surfaces).any(axis=1))
            found.append((rows, self.revalued.take(rows)))
        return tuple(found)


def _strongest(
    link: Int32[np.ndarray, " paths"], power: Float[np.ndarray, " paths"]
) -> Bool[np.ndarray, " paths"]:
    """The fewest paths of each link that hold all but FAINT of its power."""
    order = np.lexsort((power, link))
    weak_first = np.cumsum(power[order])
    total = np.bincount(link, power)
    before = np.cumsum(total) - total
    kept = np.empty(len(link), bool)
    kept[order] = weak_first - before[link[order]] > FAINT * total[link[order]]
    return kept
