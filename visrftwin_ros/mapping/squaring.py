"""The upright of a place and the common directions of its walls, and planes turned to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.planes import Plane, with_spread
from visrftwin_ros.mapping.thinning import Cloud

_NEAR_UP = np.cos(np.deg2rad(40.0))
"""Between what a source takes for up and the floor's normal, at most: a camera is held about level."""
_TURN = np.deg2rad(3.0)
"""By which a plane is turned at most."""
_WORSE = 0.01
"""m by which a plane's `sd` may grow where it is turned: else it is as crooked as it looks."""


def upright(planes: Sequence[Plane], up: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """The turn that takes the normal of floors and table tops to +z, and the largest wall's to +x or -x.

    up: a rough guess. Raises TwinError where no plane lies about across it.
    """
    up = up / np.linalg.norm(up)
    level = [plane for plane in planes if abs(plane.normal @ up) > _NEAR_UP]
    if not level:
        raise TwinError(
            "no floor, ceiling or table top in the scan, so that nothing says which way is up: take one "
            "into the views"
        )
    ways = np.array([plane.normal * np.sign(plane.normal @ up) for plane in level])
    sizes = np.array([float(len(plane.rows)) for plane in level])
    # A sloping top counts little: all are weighed by how well they agree with the largest.
    weight = sizes * (ways @ ways[np.argmax(sizes)] > np.cos(_TURN))
    normal = weight @ ways
    normal /= np.linalg.norm(normal)
    turn = Rotation.align_vectors([[0, 0, 1]], [normal])[0]
    walls = [plane for plane in planes if abs(plane.normal @ normal) < np.sin(_TURN)]
    if walls:
        wall = turn.apply(max(walls, key=lambda plane: len(plane.rows)).normal)
        turn = Rotation.from_euler("z", -_quarter(np.arctan2(wall[1], wall[0]))) * turn
    return np.asarray(turn.as_matrix())


def walls_direction(planes: Sequence[Plane]) -> float:
    """Angle of the walls' common direction from +x, rad in -pi/4 to pi/4, z being up; 0 without walls.

    The mean, by size, over four times the angles, of walls that lie within some degrees of the largest's
    and across it.
    """
    walls = [plane for plane in planes if abs(plane.normal[2]) < np.sin(_TURN)]
    if not walls:
        return 0.0
    angles = np.array([np.arctan2(wall.normal[1], wall.normal[0]) for wall in walls])
    sizes = np.array([float(len(wall.rows)) for wall in walls])
    votes = np.array([sizes[np.abs(_quarter(angles - angle)) < _TURN].sum() for angle in angles])
    off = _quarter(angles - angles[np.argmax(votes)])
    close = np.abs(off) < _TURN
    main = angles[np.argmax(votes)] + np.average(off[close], weights=sizes[close])
    return float(_quarter(main))


def squared(plane: Plane, cloud: Cloud, direction: float) -> Plane:
    """The plane turned to the horizontal, or to the vertical and to the walls' `direction` [rad] where it
    is near them and its points stay as near to it."""
    x, y, z = plane.normal
    for normal in _square_normals(np.array([x, y, z]), direction):
        if normal @ plane.normal < np.cos(_TURN):
            continue
        offset = float(np.median(cloud.points[plane.rows] @ normal))
        turned = with_spread(replace(plane, normal=normal, offset=offset, snapped=True), cloud)
        if turned.sd < plane.sd + _WORSE:
            return turned
    return plane


def _square_normals(
    normal: Float[np.ndarray, " 3"], direction: float
) -> list[Float[np.ndarray, " 3"]]:
    """What a normal may be turned to, the squarest first."""
    if abs(normal[2]) > np.cos(_TURN):
        return [np.array([0.0, 0.0, np.sign(normal[2])])]
    if abs(normal[2]) > np.sin(_TURN):
        return []
    angle = np.arctan2(normal[1], normal[0])
    found = [angle - _quarter(angle - direction), angle]
    return [np.array([np.cos(a), np.sin(a), 0.0]) for a in found]


def _quarter(angle: Any) -> Any:
    """The same direction, but for quarter turns, in -pi/4 to pi/4."""
    return (np.asarray(angle) + np.pi / 4) % (np.pi / 2) - np.pi / 4
