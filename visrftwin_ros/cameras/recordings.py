"""A camera's recording, image by image."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from visrftwin_ros.errors import TwinError

LOG = logging.getLogger(__name__)
MOST_FAILURES = 50
"""Reads in a row that may fail before a recording counts as ended."""


class Recording:
    """A video file. Raises TwinError where it is missing, no video, or of another image size.

    size: (width, height) px. frame_count: as the file promises, 0 where it does not say.
    skipped: images that could not be decoded in the last pass. The file's own frame rate is not
    offered: it is often wrong, and the site's camera knows the true one.
    """

    def __init__(self, path: str | Path, expected_size: tuple[int, int] | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise TwinError(f"no video at {str(path)!r}; give the path of a recording")
        capture = self._opened()
        self.size = (
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        self.frame_count = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        capture.release()
        self.skipped = 0
        if expected_size is not None and self.size != expected_size:
            raise TwinError(
                f"{str(path)!r} has images of {self.size[0]}x{self.size[1]} px, but the camera is"
                f" calibrated for {expected_size[0]}x{expected_size[1]}; use its own recording or"
                " recalibrate"
            )

    def frames(self) -> Iterator[tuple[int, UInt8[np.ndarray, "h w 3"]]]:
        """(number from 1, BGR image) from the start; an undecodable image leaves out its number."""
        capture = self._opened()
        self.skipped = 0
        number, failures = 0, 0
        try:
            while failures < MOST_FAILURES:
                number += 1
                readable, image = capture.read()
                if not readable or image is None:
                    failures += 1
                    continue
                self._count_skipped(failures, number)
                failures = 0
                yield number, image
        finally:
            capture.release()
        last = number - failures
        # What is missing at the end shows only against the promised number.
        self._count_skipped(min(max(self.frame_count - last, 0), failures), last + 1)
        if last == 0:
            raise TwinError(f"{str(self.path)!r} has no image that can be decoded")

    def _count_skipped(self, count: int, number: int) -> None:
        if count:
            self.skipped += count
            LOG.warning("%s: %d images before number %d are corrupt", self.path, count, number)

    def _opened(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) < 1:
            raise TwinError(f"{str(self.path)!r} is no video that OpenCV can read")
        return capture
