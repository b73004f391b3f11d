"""Known paths with other fields, of other materials or another law: no ray is shot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.constants import speed_of_light

from visrftwin_ros.propagation.fields.fresnel_coefficients import (
    SurfaceElectrics,
    slab_coefficients,
)
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, REFRACTION, SPECULAR, PathSet
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene, SurfaceFields


@dataclass(frozen=True, eq=False)
class TracedPaths:
    """Paths as the tracer found them, in `scene`."""

    paths: PathSet
    scene: ReplayScene

    def within(self, scene: ReplayScene) -> PathSet:
        """Them over the same surfaces in the same places, of the materials that `scene` has.

        Always from what was traced, so that it does not matter what the materials were between.
        """
        return self.paths if scene is self.scene else revalued(self.paths, self.scene, scene)


def revalued(paths: PathSet, old: SurfaceFields, new: SurfaceFields) -> PathSet:
    """`paths` of the scene `old` with the fields that they have in `new`, of equal geometry.

    Reflected, refracted and diffracted fields are computed afresh. One with a diffuse reflection
    is scaled by what each interaction's coefficients, averaged over the polarisations, changed;
    a surface that did not scatter has no such paths until the next solve.
    """
    touched = np.isin(paths.objects, _changed(old.electrics, new.electrics)).any(axis=1)
    return _with_fields(paths, np.flatnonzero(touched), old, new)


def by_our_law(paths: PathSet, scene: SurfaceFields) -> PathSet:
    """What Sionna RT found in `scene` with our fields, as moving receivers have them.

    As in `revalued`, from Sionna's law to ours: slabs of a spread of thickness, Luebbers' signs and
    the true distances at edges, air. Where an edge is not among the surface's own, as where more than
    two of its faces meet, the path keeps the solver's field.
    """
    return _with_fields(paths, np.arange(len(paths)), scene.as_sionna_has_it, scene)


def _with_fields(
    paths: PathSet, rows: Int[np.ndarray, " n"], old: SurfaceFields, new: SurfaceFields
) -> PathSet:
    """`paths` with the fields of `rows` in `new` instead of `old`."""
    random = (paths.interactions[rows] == DIFFUSE).any(axis=1)
    transfer = paths.transfer.copy()
    chains = Chains.of(paths, rows[~random], new)
    known = chains.evaluated
    transfer[chains.rows[known]] = chains.fields(new)[known]
    some = rows[random]
    factor = np.exp((old.decay - new.decay) * speed_of_light * paths.delay[some])
    for d in range(paths.depth):
        before, after = (mean_strength(paths, some, d, scene) for scene in (old, new))
        factor *= np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    transfer[some] *= factor[:, None, None]
    return replace(paths, transfer=transfer)


def _changed(old: SurfaceElectrics, new: SurfaceElectrics) -> Int[np.ndarray, " k"]:
    pairs = zip(vars(old).values(), vars(new).values(), strict=True)
    return np.flatnonzero(np.any([before != after for before, after in pairs], axis=0))


def mean_strength(
    paths: PathSet, rows: Int[np.ndarray, " n"], d: int, scene: SurfaceFields
) -> Float[np.ndarray, " n"]:
    """Root mean square of the two polarisations' amplitudes at interaction `d`."""
    electrics = scene.electrics
    kind, surface = paths.interactions[rows, d], paths.objects[rows, d]
    incoming = paths.vertices[rows, d + 1] - paths.vertices[rows, d]
    length = np.maximum(np.linalg.norm(incoming, axis=1), 1e-9)
    cosine = np.abs((incoming * paths.normals[rows, d]).sum(axis=1)) / length
    te, tm, through_te, through_tm = slab_coefficients(
        np.maximum(cosine, 1e-6),
        *electrics.slabs(surface),
        scene.wavelength,
    )
    reflected = np.sqrt((np.abs(te) ** 2 + np.abs(tm) ** 2) / 2)
    passed = np.sqrt((np.abs(through_te) ** 2 + np.abs(through_tm) ** 2) / 2)
    smooth = electrics.smoothness[surface]
    return np.select(
        [kind == SPECULAR, kind == REFRACTION, kind == DIFFUSE],
        [reflected * smooth, passed, reflected * np.sqrt(np.maximum(1 - smooth**2, 0))],
        1.0,
    )
