"""What stands between two points of a world: which soundings have no line of sight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.lab.world.world import World
from visrftwin_ros.site.model import Box, Vector3


def hidden(
    boxes: Sequence[Box], start: Float[np.ndarray, "n 3"], end: Float[np.ndarray, "n 3"]
) -> Bool[np.ndarray, " n"]:
    """Whether some box is met between the points, by the slab test of Kay and Kajiya (1986)."""
    turns = np.array([box.yaw for box in boxes])
    c, s, zero = np.cos(turns), np.sin(turns), np.zeros(len(boxes))
    axes = np.array([[c, -s, zero], [s, c, zero], [zero, zero, zero + 1]])
    centre, half = (np.array([v(box) for box in boxes])[:, None] for v in (_centre, _half))
    near = np.einsum("bnx,xyb->bny", start - centre, axes)
    way = np.einsum("nx,xyb->bny", end - start, axes)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (-half - near) / way, (half - near) / way
    beside = ((np.abs(near) > half) & (way == 0)).any(axis=2)
    enter = np.nan_to_num(np.minimum(first, second), nan=-np.inf).max(axis=2)
    leave = np.nan_to_num(np.maximum(first, second), nan=np.inf).min(axis=2)
    return np.asarray(((enter < leave) & (leave > 0) & (enter < 1) & ~beside).any(axis=0))


def _centre(box: Box) -> Vector3:
    return box.center


def _half(box: Box) -> tuple[float, float, float]:
    return box.size[0] / 2, box.size[1] / 2, box.size[2] / 2


def hidden_links(
    world: World, places: Float[np.ndarray, "k 2"], antenna_height: float
) -> Bool[np.ndarray, "aps k"]:
    """Whether something other than people, glass too, stands between each access point and an antenna
    at `places` (metres)."""
    boxes = [surface for surface in world.true_site.scene if isinstance(surface, Box)]
    ends = np.column_stack([places, np.full(len(places), antenna_height)])
    return np.array(
        [
            hidden(boxes, np.tile(ap.position, (len(ends), 1)), ends)
            for ap in world.true_site.access_points
        ]
    )


def hidden_share(
    world: World, places: Float[np.ndarray, "k 2"], antenna_height: float
) -> Float[np.ndarray, " aps"]:
    """Of the soundings of each access point from `places` (metres), the share without a line of
    sight."""
    return np.asarray(hidden_links(world, places, antenna_height).mean(axis=1))
