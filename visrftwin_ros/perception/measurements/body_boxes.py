"""Where tracked bodies show in an image."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.measurements.box_measurements import BODY_ASPECT


def bodies_on_image(
    camera: CameraModel, place: Float[np.ndarray, "n 2"], height: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n 4"], Bool[np.ndarray, " n"]]:
    """Boxes (left, top, right, bottom px) of upright bodies, and which have a part in the image."""
    feet, seen = camera.project(np.column_stack([place, np.zeros(len(place))]))
    heads, head_seen = camera.project(np.column_stack([place, height]))
    half = BODY_ASPECT * np.abs(feet[:, 1] - heads[:, 1]) / 2
    middle = (feet[:, 0] + heads[:, 0]) / 2
    corners = np.column_stack([middle - half, heads[:, 1], middle + half, feet[:, 1]])
    with np.errstate(invalid="ignore"):
        inside = np.all(corners[:, 2:] > 0, axis=1) & np.all(
            corners[:, :2] < np.array(camera.size), axis=1
        )
    return corners, seen & head_seen & inside & np.all(np.isfinite(corners), axis=1)
