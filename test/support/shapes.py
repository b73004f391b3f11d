"""Meshes with known outlines and known fields."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.lab.people.burdens import FACES
from visrftwin_ros.lab.people.topology import Topology
from visrftwin_ros.lab.radio.body_truth import Person


def cylinder(radius_x: float, radius_y: float, low: float, high: float, sides: int = 96) -> Person:
    """An upright elliptic cylinder about the z axis, closed."""
    angle = np.arange(sides) * 2 * np.pi / sides
    ring = np.column_stack([radius_x * np.cos(angle), radius_y * np.sin(angle)])
    bottom = np.column_stack([ring, np.full(sides, low)])
    top = np.column_stack([ring, np.full(sides, high)])
    vertices = np.concatenate([bottom, top, [[0, 0, low]], [[0, 0, high]]])
    k = np.arange(sides)
    following = (k + 1) % sides
    faces = np.concatenate(
        [
            np.column_stack([k, following, sides + k]),
            np.column_stack([following, sides + following, sides + k]),
            np.column_stack([following, k, np.full(sides, 2 * sides)]),
            np.column_stack([sides + k, sides + following, np.full(sides, 2 * sides + 1)]),
        ]
    )
    return Person(vertices, Topology.of(faces))


def sphere(radius: float, rings: int = 60) -> Person:
    """About the origin, its triangles turned outwards."""
    theta = np.linspace(0, np.pi, rings + 1)
    phi = np.arange(2 * rings) * np.pi / rings
    grid = np.stack(np.meshgrid(theta, phi, indexing="ij"), axis=-1)
    vertices = radius * np.stack(
        [
            np.sin(grid[..., 0]) * np.cos(grid[..., 1]),
            np.sin(grid[..., 0]) * np.sin(grid[..., 1]),
            np.cos(grid[..., 0]),
        ],
        axis=-1,
    ).reshape(-1, 3)
    row, column = np.meshgrid(np.arange(rings), np.arange(2 * rings), indexing="ij")
    beside = (column + 1) % (2 * rings)
    a, b = row * 2 * rings + column, row * 2 * rings + beside
    c, d = a + 2 * rings, b + 2 * rings
    faces = np.concatenate(
        [np.stack([a, c, d], axis=-1).reshape(-1, 3), np.stack([a, d, b], axis=-1).reshape(-1, 3)]
    )
    flat = np.linalg.norm(
        np.cross(
            vertices[faces[:, 1]] - vertices[faces[:, 0]],
            vertices[faces[:, 2]] - vertices[faces[:, 0]],
        ),
        axis=1,
    )
    return Person(vertices, Topology.of(faces[flat > 1e-12]))


def moved(person: Person, by: tuple[float, float, float]) -> Person:
    return Person(person.vertices + np.array(by), person.mesh)


def box(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Person:
    """From one to the other along each axis, its triangles turned outwards."""
    corners = [
        (a, b, c) for c in z for a, b in ((x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]))
    ]
    return Person(np.array(corners, float), Topology.of(FACES))
