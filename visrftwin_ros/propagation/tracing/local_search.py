"""Paths of a scene in which a few surfaces came, went or moved: only over those it is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int

from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.fields.fresnel_coefficients import SurfaceElectrics
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.interaction_sequences import new_sequences
from visrftwin_ros.propagation.paths.path_set import (
    DIFFUSE,
    REFRACTION,
    PathSet,
    concatenated,
    empty,
    of_same_links,
    squared_magnitude,
)
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.material_update import by_our_law, mean_strength, revalued
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.faint_paths import faint
from visrftwin_ros.propagation.tracing.mirror_paths import (
    FAINTEST,
    Planes,
    mirror_paths,
)
from visrftwin_ros.scene.changes import numbers_in
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import BOX_FACES, SurfaceMesh, box_corners
from visrftwin_ros.site.model import Box, Propagation

_LARGEST = (30,)
"""Of the largest planes, those that are tried beside the new ones in threes."""
_NOWHERE = np.zeros((0, 3))
_NO_PLANES = (
    *(_NOWHERE, np.zeros(0), _NOWHERE, _NOWHERE),
    *(np.zeros(1, np.int64), np.zeros((0, 3, 3)), np.zeros(0, np.int64)),
)
Rows = Int[np.ndarray, " k"]


def searched_locally(
    known: PathSet,
    old: ReplayScene,
    new: ReplayScene,
    transmitters: Devices,
    receivers: Devices,
    settings: Propagation,
    replayed: bool = False,
) -> PathSet:
    """The paths of `known`, which is of the scene `old`, in the scene `new`, without a ray being shot.

    Links come transmitter first. What met a surface that is gone or stands elsewhere is left out, unless it
    only passed it: then it passes no more. What crosses a surface that is new there passes it, if it has
    interactions left and something comes through. Every path over one or two mirrors, three of the new and
    the largest, or one edge and a mirror (`mirror_paths`, `edge_paths`) joins that meets what is new or
    crosses what is gone. Other paths keep their bits where their materials do. Not found are paths that
    scatter on what is new, and new ones over more mirrors.

    replayed: `known` will be carried to other places, so that what is hidden at one may be seen at another.
    """
    number, added = (np.array(list_, np.intp) for list_ in numbers_in(old.meshes, new.meshes))
    gone = [mesh for mesh, place in zip(old.meshes, number, strict=True) if place < 0]
    before = new.with_electrics(_carried(old.electrics, number, new.electrics))
    met = np.where(known.objects >= 0, number[known.objects], 0) < 0
    passed = met & (known.interactions == REFRACTION)
    moved = replace(
        known,
        objects=np.where(known.objects >= 0, number[known.objects], -1).astype(np.int32),
    )
    untouched = ~met.any(axis=1)
    blocked = crosses(moved, [new.meshes[i] for i in added])
    kept = untouched & ~blocked
    if replayed:
        # Chains are tested again wherever they are carried; of what scatters only the last piece is.
        kept = untouched & ~(blocked & (known.interactions == DIFFUSE).any(axis=1))
    stays = revalued(moved.select(kept), before, new)
    through = (untouched & blocked) | (~untouched & (passed == met).all(axis=1))
    if not (added.size or gone):
        return stays
    found = _found(gone, new, added, transmitters, receivers, settings)
    passing = _passing(known, moved, np.flatnonzero(through), passed, old, new, added, settings)
    return _joined(stays, [found, passing])


def rehearse_local_search(frequency: float, device: Device) -> None:
    """Has all that is compiled at the first search compiled, or loaded."""
    wood = material_values("wood", frequency)
    square = np.array([[x, y, 0.0] for x in (-9, 9) for y in (-9, 9)])
    floor = SurfaceMesh("floor", square, np.array([[0, 2, 1], [1, 2, 3]]), wood)
    box = Box(name="box", kind="box", center=(0, 0, 0.5), size=(0.5, 0.5, 1), material="wood")
    ends = (
        Devices(("tx",), np.array([[-2.0, 0.1, 1.0]])),
        Devices(("rx",), np.array([[2.0, 0.1, 1.0]])),
    )
    settings = Propagation(max_depth=3)
    scenes = [
        ReplayScene(
            (floor, SurfaceMesh("box", box_corners(box) + (x, 0, 0), BOX_FACES, wood)),
            frequency,
            device,
        )
        for x in (0.0, 1.0)
    ]
    nothing = empty((("tx", "rx"),), settings.max_depth)
    one, other = scenes
    known = searched_locally(nothing, one, other, *ends, settings)
    searched_locally(known, other, one, *ends, settings)


def crosses(paths: PathSet, meshes: Sequence[SurfaceMesh]) -> Bool[np.ndarray, " paths"]:
    """Which paths pass through a surface of `meshes`, other than by touching it at a vertex."""
    from visrftwin_ros.propagation.tracing.crossing_loops import crossing_paths

    if not meshes:
        return np.zeros(len(paths), bool)
    planes = Planes.of(meshes)
    return crossing_paths(
        np.ascontiguousarray(paths.vertices), paths.n_vertices, *_geometry(planes)
    )


def _geometry(
    planes: Planes,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return planes.normal, planes.level, planes.low, planes.high, planes.first, planes.triangles


def _carried(
    old: SurfaceElectrics, number: Int[np.ndarray, " surfaces"], new: SurfaceElectrics
) -> SurfaceElectrics:
    """`new` with what `old` says of those surfaces that it has, by their `number` in `new`."""
    there = number >= 0

    def column(name: str) -> np.ndarray:
        values: np.ndarray = getattr(new, name).copy()
        values[number[there]] = getattr(old, name)[there]
        return values

    return SurfaceElectrics(**{name: column(name) for name in vars(new)})


def _passing(
    known: PathSet,
    moved: PathSet,
    rows: Rows,
    passed: Bool[np.ndarray, "paths depth"],
    old: ReplayScene,
    new: ReplayScene,
    added: Int[np.ndarray, " a"],
    settings: Propagation,
) -> PathSet:
    """The paths `rows` without what they passed and with what they pass now, of the fields there."""
    from visrftwin_ros.propagation.tracing.crossing_loops import crossed_again

    start = moved.select(rows)
    if added.size:
        planes = Planes.of([new.meshes[i] for i in added])
        scene = (*_geometry(planes), added[planes.surface])
    else:
        scene = _NO_PLANES
    fits, n_vertices, *built = crossed_again(
        start.vertices,
        start.interactions,
        start.objects,
        start.normals,
        start.n_vertices,
        passed[rows],
        scene,
        settings.refraction,
    )
    vertices, interactions, objects, normals = built
    rows = rows[fits]
    paths = replace(
        start.select(fits),
        vertices=vertices[fits],
        n_vertices=n_vertices[fits],
        interactions=interactions[fits],
        objects=objects[fits],
        normals=normals[fits],
    )
    transfer = np.zeros_like(paths.transfer)
    random = (paths.interactions == DIFFUSE).any(axis=1)
    chains = Chains.of(paths, np.flatnonzero(~random), new)
    transfer[chains.rows[chains.evaluated]] = chains.fields(new)[chains.evaluated]
    some = np.flatnonzero(random)
    factor = np.ones(len(some))
    for d in range(paths.depth):
        was = mean_strength(known, rows[some], d, old)
        factor = np.divide(factor, was, out=np.zeros_like(factor), where=was > 0)
        factor *= mean_strength(paths, some, d, new)
    transfer[some] = paths.transfer[some] * factor[:, None, None]
    paths = replace(paths, transfer=transfer)
    return paths.select(squared_magnitude(transfer).max(axis=(1, 2), initial=0.0) > FAINTEST)


def _found(
    gone: Sequence[SurfaceMesh],
    new: ReplayScene,
    added: Int[np.ndarray, " a"],
    transmitters: Devices,
    receivers: Devices,
    settings: Propagation,
) -> PathSet:
    """What meets a surface that is new there or crosses one that is gone."""
    planes, ends = Planes.of(new.meshes), (transmitters, receivers)
    depth = settings.max_depth
    own = np.isin(planes.surface[planes.mirrors], added)
    mirrors = np.concatenate([planes.mirrors[own], planes.mirrors[~own]])
    among = (len(mirrors), len(mirrors), *(own.sum() + n for n in _LARGEST))
    first = replace(planes, mirrors=mirrors)
    found = [mirror_paths(first, new.meshes, *ends, new.frequency, settings, among)]
    if settings.diffraction and depth:
        found.append(edge_paths(planes, new, *ends, depth))
    paths = of_same_links(found[0].links, found)
    fresh = np.isin(paths.objects, added).any(axis=1) | crosses(paths, gone)
    return by_our_law(paths.select(fresh), new)


def _joined(stays: PathSet, parts: Sequence[PathSet]) -> PathSet:
    """With every path of the `parts` whose sequence of surfaces neither `stays` nor an earlier part has,
    but for the faintest."""
    everything = concatenated([replace(part, links=()) for part in (stays, *parts)])
    everything = replace(everything, links=stays.links)
    joins = np.arange(len(everything)) >= len(stays)
    random = (everything.interactions == DIFFUSE).any(axis=1)
    own, others = np.flatnonzero(~joins & ~random), np.flatnonzero(joins & ~random)
    once = new_sequences(everything, own, others)
    rows = np.concatenate([np.flatnonzero(~joins | random), once])
    rows = np.sort(rows)
    rows = rows[np.argsort(everything.link[rows], kind="stable")]
    paths = everything.select(rows)
    return paths.select(~(faint(paths) & joins[rows]))
