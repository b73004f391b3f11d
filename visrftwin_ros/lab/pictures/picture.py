"""What is asked of the lab's renderer and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.cameras.camera_models import fixed_camera, site_intrinsics
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Camera

Extrinsics = tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, " 3"]]
"""(rotation, translation) of a camera: x_cam = rotation @ x_world + translation."""


Standing = tuple[float, float, float]
"""x, y [m] and yaw [rad] of a robot."""


@dataclass(frozen=True)
class Quality:
    """Rays a pixel: of a fixed camera's empty room, of its changes, of a moving camera. threads:
    of the process."""

    background: int = 32
    changes: int = 8
    moving: int = 4
    threads: int = 2


@dataclass(frozen=True)
class Label:
    """A person in a picture. person: index in the walks. box: x0, y0, x1, y1 px round the pixels
    where the person is seen. whole: round the whole body, cut at the image. visible: share of the
    body's pixels that are seen."""

    person: int
    box: tuple[float, float, float, float]
    whole: tuple[float, float, float, float]
    visible: float


@dataclass(frozen=True)
class Picture:
    """bgr: the image. labels: of everybody of whom a pixel is seen."""

    bgr: UInt8[np.ndarray, "h w 3"]
    labels: tuple[Label, ...]


def camera_at(camera: Camera, pose: Extrinsics | None) -> CameraModel:
    """The camera's lens, placed by the site or by `pose`."""
    if pose is None:
        return fixed_camera(camera)
    lens = site_intrinsics(camera)
    if lens is None:
        raise TwinError(f"camera {camera.name!r}: the site gives no fx, fy, cx, cy to render with")
    return lens.posed(camera.name, *pose)
