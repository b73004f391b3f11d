"""The paper's walk (figure 19): one person crosses a 4 m link, by each of our models and others."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_HEIGHT, BODY_WIDTH, Bodies
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude, wavelength_of
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.paths.path_set import PathSet, path_delay
from visrftwin_ros.propagation.people.body_reflection import ellipsoid_bounces
from visrftwin_ros.propagation.people.body_screens import shadows
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel, loss_db
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.tracer_scene import build_scene

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))
from exact_cylinder import field_round_cylinder

Array = NDArray[np.float64]

FREQUENCY = 60e9
LENGTH, LEVEL = 4.0, 1.2
STEP = 0.04
"""Metres: 1.2 m/s seen 30 times a second, which makes 60 steps 2.4 m."""
WAVELENGTH = wavelength_of(FREQUENCY)
ENDS = np.array([[[0.0, 0.0, LEVEL]], [[LENGTH, 0.0, LEVEL]]])


def walker(offset: Array, heading: float = np.pi / 2) -> Bodies:
    """One body for each place `offset` (N,) metres beside the middle of the link."""
    count = len(offset)
    flat = np.zeros(count)
    return Bodies(
        ids=tuple(f"step{i}" for i in range(count)),
        position=np.column_stack([np.full(count, LENGTH / 2), offset, flat]),
        velocity=np.zeros((count, 3)),
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=np.full(count, BODY_HEIGHT),
        heading=np.full(count, heading),
    )


def line_of_sight(ends: Array) -> PathSet:
    """The direct path alone, between `ends` (2, 1, 3)."""
    vertices = np.concatenate(list(ends))[None]
    return PathSet(
        links=(("tx", "rx"),),
        link=np.zeros(1, np.int32),
        vertices=vertices,
        n_vertices=np.full(1, 2, np.int32),
        interactions=np.zeros((1, 0), np.uint8),
        objects=np.zeros((1, 0), np.int32),
        normals=np.zeros((1, 0, 3)),
        transfer=np.eye(2, dtype=complex)[None],
        delay=path_delay(vertices),
    )


def screen_field(
    bodies: Bodies, model: BlockageModel, ends: Array = ENDS, wavelength: float = WAVELENGTH
) -> NDArray[np.complex128]:
    """(N,) E/E0 of the direct path with each body alone on it."""
    segments = path_segments(line_of_sight(ends))
    everyone = np.arange(len(bodies))
    near = shadows(segments, bodies, np.zeros_like(everyone), everyone, wavelength, model)
    field = np.ones(len(bodies), complex)
    field[near.body] = near.field
    return field


def with_bounce_db(bodies: Bodies, model: BlockageModel = "thick") -> Array:
    """(N,) loss of the direct and the BODY path together, their powers added."""
    count = np.arange(len(bodies))
    ends = [np.repeat(end, len(count), axis=0) for end in ENDS]
    bounced = ellipsoid_bounces(ends[0], ends[1], bodies, count, WAVELENGTH)
    gain = np.where(bounced.found, np.abs(bounced.transfer[:, 0, 0]) ** 2, 0.0)
    direct = free_space_amplitude(np.array(LENGTH), WAVELENGTH) ** 2
    return -10 * np.log10(np.abs(screen_field(bodies, model)) ** 2 + gain / direct)


def exact_cylinder_db(offset: Array, radius: float) -> Array:
    """(N,) loss behind a perfectly conducting, endless round cylinder, line source parallel to it."""
    ends = [(np.array([-LENGTH / 2, -y]), np.array([LENGTH / 2, -y])) for y in offset]
    return loss_db(np.array([field_round_cylinder(*e, radius, WAVELENGTH, True) for e in ends]))


def elliptic_mesh(y: float, facets: int = 48) -> SurfaceMesh:
    """A closed body at the middle of the link, walking along y."""
    angle = np.arange(facets) * 2 * np.pi / facets
    ring = np.stack([BODY_WIDTH / 2 * np.cos(angle), BODY_DEPTH / 2 * np.sin(angle)], axis=1)
    ring += [LENGTH / 2, y]
    low, high = (np.column_stack([ring, np.full(facets, z)]) for z in (0.0, BODY_HEIGHT))
    caps = np.array([[LENGTH / 2, y, 0.0], [LENGTH / 2, y, BODY_HEIGHT]])
    i = np.arange(facets)
    j = np.roll(i, -1)
    faces = np.concatenate(
        [
            np.stack([i, j, j + facets], axis=1),
            np.stack([i, j + facets, i + facets], axis=1),
            np.stack([j, i, np.full(facets, 2 * facets)], axis=1),
            np.stack([i + facets, j + facets, np.full(facets, 2 * facets + 1)], axis=1),
        ]
    )
    return SurfaceMesh("body", np.concatenate([low, high, caps]), faces, skin())


def plate_mesh(y: float) -> SurfaceMesh:
    """The body's silhouette as a plate across the link."""
    half = BODY_DEPTH / 2
    corners = [(-half, 0.0), (half, 0.0), (half, BODY_HEIGHT), (-half, BODY_HEIGHT)]
    vertices = np.array([(LENGTH / 2, y + side, z) for side, z in corners])
    return SurfaceMesh("body", vertices, np.array([[0, 1, 2], [0, 2, 3]]), skin())


def skin() -> Any:
    return replace(material_values("skin", FREQUENCY), thickness=0.1)


def sionna_db(mesh: SurfaceMesh) -> float:
    """Loss of all of Sionna's paths together, with first-order diffraction; inf without a path."""
    import sionna.rt as rt

    scene = build_scene((mesh,), FREQUENCY)
    scene.tx_array = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="V")
    scene.rx_array = scene.tx_array
    scene.add(rt.Transmitter("tx", ENDS[0, 0].tolist()))
    scene.add(rt.Receiver("rx", ENDS[1, 0].tolist()))
    paths = rt.PathSolver(deterministic=True)(
        scene,
        max_depth=2,
        samples_per_src=100_000,
        los=True,
        specular_reflection=True,
        diffuse_reflection=False,
        refraction=False,
        diffraction=True,
        edge_diffraction=True,
    )
    amplitude = (np.array(paths.a[0]) + 1j * np.array(paths.a[1])).ravel()
    delay = np.array(paths.tau).ravel()
    if not amplitude.size:
        return float("inf")
    total = (amplitude * np.exp(-2j * np.pi * np.mod(FREQUENCY * delay, 1.0))).sum()
    free = free_space_amplitude(np.array(LENGTH), WAVELENGTH)
    return float(loss_db(np.array([total / free]))[0])


def walk() -> dict[str, Array]:
    """Loss in dB over the 60 steps, by model; `offset` in metres."""
    offset = (np.arange(60) - 30) * STEP
    bodies = walker(offset)
    return {
        "offset": offset,
        "thick": loss_db(screen_field(bodies, "thick")),
        "thick + BODY path": with_bounce_db(bodies),
        "fresnel": loss_db(screen_field(bodies, "fresnel")),
        "metis": loss_db(screen_field(bodies, "metis")),
        "knife_edge": loss_db(screen_field(bodies, "knife_edge")),
        "exact conducting cylinder": exact_cylinder_db(offset, BODY_DEPTH / 2),
        "Sionna, plate": np.array([sionna_db(plate_mesh(y)) for y in offset]),
        "Sionna, closed body": np.array([sionna_db(elliptic_mesh(y)) for y in offset]),
    }
