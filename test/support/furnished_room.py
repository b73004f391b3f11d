"""A small room with a table, a cabinet and a door, in which furniture is moved about."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from visrftwin_ros.scene.changes import SceneChange, moved_surface
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box, Site

WIDTH, DEPTH, HEIGHT = 7.0, 5.0, 2.8
ROBOTS = ((1.2, 1.0), (6.2, 1.2), (3.5, 4.2), (5.6, 4.4))
TABLE, CABINET, DOOR = ("table_top", "table_foot"), ("cabinet",), ("door",)
FREE = ((2.0, 3.0), (3.2, 1.5), (4.6, 2.6), (5.2, 3.4), (2.4, 4.0), (4.2, 0.8))
"""Places on the floor where nothing else stands, m."""


def furnished_room(**changes: object) -> Site:
    """Four walls with a doorway, floor and ceiling; the door is shut."""
    slabs = (
        ("south", (WIDTH / 2, -0.05, HEIGHT / 2), (WIDTH, 0.1, HEIGHT)),
        ("north", (WIDTH / 2, DEPTH + 0.05, HEIGHT / 2), (WIDTH, 0.1, HEIGHT)),
        ("west", (-0.05, DEPTH / 2, HEIGHT / 2), (0.1, DEPTH, HEIGHT)),
        ("east_left", (WIDTH + 0.05, 0.9, HEIGHT / 2), (0.1, 1.8, HEIGHT)),
        ("east_right", (WIDTH + 0.05, 3.85, HEIGHT / 2), (0.1, 2.3, HEIGHT)),
        ("lintel", (WIDTH + 0.05, 2.25, 2.4), (0.1, 0.9, 0.8)),
        ("corridor", (WIDTH + 2.05, DEPTH / 2, HEIGHT / 2), (0.1, DEPTH, HEIGHT)),
    )
    boxes = [(*slab, "plasterboard") for slab in slabs] + [
        ("table_top", (2.0, 2.0, 0.73), (1.4, 0.8, 0.04), "wood"),
        ("table_foot", (2.0, 2.0, 0.355), (0.5, 0.3, 0.71), "metal"),
        ("cabinet", (4.5, 4.6, 0.9), (1.0, 0.5, 1.8), "metal"),
        ("door", (WIDTH + 0.02, 2.25, 1.0), (0.04, 0.9, 2.0), "wood"),
    ]
    content: dict[str, object] = {
        "name": "room",
        "propagation": {"samples": 20_000, "max_depth": 3},
        "scene": [
            *(
                {
                    "name": name,
                    "kind": "ground",
                    "center": (WIDTH / 2 + 1, DEPTH / 2, z),
                    "size": (WIDTH + 2, DEPTH),
                    "material": material,
                }
                for name, z, material in (("floor", 0, "concrete"), ("ceiling", HEIGHT, "wood"))
            ),
            *(
                {"name": name, "kind": "box", "center": center, "size": size, "material": material}
                for name, center, size, material in boxes
            ),
        ],
        "access_points": [
            {"name": "ap_a", "position": (0.3, 4.7, 2.3)},
            {"name": "ap_b", "position": (6.7, 0.3, 2.3)},
        ],
        "robots": [
            {"name": f"r{i}", "position": place, "antenna_height": 1.1}
            for i, place in enumerate(ROBOTS)
        ],
    }
    return Site.model_validate(content | changes)


def box_of(site: Site, name: str) -> Box:
    """A box of the site."""
    found = next(surface for surface in site.scene if surface.name == name)
    assert isinstance(found, Box)
    return found


def motion(about: tuple[float, float], to: tuple[float, float], turn: float) -> Pose:
    """On the floor: what stood at `about` stands at `to`, turned by `turn` [rad]."""
    rotation = Rotation.from_euler("z", turn)
    pivot = np.array([*about, 0.0])
    return Pose(np.array([*to, 0.0]) - rotation.apply(pivot), rotation)


def moved(site: Site, names: tuple[str, ...], to: tuple[float, float], turn: float) -> SceneChange:
    """A piece of furniture elsewhere; its place is that of its first surface."""
    about = box_of(site, names[0]).center[:2]
    return SceneChange(moved={name: motion(about, to, turn) for name in names})


def opened(site: Site, angle: float) -> SceneChange:
    """The door turned about its hinge, at its northern edge, into the corridor for positive angles."""
    hinge = (box_of(site, "door").center[0], 2.7)
    return SceneChange(moved={"door": motion(hinge, hinge, angle)})


def drawn_move(site: Site, seed: int) -> SceneChange:
    """Table, cabinet or door, moved as the seed has it."""
    draw = np.random.default_rng(seed)
    what = (TABLE, CABINET, DOOR)[seed % 3]
    if what == DOOR:
        return opened(site, float(draw.uniform(0.4, 1.5)))
    place = FREE[draw.integers(len(FREE))]
    return moved(site, what, place, float(draw.uniform(-np.pi, np.pi)))


def rebuilt(site: Site, change: SceneChange) -> Site:
    """The site as somebody would have written it after the change."""
    kept = [s for s in site.scene if s.name not in change.vanished]
    scene = [moved_surface(s, change.moved.get(s.name)) for s in kept]
    return site.model_copy(update={"scene": [*scene, *change.appeared]})
