"""How far a place is off its survey: walls moved and turned, access points not where the site says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.site.model import AccessPoint, Box, Ground, Surface, Vector3


@dataclass(frozen=True)
class SurveyErrors:
    """wall: m, least and most by which a wall, a floor or a ceiling is moved across itself; turn: rad,
    most by which a wall is turned about the vertical. thickness: factors between which its thickness
    lies. access_point: m, standard deviation of each coordinate so that the distance is 5 cm in the
    root mean square; bearing: rad, of yaw and of pitch."""

    wall: tuple[float, float] = (0.01, 0.05)
    turn: float = np.deg2rad(1.0)
    thickness: tuple[float, float] = (0.6, 1.5)
    access_point: float = 0.05 / np.sqrt(3)
    bearing: float = np.deg2rad(2.0)


_LONGER = 0.4
"""Metres that a turned wall is longer, so that corners stay shut."""
_CLEAR = 0.04
"""Metres between an access point and the nearest box, at least."""


def built_walls(
    scene: Sequence[Surface],
    walls: Mapping[str, Sequence[str]],
    errors: SurveyErrors,
    rng: np.random.Generator,
) -> list[Surface]:
    """`scene` with its walls where they really are. walls: by the name of a wall, or of a horizontal
    surface, what is fixed to it and goes along."""
    built = {surface.name: surface for surface in scene}
    for name, attached in walls.items():
        size, sign = rng.uniform(*errors.wall), rng.choice([-1.0, 1.0])
        turn, side = rng.uniform(-errors.turn, errors.turn), rng.uniform(*errors.thickness)
        wall = built[name]
        if isinstance(wall, Ground):
            # What stands on a floor would hang in the air or sink in: ceilings only are moved.
            up = 0.0 if wall.center[2] <= 0 else sign * size
            built[name] = wall.model_copy(update={"center": _sum(wall.center, (0.0, 0.0, up))})
            continue
        assert isinstance(wall, Box)
        across = int(wall.size[1] <= wall.size[0])  # the axis of the box through its thickness
        c, s = np.cos(wall.yaw), np.sin(wall.yaw)
        normal = np.array([[c, s], [-s, c]])[across]
        shift = np.append(sign * size * normal, 0.0)
        for part in (name, *attached):
            box = built[part]
            assert isinstance(box, Box)
            built[part] = _turned(box, wall.center, turn, shift)
        thick = list(wall.size)
        if thick[across] < 0.5:
            thick[across] *= side
        thick[1 - across] += _LONGER
        moved = built[name]
        assert isinstance(moved, Box)
        # The face towards the middle of the place stays on its plane.
        inwards = np.sign(np.dot(normal, _middle(scene) - np.array(wall.center[:2]))) * normal
        back = inwards * (wall.size[across] - thick[across]) / 2
        c, s = np.cos(turn), np.sin(turn)
        built[name] = moved.model_copy(
            update={
                "center": _sum(moved.center, (*(np.array([[c, -s], [s, c]]) @ back), 0.0)),
                "size": (float(thick[0]), float(thick[1]), float(thick[2])),
            }
        )
    return list(built.values())


def true_access_points(
    access_points: Sequence[AccessPoint],
    scene: Sequence[Surface],
    errors: SurveyErrors,
    rng: np.random.Generator,
) -> list[AccessPoint]:
    """Where they hang and look in truth, in nobody's way."""
    found = []
    for ap in access_points:
        place = np.array(ap.position)
        for _ in range(100):
            tried = np.array(ap.position) + rng.normal(0, errors.access_point, 3)
            if not any(_within(box, tried) for box in scene if isinstance(box, Box)):
                place = tried
                break
        yaw, pitch = rng.normal(0, errors.bearing, 2)
        found.append(
            ap.model_copy(
                update={
                    "position": _vector(place),
                    "yaw": ap.yaw + float(yaw),
                    "pitch": ap.pitch + float(pitch),
                }
            )
        )
    return found


def _middle(scene: Sequence[Surface]) -> NDArray[np.float64]:
    first = next(s for s in scene if isinstance(s, Ground))
    return np.array(first.center[:2])


def _turned(box: Box, pivot: Vector3, turn: float, shift: NDArray[np.float64]) -> Box:
    c, s = np.cos(turn), np.sin(turn)
    place = np.array([[c, -s], [s, c]]) @ np.subtract(box.center[:2], pivot[:2]) + pivot[:2]
    center = np.append(place, box.center[2]) + shift
    return box.model_copy(update={"center": _vector(center), "yaw": box.yaw + turn})


def _within(box: Box, point: NDArray[np.float64]) -> bool:
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    off = point - np.array(box.center)
    local = np.array([c * off[0] + s * off[1], -s * off[0] + c * off[1], off[2]])
    return bool((np.abs(local) < np.array(box.size) / 2 + _CLEAR).all())


def _sum(one: Vector3, other: Sequence[float]) -> Vector3:
    return _vector(np.add(one, other))


def _vector(values: NDArray[np.float64]) -> Vector3:
    return (float(values[0]), float(values[1]), float(values[2]))
