"""Small places, path sets and people for the tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from visrftwin_ros.bodies.people import BOX, Bodies
from visrftwin_ros.propagation.paths import path_set
from visrftwin_ros.propagation.paths.path_set import PathSet, path_delay
from visrftwin_ros.site.model import Site

FREQUENCY = 60.48e9
WAVELENGTH = 299_792_458 / FREQUENCY


def small_site(**changes: object) -> Site:
    """A concrete floor, a brick house and a metal kiosk; two APs, three standing robots."""
    content: dict[str, object] = {
        "name": "small",
        "propagation": {"samples": 20_000, "max_depth": 3},
        "scene": [
            {"name": "floor", "kind": "ground", "size": (60, 60), "material": "concrete"},
            {
                "name": "house",
                "kind": "box",
                "center": (0, 12, 4),
                "size": (20, 6, 8),
                "yaw": 0.1,
                "material": "brick",
            },
            {
                "name": "kiosk",
                "kind": "box",
                "center": (8, -3, 1),
                "size": (1, 4, 2),
                "yaw": 0.5,
                "material": "metal",
            },
        ],
        "access_points": [
            {"name": "ap_a", "position": (0, -10, 3), "yaw": 1.57},
            {"name": "ap_b", "position": (-10, 5, 3), "yaw": -0.5},
        ],
        "robots": [
            {"name": "r1", "position": (5, 4)},
            {"name": "r2", "position": (-5, -3)},
            {"name": "r3", "position": (12, -3)},
        ],
    }
    return Site.model_validate(content | changes)


def people(
    *places: tuple[float, float], ids: tuple[str, ...] = (), heading: float = 0.0, **sizes: float
) -> Bodies:
    """One body at each place (x, y); named p0, p1, ... unless `ids` say otherwise."""
    count = len(places)
    position = np.column_stack([np.array(places, float).reshape(-1, 2), np.zeros(count)])
    return Bodies(
        ids=ids or tuple(f"p{i}" for i in range(count)),
        position=position,
        velocity=np.zeros((count, 3)),
        width=np.full(count, sizes.get("width", 0.45)),
        depth=np.full(count, sizes.get("depth", 0.25)),
        height=np.full(count, sizes.get("height", 1.75)),
        heading=np.full(count, heading),
    )


def boxes(
    *places: tuple[float, float],
    ids: tuple[str, ...] = (),
    heading: float = 0.0,
    material: str = "metal",
    underside: float = 0.0,
    **sizes: float,
) -> Bodies:
    """One box at each place (x, y), of a small car's size unless `sizes` say otherwise."""
    sizes = {"width": 1.7, "depth": 3.6, "height": 1.5} | sizes
    made = people(
        *places, ids=ids or tuple(f"b{i}" for i in range(len(places))), heading=heading, **sizes
    )
    position = made.position + [0, 0, underside]
    count = len(made)
    return replace(made, position=position, material=(material,) * count, shape=(BOX,) * count)


def polylines(
    *lines: list[tuple[float, float, float]], links: tuple[int, ...] = (), gain: float = 1e-4
) -> PathSet:
    """A PathSet of one specular path a line; `links` numbers them (default all link 0)."""
    number = np.array(links or (0,) * len(lines), np.int32)
    names = tuple(("ap", f"r{i}") for i in range(number.max() + 1))
    depth = max(len(line) for line in lines) - 2
    vertices = np.array([[*line, *[line[-1]] * (depth + 2 - len(line))] for line in lines], float)
    kinds = [
        [path_set.SPECULAR] * (len(line) - 2) + [0] * (depth + 2 - len(line)) for line in lines
    ]
    count = len(lines)
    return PathSet(
        links=names,
        link=number,
        vertices=vertices,
        n_vertices=np.array([len(line) for line in lines], np.int32),
        interactions=np.array(kinds, np.uint8).reshape(count, depth),
        objects=np.zeros((count, depth), np.int32),
        normals=np.zeros((count, depth, 3)),
        transfer=np.full((count, 2, 2), gain * np.eye(2), complex),
        delay=path_delay(vertices),
    )
