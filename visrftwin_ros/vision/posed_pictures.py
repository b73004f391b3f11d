"""A picture, and from where it was taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.cameras.pinhole import CameraModel


@dataclass(frozen=True)
class PosedPicture:
    """bgr: the image of `camera`, whose pose is in the map's frame. name: for reports."""

    name: str
    camera: CameraModel
    bgr: UInt8[np.ndarray, "h w 3"]

    def turned(self, turn: Float[np.ndarray, "3 3"]) -> PosedPicture:
        """The same picture of a world to all of whose places `turn` was applied."""
        camera = self.camera
        rotation: Float[np.ndarray, "3 3"] = camera.rotation @ turn.T
        return replace(self, camera=replace(camera, rotation=rotation))  # type: ignore[type-var]


def apart(
    pictures: list[tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]],
    most: int,
) -> list[int]:
    """Which of the pictures, each of a place m and the direction that it looks in, to keep: at most `most`,
    each the farthest from those kept before (Gonzalez, 1985); a right angle counts as two metres."""
    if not pictures:
        return []
    spots = np.array([np.concatenate([place, np.sqrt(2) * ahead]) for place, ahead in pictures])
    kept = [0]
    away = np.linalg.norm(spots - spots[0], axis=1)
    while len(kept) < min(most, len(spots)) and away.max() > 0:
        kept.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(spots - spots[kept[-1]], axis=1))
    return sorted(kept)
