"""A room of 5 x 4 x 2.5 m with a table and somebody who walks, swept by a LiDAR at places that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.scene.ply_file import ply_of

SIZE = np.array([5.0, 4.0, 2.5])
TABLE = (np.array([3.2, 1.2, 0.0]), np.array([4.4, 2.0, 0.75]))
"""Two corners of a closed box."""
NOISE = 0.01
YAW = 0.3
"""rad, of the room's walls in the world."""
PLACES = np.array(
    [
        [0.7, 0.7, 1.3],
        [1.5, 3.2, 1.3],
        [2.6, 3.0, 1.4],
        [2.0, 1.0, 1.3],
        [4.2, 3.3, 1.4],
        [0.6, 2.4, 1.3],
    ]
)
Vectors = Float[np.ndarray, "n 3"]


def person(sweep: int) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Two corners of somebody who is elsewhere in each sweep."""
    x = 1.0 + 0.55 * sweep
    return np.array([x, 2.2, 0.0]), np.array([x + 0.4, 2.55, 1.75])


def room_scan(seed: int, rays: int = 18_000, walker: bool = True) -> Scan:
    """Sweeps in a world that is turned by YAW about the room's first corner."""
    rng = np.random.default_rng(seed)
    c, s = np.cos(YAW), np.sin(YAW)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    views = []
    for sweep, place in enumerate(PLACES):
        returns = sweep_returns(rng, sweep, rays, walker)
        views.append(((place + returns) @ turn.T, turn @ place))
    return joined(views, up=None, noise=NOISE, source=f"room {seed}", left_out=())


def sweep_returns(rng: np.random.Generator, sweep: int, rays: int, walker: bool) -> Vectors:
    """From the sensor at PLACES[sweep], along the room's axes."""
    place = PLACES[sweep]
    way = rng.normal(size=(rays, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    boxes = [TABLE, person(sweep)] if walker else [TABLE]
    reach = np.minimum(_leaves(place, way), min_over(place, way, boxes))
    return np.asarray((reach + rng.normal(0, NOISE, rays))[:, None] * way)


def room_ply(folder: Path, size: tuple[float, float, float]) -> Path:
    """A closed box of that size, m, as a mesh file."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * size
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    faces += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    file = folder / "room.ply"
    file.write_bytes(ply_of(corners.astype(float), np.array(faces)))
    return file


def to_room(points: Vectors) -> Vectors:
    """Places of the world in the room's own axes."""
    c, s = np.cos(YAW), np.sin(YAW)
    return np.asarray(points @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]))


def min_over(
    place: Float[np.ndarray, " 3"],
    way: Vectors,
    boxes: list[tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]],
) -> Float[np.ndarray, " n"]:
    """m along each ray to the first of some boxes, inf where it meets none (slabs)."""
    nearest = np.full(len(way), np.inf)
    for low, high in boxes:
        first, second = (low - place) / way, (high - place) / way
        enters = np.minimum(first, second).max(axis=1)
        leaves = np.maximum(first, second).min(axis=1)
        hit = (enters < leaves) & (enters > 0)
        nearest = np.where(hit, np.minimum(nearest, enters), nearest)
    return nearest


def _leaves(place: Float[np.ndarray, " 3"], way: Vectors) -> Float[np.ndarray, " n"]:
    """m along each ray to the room's walls, from inside."""
    return np.asarray(np.maximum(-place / way, (SIZE - place) / way).min(axis=1))
