"""People who are small in a large picture: how far a network sees them, and parts of the picture to look at
once more, closer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.measurements.feet import Feet

SMALLEST_PERSON = 30.0
"""px of the network's input that a standing person takes up, at least, to be relied upon."""
_STATURE = 1.7
_WIDTH_SHARE = 0.5
"""Metres; and the width of a walker, share of the stature."""
_AT_BORDER = 2.0
"""px from a tile's edge within the picture: a box that comes so near is of part of somebody."""
_DIRECTIONS, _DISTANCES = 181, 40
MOST_TILES = 16


@dataclass(frozen=True)
class Sight:
    """What a network makes of one camera's pictures.

    scale: px of its input a px of the picture. reach: metres over the ground from the camera up to
    which somebody is SMALLEST_PERSON px high in it; nan where the camera's lens is not known.
    tiles: (N, 4) px left, top, right, bottom of the parts that are looked at closer; tile_reach:
    the same metres in those.
    """

    scale: float
    reach: float
    tiles: Int[np.ndarray, "n 4"]
    tile_reach: float

    @classmethod
    def of(cls, camera: CameraModel | None, size: tuple[int, int], imgsz: int, most: int) -> Sight:
        """Of pictures of `size` (width, height) px and a square input of `imgsz` px, with at most so
        many tiles: as few as show the farthest people as large as the picture has them.

        camera: where it stands, so that tiles are where people on the ground are too small for the
        whole picture; None: it moves, and tiles are all over it.
        """
        scale = min(imgsz / max(size), 1.0)
        a_metre = _a_metre(camera)
        reach = a_metre * scale
        region = np.array([0, 0, *size])
        if camera is not None and scale < 1:
            region = _too_small(camera, reach, a_metre)
        tiles = np.zeros((0, 4), int)
        if most and scale < 1 and (region[2:] > region[:2]).all():
            tiles = _tiled(region, imgsz, min(most, MOST_TILES), SMALLEST_PERSON / scale)
        longest = (tiles[:, 2:] - tiles[:, :2]).max() if len(tiles) else max(size)
        closer = min(imgsz / longest, 1.0)
        if closer <= scale:
            return cls(scale, reach, np.zeros((0, 4), int), reach)
        return cls(scale, reach, tiles, a_metre * closer)

    def told(self) -> str:
        """How far people are seen, in words."""
        text = f"sees people up to {self.reach:.0f} m"
        if len(self.tiles):
            text += f", up to {self.tile_reach:.0f} m in {len(self.tiles)} tiles"
        return text


def _a_metre(camera: CameraModel | None) -> float:
    """Metres at which somebody in the middle of the picture is SMALLEST_PERSON px high in it."""
    if camera is None:
        return float("nan")
    middle = np.array(camera.size) / 2
    rays = camera.rays(middle + np.array([[0.0, -0.5], [0.0, 0.5]]))
    up, down = rays / np.linalg.norm(rays, axis=1)[:, None]
    return float(_STATURE / np.linalg.norm(down - up) / SMALLEST_PERSON)


def _too_small(camera: CameraModel, reach: float, farthest: float) -> Int[np.ndarray, " 4"]:
    """px left, top, right, bottom around all who may stand on the ground from `reach` to `farthest` metres
    off; nothing (zeros) where the picture shows nobody there."""
    turn = np.linspace(-np.pi, np.pi, _DIRECTIONS)
    away = np.geomspace(reach, farthest, _DISTANCES)
    place = camera.center[:2] + (
        away[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    ).reshape(-1, 2)
    ends = []
    for height in (0.0, _STATURE):
        pixels, seen = camera.project(np.column_stack([place, np.full(len(place), height)]))
        within = seen & (pixels >= 0).all(axis=1) & (pixels < camera.size).all(axis=1)
        ends.append((pixels, within))
    shown = ends[0][1] & ends[1][1]
    if not shown.any():
        return np.zeros(4, int)
    pixels = np.concatenate([of[shown] for of, _ in ends])
    # Directions are two degrees apart, and people have a width.
    margin = np.array([SMALLEST_PERSON, SMALLEST_PERSON / 2])
    low = np.maximum(np.floor(pixels.min(axis=0) - margin), 0)
    high = np.minimum(np.ceil(pixels.max(axis=0) + margin), camera.size)
    return np.concatenate([low, high]).astype(int)


def _tiled(
    region: Int[np.ndarray, " 4"], imgsz: int, most: int, person: float
) -> Int[np.ndarray, "n 4"]:
    """Tiles over `region`, which overlap by somebody `person` px high: the fewest whose sides are
    `imgsz` px or less, else those of at most `most` whose longer side is shortest."""
    size = region[2:] - region[:2]
    overlap = np.ceil(np.array([_WIDTH_SHARE * person, person]))
    best: tuple[float, int, np.ndarray] | None = None
    for columns in range(1, most + 1):
        for rows in range(1, most // columns + 1):
            number = np.array([columns, rows])
            side = np.minimum(np.ceil((size + (number - 1) * overlap) / number), size)
            key = max(float(side.max()), float(imgsz)), columns * rows
            if best is None or key < best[:2]:
                best = (*key, number)
    assert best is not None
    number = best[2]
    side = np.minimum(np.ceil((size + (number - 1) * overlap) / number), size).astype(int)
    starts = [
        np.round(np.linspace(region[k], region[2 + k] - side[k], number[k])).astype(int)
        for k in (0, 1)
    ]
    left, top = (grid.ravel() for grid in np.meshgrid(*starts))
    return np.stack([left, top, left + side[0], top + side[1]], axis=1)


@dataclass(frozen=True)
class Boxes:
    """N boxes in one picture. corners: (N, 4) px left, top, right, bottom; score: (N,); number: (N,) of their
    classes; feet: where they stand."""

    corners: Float[np.ndarray, "n 4"]
    score: Float[np.ndarray, " n"]
    number: Int[np.ndarray, " n"]
    feet: Feet

    def where(self, kept: Bool[np.ndarray, " n"]) -> Boxes:
        """Those that a mask picks."""
        return Boxes(self.corners[kept], self.score[kept], self.number[kept], self.feet.where(kept))

    def of_tile(self, tile: Int[np.ndarray, " 4"], size: tuple[int, int]) -> Boxes:
        """Boxes found in a part of a picture of `size` px as boxes of the picture, without those that its
        edge cuts."""
        moved = replace(
            self,
            corners=self.corners + np.tile(tile[:2], 2),
            feet=replace(self.feet, point=self.feet.point + tile[:2]),
        )
        inner = np.array([tile[0] > 0, tile[1] > 0, tile[2] < size[0], tile[3] < size[1]])
        return moved.where(~((np.abs(moved.corners - tile) < _AT_BORDER) & inner).any(axis=1))


def together(whole: Boxes, closer: list[Boxes], sight: Sight, overlap: float) -> Boxes:
    """What the whole picture shows and, of tiles, those who are too small in it; each of them once, by
    non-maximum suppression at an intersection over union of `overlap`."""
    large = 2 * SMALLEST_PERSON / sight.scale
    heights = [one.corners[:, 3] - one.corners[:, 1] for one in closer]
    parts = [whole, *(one.where(h < large) for one, h in zip(closer, heights, strict=True))]
    found = Boxes(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.number for part in parts]),
        Feet(
            np.concatenate([part.feet.point for part in parts]),
            np.concatenate([part.feet.hidden for part in parts]),
        ),
    )
    rectangles = np.hstack([found.corners[:, :2], found.corners[:, 2:] - found.corners[:, :2]])
    kept = cv2.dnn.NMSBoxesBatched(
        rectangles.tolist(), found.score.tolist(), found.number.tolist(), 0.0, overlap
    )
    return found.where(np.isin(np.arange(len(rectangles)), kept))
