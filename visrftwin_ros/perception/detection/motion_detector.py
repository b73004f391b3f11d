"""People in a fixed camera's images without any network: what moves and has a person's size."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from visrftwin_ros.cameras.image_check import checked_image
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.clothing_colours import clothing_colours
from visrftwin_ros.perception.detection.body_candidates import body_candidates, explaining_bodies
from visrftwin_ros.perception.measurements.detections import Detections

HISTORY = 300
"""Images in the background's memory."""
LEARNING = 10
"""Images before the first detections."""
ABSORB_EVERY = 20
"""Of a body that stays, only each such image reaches the background: who stands lasts that longer."""
VARIANCE_THRESHOLD = 20.0
"""Squared standard deviations from the background."""
FOREGROUND = 255
"""MOG2's mark; it marks shadows 127."""
SAME_TEXTURE = 0.7
"""Correlation with the background from which a changed region is the same in another light."""
SCORE_OF_COVERAGE = 1.5
"""A box half full of foreground, as a person's is, scores 0.75."""


class MotionDetector:
    """Background subtraction, then upright bodies on the ground that explain the foreground.

    camera: calibrated; its ground plane gives the size of a person everywhere.
    Background: Zivkovic & van der Heijden 2006 (OpenCV's MOG2, with its shadow test).
    """

    kind = "motion"
    vehicles: tuple[str, ...] = ()
    sees = ""

    def __init__(self, camera: CameraModel) -> None:
        self._camera = camera
        self._candidates = body_candidates(camera)
        self.reset()

    def reset(self) -> None:
        """Forget the background: the next image belongs to another stream."""
        self._background = cv2.createBackgroundSubtractorMOG2(HISTORY, VARIANCE_THRESHOLD, True)
        self._images = 0

    def detect(self, image_bgr: Any, stamp_ns: int) -> Detections:
        """The people in an 8-bit BGR image taken at a ROS time; nobody while it learns.

        Raises TwinError where the image is of another type, or another size than the calibration.
        """
        image = checked_image(image_bgr)
        size = (image.shape[1], image.shape[0])
        if size != self._camera.size:
            raise TwinError(
                f"camera {self._camera.name!r}: an image of {size[0]}x{size[1]} px, but the"
                f" calibration is for {self._camera.size[0]}x{self._camera.size[1]}"
            )
        self._images += 1
        smooth = cv2.GaussianBlur(image, (3, 3), 0)
        if self._images <= LEARNING:
            self._background.apply(smooth)
            return Detections.none(stamp_ns, self._camera.name, size)
        foreground = self._foreground(smooth)
        corners, coverage = explaining_bodies(foreground, self._candidates)
        known = self._background.getBackgroundImage()
        new = texture_correlation(smooth, known, foreground, corners) < SAME_TEXTURE
        corners, coverage = corners[new], coverage[new]
        self._learn(smooth, known, corners)
        middle, extent = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
        return Detections(
            stamp_ns=stamp_ns,
            camera=self._camera.name,
            image_size=size,
            box=np.hstack([middle, extent]),
            score=np.clip(SCORE_OF_COVERAGE * coverage, 0.0, 0.95),
            track_id=("",) * len(corners),
            embedding=clothing_colours(image, corners),
        )

    def _foreground(self, smooth: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
        """What differs from the background and is no shadow, without specks and small holes."""
        mask = self._background.apply(smooth, learningRate=0)
        mask = np.where(mask == FOREGROUND, 255, 0).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 3), np.uint8))
        return np.asarray(mask > 0)

    def _learn(
        self,
        smooth: UInt8[np.ndarray, "h w 3"],
        known: UInt8[np.ndarray, "h w 3"],
        corners: Float[np.ndarray, "n 4"],
    ) -> None:
        """Update the background everywhere but where people stand, and rarely there."""
        if self._images % ABSORB_EVERY and len(corners):
            smooth = smooth.copy()
            for region in _regions(corners):
                smooth[region] = known[region]
        self._background.apply(smooth)


def texture_correlation(
    image: UInt8[np.ndarray, "h w 3"],
    background: UInt8[np.ndarray, "h w 3"],
    changed: Bool[np.ndarray, "h w"],
    corners: Float[np.ndarray, "n 4"],
) -> Float[np.ndarray, " n"]:
    """Correlation of brightness, -1 to 1, of the changed pixels in boxes with the background: (N,).

    Sun on a wall changes the brightness and keeps the texture; a person hides it (normalised cross
    correlation, Jacques, Jung & Musse, SIBGRAPI 2005).
    """
    correlation = np.zeros(len(corners))
    inset = 0.1 * (corners[:, 2:] - corners[:, :2])  # a box's rim straddles the change's border
    for k, region in enumerate(_regions(corners + np.hstack([inset, -inset]))):
        where = changed[region]
        seen, known = (picture[region][where].mean(axis=1) for picture in (image, background))
        spread = seen.std() * known.std() if seen.size else 0.0
        if spread > 0:
            correlation[k] = np.mean((seen - seen.mean()) * (known - known.mean())) / spread
    return correlation


def _regions(corners: Float[np.ndarray, "n 4"]) -> list[tuple[slice, slice]]:
    """Index expressions of boxes in an image; what lies outside it is left out."""
    whole = np.maximum(np.rint(corners).astype(int), 0)
    return [(slice(top, bottom), slice(left, right)) for left, top, right, bottom in whole]
