"""Detections drawn on their image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.perception.measurements import detections as found
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.viewing.colors import PERSON


def with_boxes(image: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """A copy of a BGR image with every box, its id, what it is around where that is no person, and its score."""
    picture = image.copy()
    color = PERSON[::-1]
    limit = 10.0 * max(image.shape[:2])
    for corners, name, kind, score in zip(
        detections.corners, detections.track_id, detections.kind, detections.score, strict=True
    ):
        if not np.isfinite(corners).all():
            continue
        left, top, right, bottom = (int(v) for v in np.clip(corners, -limit, limit))
        cv2.rectangle(picture, (left, top), (right, bottom), color, 2)
        what = name if kind == found.PERSON else kind
        label = f"{what} {score:.2f}".strip()
        cv2.putText(picture, label, (left, max(top - 4, 10)), 0, 0.5, color, 1, cv2.LINE_AA)
    return picture
