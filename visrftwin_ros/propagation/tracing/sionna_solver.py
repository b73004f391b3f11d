"""Static paths from Sionna RT.

Sionna, Mitsuba and Dr.Jit are imported inside the functions: importing this module costs nothing
and cannot fail for want of LLVM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from math import isqrt
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int32, Integer, Shaped, UInt8

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths import path_set
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.interaction_sequences import each_sequence_once
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.tracer_scene import build_scene
from visrftwin_ros.site.model import Propagation

_KIND_OF_SIONNA = {
    0: path_set.NONE,
    1: path_set.SPECULAR,
    2: path_set.DIFFUSE,
    4: path_set.REFRACTION,
    8: path_set.DIFFRACTION,
}
_MOST_RECEIVERS = 16
"""A solve's memory and its candidates grow with the receivers: more take turns."""
_MOST_LANES = 12_000_000
"""Rays times receivers times depth of a solve: each takes some 30 bytes."""
SLOTS_PER_RECEIVER = 1_000_000
"""Places in Sionna's table of candidates: of two that meet in one place the later is lost.

A furnished room has some thousands of candidates a receiver, which leaves 0.2 % of them lost; at
Sionna's own million in all 4 to 10 % were, of up to an eighth of a link's power.
"""


def traced_paths(
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    frequency: float,
    settings: Propagation,
    device: Device = "auto",
    slots: int = SLOTS_PER_RECEIVER,
) -> PathSet:
    """What Sionna RT finds from every transmitter to every receiver through the scene without people.

    Links come transmitter first: (tx0, rx0), (tx0, rx1), ... ; each path once. slots: of its table
    of candidates, for each receiver. Raises TwinError where the tracer fails.
    """
    links = tuple((tx, rx) for tx in transmitters.names for rx in receivers.names)
    if not links:
        return path_set.empty(links, settings.max_depth)
    for ends in (transmitters, receivers):
        lost = [
            n for n, p in zip(ends.names, ends.positions, strict=True) if not np.isfinite(p).all()
        ]
        if lost:
            raise TwinError(f"no paths to or from {', '.join(lost)}: the position is not finite")
    prepare(device)
    import drjit as dr
    import sionna.rt as rt

    try:
        scene = build_scene(meshes, frequency)
        scene.tx_array = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="VH")
        scene.rx_array = scene.tx_array
        paths = in_turns(
            transmitters,
            receivers,
            settings,
            lambda some, others: _traced(scene, meshes, some, others, settings, slots),
        )
    except (RuntimeError, ValueError, TypeError) as error:
        cause: BaseException | None = error
        while cause is not None:  # Dr.Jit's loops turn a Ctrl-C into a RuntimeError of their own.
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            cause = cause.__cause__
        raise TwinError(f"Sionna RT could not solve {len(links)} link(s): {error}") from error
    finally:
        # Dr.Jit would keep what a solve took, a gigabyte and more, for one that may never come.
        dr.flush_malloc_cache()
    return each_sequence_once(paths)


def next_prime(number: int) -> int:
    """The least prime that is at least `number`."""
    candidate = max(number, 2)
    while any(candidate % d == 0 for d in range(2, isqrt(candidate) + 1)):
        candidate += 1
    return candidate


def solver_version() -> str:
    """Part of a cache's fingerprint: another tracer may find other paths."""
    return f"sionna-rt {version('sionna-rt')}, up to five mirrors, an edge and a mirror, none faint"


def in_turns(
    transmitters: Devices,
    receivers: Devices,
    settings: Propagation,
    paths_between: Callable[[Devices, Devices], PathSet],
) -> PathSet:
    """`paths_between` every transmitter and every receiver, asked for as many at a time as the
    memory bears.

    Links come transmitter first, in what it answers as here.
    """
    links = tuple((tx, rx) for tx in transmitters.names for rx in receivers.names)
    number = np.arange(len(links), dtype=np.int32).reshape(-1, len(receivers.names))
    turns = _turns(len(receivers.names), _MOST_RECEIVERS)
    each = settings.samples * max(settings.max_depth, 1) * max(len(turn) for turn in turns)
    parts = []
    for some in _turns(len(transmitters.names), max(_MOST_LANES // each, 1)):
        for others in turns:
            part = paths_between(_those(transmitters, some), _those(receivers, others))
            own = number[np.ix_(some, others)].ravel()
            parts.append(replace(part, links=links, link=own[part.link]))
    return path_set.of_same_links(links, parts)


def _turns(count: int, most: int) -> list[Int[np.ndarray, " n"]]:
    """At most so many numbers at a time, in turns of almost one size: each size compiles anew."""
    return np.array_split(np.arange(count), -(-count // most))


def _those(devices: Devices, numbers: Int[np.ndarray, " n"]) -> Devices:
    return Devices(tuple(devices.names[i] for i in numbers), devices.positions[numbers])


def _traced(
    scene: Any,
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    settings: Propagation,
    slots: int,
) -> PathSet:
    """Their paths, without duplicates."""
    import sionna.rt as rt
    from sionna.rt.path_solvers.sb_candidate_generator import SBCandidateGenerator

    most = max(100_000, settings.samples * 4)
    # A prime: with a size of many factors, candidates fall on few of its places.
    size = next_prime(max(most, slots * len(receivers.names)))
    SBCandidateGenerator.MIN_SPEC_COUNT_SIZE = size
    devices = [
        kind(f"{end} {name}", place.tolist())
        for kind, end, ends in (
            (rt.Transmitter, "tx", transmitters),
            (rt.Receiver, "rx", receivers),
        )
        for name, place in zip(ends.names, ends.positions, strict=True)
    ]
    for device in devices:
        scene.add(device)
    # Equal input must give equal paths, on line and off line.
    found = rt.PathSolver(deterministic=True)(
        scene,
        max_depth=settings.max_depth,
        samples_per_src=settings.samples,
        max_num_paths_per_src=most,
        synthetic_array=True,
        los=True,
        specular_reflection=True,
        diffuse_reflection=settings.diffuse,
        refraction=settings.refraction,
        diffraction=settings.diffraction,
        seed=settings.seed,
    )
    paths = _path_set(found, scene, meshes, transmitters, receivers, settings.max_depth)
    for device in devices:
        scene.remove(device.name)
    return paths


def _path_set(
    found: Any,
    scene: Any,
    meshes: Sequence[SurfaceMesh],
    transmitters: Devices,
    receivers: Devices,
    depth: int,
) -> PathSet:
    """Gathers Sionna's padded tensors [rx, tx, path] into one row a path."""
    valid = np.array(found.valid).transpose(1, 0, 2)  # tx, rx, path
    tx, rx, _ = picked = np.nonzero(valid)
    if not len(tx):
        return path_set.empty((), depth)
    amplitude = np.array(found.a[0]) + 1j * np.array(found.a[1])
    transfer = amplitude.transpose(2, 0, 4, 1, 3)[picked]

    def by_depth(tensor: Any) -> Shaped[np.ndarray, "p d *rest"]:
        array = np.array(tensor)[:depth]  # Sionna keeps one place even for depth 0.
        return np.moveaxis(array.swapaxes(1, 2), 0, 3)[picked]

    kinds = by_depth(found.interactions)
    ended = np.cumsum(kinds == 0, axis=1) > 0
    interactions = np.zeros((len(tx), depth), np.uint8)
    for theirs, ours in _KIND_OF_SIONNA.items():
        interactions[(kinds == theirs) & ~ended] = ours
    surface_of_id = {scene.objects[m.name].object_id: i for i, m in enumerate(meshes)}
    objects = np.full((len(tx), depth), -1, np.int32)
    ids = by_depth(found.objects)
    for identifier, index in surface_of_id.items():
        objects[(ids == identifier) & ~ended] = index
    n_vertices = (~ended).sum(axis=1).astype(np.int32) + 2
    vertices = np.empty((len(tx), depth + 2, 3))
    vertices[:, 0] = transmitters.positions[tx]
    vertices[:, 1:-1] = by_depth(found.vertices)
    padding = np.arange(depth + 2) >= n_vertices[:, None] - 1
    vertices[padding] = receivers.positions[rx[np.nonzero(padding)[0]]]
    paths = PathSet(
        links=(),
        link=(tx * len(receivers.names) + rx).astype(np.int32),
        vertices=vertices,
        n_vertices=n_vertices,
        interactions=interactions,
        objects=objects,
        normals=_normals(
            meshes, objects, by_depth(found.primitives), interactions, vertices[:, 1:-1]
        ),
        transfer=transfer.astype(complex),
        delay=path_set.path_delay(vertices),
    )
    return path_set.without_duplicates(paths)


def _normals(
    meshes: Sequence[SurfaceMesh],
    objects: Int32[np.ndarray, "p d"],
    primitives: Integer[np.ndarray, "p d"],
    interactions: UInt8[np.ndarray, "p d"],
    points: Float[np.ndarray, "p d 3"],
) -> Float[np.ndarray, "p d 3"]:
    """(P, D, 3): the face's normal, or the direction of the face's edge that diffracts."""
    normals = np.zeros((*objects.shape, 3))
    for index, mesh in enumerate(meshes):
        here = objects == index
        normals[here] = mesh.face_normals[primitives[here]]
        edge = here & (interactions == path_set.DIFFRACTION)
        if edge.any():
            corners = mesh.vertices[mesh.faces[primitives[edge]]]
            along = np.roll(corners, -1, axis=1) - corners
            along /= np.linalg.norm(along, axis=2, keepdims=True)
            from_corner = points[edge][:, None] - corners
            distance = np.linalg.norm(np.cross(from_corner, along), axis=2)
            nearest = distance.argmin(axis=1)
            normals[edge] = along[np.arange(len(nearest)), nearest]
    return normals
