"""Cameras by the pose of their optical frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from visrftwin_ros.cameras.camera_models import Intrinsics
from visrftwin_ros.cameras.pinhole import CameraModel


def posed_camera(
    name: str,
    size: tuple[int, int],
    matrix: Float[np.ndarray, "3 3"],
    distortion: Float[np.ndarray, " k"],
    world_from_camera: Float[np.ndarray, "4 4"],
) -> CameraModel:
    """A pinhole camera; the pose is of its optical frame in the world."""
    rotation = world_from_camera[:3, :3].T
    lens = Intrinsics("pinhole", size, matrix, distortion)
    return lens.posed(name, rotation, -rotation @ world_from_camera[:3, 3])
