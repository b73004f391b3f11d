"""A picture, and from where it was taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.site.frames import Pose

SPARE = 3
"""Pictures that are kept while more come, over those that are taken in the end."""


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


def ahead(pose: Pose) -> Float[np.ndarray, " 3"]:
    """Where a camera looks, from the pose of its optical frame."""
    return np.asarray(pose.rotation.apply([0.0, 0.0, 1.0]))


def apart(
    pictures: list[tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]],
    most: int,
) -> list[int]:
    """Which of the pictures, each of a place m and the direction that it looks in, to keep: at most `most`,
    each the farthest from those kept before (Gonzalez, 1985)."""
    if not pictures:
        return []
    spots = np.array([_spot(place, ahead) for place, ahead in pictures])
    kept = [0]
    away = np.linalg.norm(spots - spots[0], axis=1)
    while len(kept) < min(most, len(spots)) and away.max() > 0:
        kept.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(spots - spots[kept[-1]], axis=1))
    return sorted(kept)


Item = TypeVar("Item")


class KeptApart(Generic[Item]):
    """Of what comes one by one, at most `most` items from places apart, without knowing what is yet to come.

    An item nearer than the radius to one that is kept goes; where there are too many the radius doubles
    (Charikar et al., "Incremental clustering and dynamic information retrieval", STOC 1997).
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._radius = 0.0
        self._kept: list[tuple[Float[np.ndarray, " 6"], Item]] = []

    @property
    def items(self) -> list[Item]:
        """Those that are kept, in the order in which they came."""
        return [item for _, item in self._kept]

    def add(
        self, place: Float[np.ndarray, " 3"], ahead: Float[np.ndarray, " 3"], item: Item
    ) -> list[Item]:
        """Takes an item of a place, m, and a direction; which items are kept no longer, be it this one."""
        gone: list[Item] = []
        self._kept.append((_spot(place, ahead), item))
        self._thin(gone)
        while len(self._kept) > self._most:
            self._radius = 2 * self._radius or self._nearest()
            self._thin(gone)
        return gone

    def _thin(self, gone: list[Item]) -> None:
        kept: list[tuple[Float[np.ndarray, " 6"], Item]] = []
        for spot, item in self._kept:
            if all(np.linalg.norm(spot - other) > self._radius for other, _ in kept):
                kept.append((spot, item))
            else:
                gone.append(item)
        self._kept = kept

    def _nearest(self) -> float:
        """m, between any two."""
        spots = [spot for spot, _ in self._kept]
        return min(
            float(np.linalg.norm(a - b)) for k, a in enumerate(spots) for b in spots[k + 1 :]
        )


def _spot(
    place: Float[np.ndarray, " 3"], ahead: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " 6"]:
    """A right angle counts as two metres."""
    return np.concatenate([place, np.sqrt(2) * ahead])
