"""A 20 x 15 m furnished lobby with people in it: the place that the benches measure on."""

from __future__ import annotations

import numpy as np
import yaml
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_HEIGHT, BODY_WIDTH, Bodies
from visrftwin_ros.site.model import Site

SIZE = (20.0, 15.0)
WALKING_SPEED = 1.2
DRIVING_SPEED = 0.5
_MARGIN = 0.6
"""Metres that people and robots keep from the walls."""
_ANTENNA_HEIGHT = 1.0

_SURFACES = """
- {name: floor, kind: ground, center: [10, 7.5, 0], size: [20, 15], material: concrete}
- {name: ceiling, kind: ground, center: [10, 7.5, 3.5], size: [20, 15], material: ceiling_board}
- {name: south, kind: box, center: [10, -0.1, 1.75], size: [20, 0.2, 3.5], material: plasterboard}
- {name: north, kind: box, center: [10, 15.1, 1.75], size: [20, 0.2, 3.5], material: plasterboard}
- {name: west, kind: box, center: [-0.1, 7.5, 1.75], size: [0.2, 15, 3.5], material: plasterboard}
- {name: east, kind: box, center: [20.1, 7.5, 1.75], size: [0.2, 15, 3.5], material: glass}
- {name: pillar, kind: box, center: [8, 5, 1.75], size: [0.6, 0.6, 3.5], material: concrete}
- {name: screen, kind: box, center: [12, 10, 1], size: [3, 0.02, 2], material: glass}
- {name: desk, kind: box, center: [5, 12, 0.55], size: [4, 0.8, 1.1], material: wood}
- {name: sofa, kind: box, center: [14, 4, 0.4], size: [2.2, 0.9, 0.8], material: chipboard}
- {name: bench, kind: box, center: [14, 2, 0.4], size: [2.2, 0.9, 0.8], material: chipboard}
- {name: table, kind: box, center: [14, 3, 0.4], size: [1.2, 0.6, 0.04], material: wood}
- {name: counter, kind: box, center: [17, 11, 0.5], size: [0.8, 0.8, 1], material: metal, yaw: 0.4}
"""
_FURNITURE = np.array(
    [(7.7, 4.7, 8.3, 5.3), (10.5, 9.9, 13.5, 10.1), (3, 11.6, 7, 12.4)]
    + [(12.9, 1.5, 15.1, 4.5), (16.4, 10.4, 17.6, 11.6)]
)
"""Floor that furniture takes: x, y from and to, metres."""
_AP_PLACES = [(0.5, 0.5), (19.5, 0.5), (0.5, 14.5), (19.5, 14.5), (10, 0.5)] + [
    (10, 14.5), (0.5, 7.5), (19.5, 7.5), (6, 7.5), (14, 7.5)
]  # fmt: skip


class Crowd:
    """N people or robots that wander over the free floor at constant speed.

    position, velocity: (N, 2) metres and m/s; they turn away from walls and furniture.
    """

    def __init__(self, count: int, speed: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.position = np.array([_free_place(rng) for _ in range(count)]).reshape(-1, 2)
        course = rng.uniform(0, 2 * np.pi, count)
        self.velocity = speed * np.stack([np.cos(course), np.sin(course)], axis=1)

    def step(self, seconds: float) -> None:
        """They walk on; who would run into something turns round on the spot."""
        ahead = self.position + seconds * self.velocity
        stopped = ~_free(ahead)
        self.velocity[stopped] *= -1
        self.position = np.where(stopped[:, None], self.position, ahead)

    def bodies(self) -> Bodies:
        """Them as people."""
        count = len(self.position)
        flat = np.zeros(count)
        return Bodies(
            ids=tuple(f"p{i}" for i in range(count)),
            position=np.column_stack([self.position, flat]),
            velocity=np.column_stack([self.velocity, flat]),
            width=np.full(count, BODY_WIDTH),
            depth=np.full(count, BODY_DEPTH),
            height=np.full(count, BODY_HEIGHT),
            heading=np.arctan2(self.velocity[:, 1], self.velocity[:, 0]),
        )


def lobby(aps: int, robots: NDArray[np.float64], standing: bool = True) -> Site:
    """The lobby with so many access points under the ceiling, and robots at (N, 2) metres.

    Robots that do not stand have no place in the site: they come with each update.
    """
    places = robots.tolist() if standing else [None] * len(robots)
    return Site.model_validate(
        {
            "name": "lobby",
            "scene": yaml.safe_load(_SURFACES),
            "access_points": [
                {"name": f"ap{i}", "position": (*place, 3.0)}
                for i, place in enumerate(_AP_PLACES[:aps])
            ],
            "robots": [
                {"name": f"robot{i}", "position": place, "antenna_height": _ANTENNA_HEIGHT}
                for i, place in enumerate(places)
            ],
        }
    )


def crowded(site: Site, bodies: Bodies, robots: NDArray[np.float64]) -> Site:
    """`site` with its people as boxes of skin in the scene and its robots standing there."""
    boxes = [
        {
            "name": f"body{i}",
            "kind": "box",
            "material": "skin",
            "yaw": float(bodies.heading[i]),
            "center": (*bodies.position[i, :2], bodies.height[i] / 2),
            "size": (bodies.depth[i], bodies.width[i], bodies.height[i]),
        }
        for i in range(len(bodies))
    ]
    placed = [
        robot.model_dump() | {"position": place}
        for robot, place in zip(site.robots, robots.tolist(), strict=True)
    ]
    return Site.model_validate(
        {
            **site.model_dump(exclude={"scene", "robots"}),
            "scene": [surface.model_dump() for surface in site.scene] + boxes,
            "robots": placed,
        }
    )


def _free(places: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = ((places > _MARGIN) & (places < np.array(SIZE) - _MARGIN)).all(axis=-1)
    low, high = _FURNITURE[:, :2] - _MARGIN / 2, _FURNITURE[:, 2:] + _MARGIN / 2
    on = ((places[..., None, :] > low) & (places[..., None, :] < high)).all(axis=-1).any(axis=-1)
    return np.asarray(inside & ~on)


def _free_place(rng: np.random.Generator) -> NDArray[np.float64]:
    while True:
        place = rng.uniform((0, 0), SIZE)
        if _free(place):
            return place
