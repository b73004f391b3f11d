"""A room whose walls are painted at random, and pictures of it by any lens: for tests of what pictures show."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.pinhole import CameraModel, PinholeCamera
from visrftwin_ros.vision.posed_pictures import PosedPicture

FACE = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""World to a camera that looks along x, z up."""
ROOM = np.array([[-2.0, -2.0, 0.0], [3.0, 2.0, 2.5]])
"""m: its lowest and highest corner."""
PAINT = np.random.default_rng(3).normal(size=(3, 2, 160, 160)) * 30 + 120
"""Of two walls of each axis, 4 cm a square."""


def meets(origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where rays from inside meet the room, which axis' wall, and which of the two: by slabs."""
    with np.errstate(divide="ignore"):
        low, high = (ROOM[:, None] - origin) / rays
    away = np.where(rays > 0, high, low)
    axis = away.argmin(axis=-1)
    points = origin + away.min(axis=-1)[:, None] * rays
    return points, axis, (np.take_along_axis(rays, axis[:, None], 1)[:, 0] > 0).astype(int)


def shade(origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Grey of what rays from inside meet."""
    points, axis, side = meets(origin, rays)
    found = np.zeros(len(points))
    for a in range(3):
        for s in range(2):
            mine = (axis == a) & (side == s)
            u, v = (points[mine][:, [k for k in range(3) if k != a]].T + 2.1) / 0.04
            found[mine] = map_coordinates(PAINT[a, s], [u, v], order=1, mode="wrap")
    return found


def picture(camera: CameraModel, pixels: np.ndarray) -> PosedPicture:
    """The painted room as the camera has it."""
    rays = camera.rays(camera.undistorted(pixels)) @ camera.rotation
    good = np.isfinite(rays).all(axis=1)
    grey = np.zeros(len(pixels))
    grey[good] = shade(camera.center, rays[good])
    width, height = camera.size
    flat = grey.clip(0, 255).astype(np.uint8).reshape(height, width)
    return PosedPicture(camera.name, camera, np.repeat(flat[..., None], 3, axis=2))


def all_pixels(width: int, height: int) -> np.ndarray:
    v, u = np.mgrid[:height, :width]
    return np.stack([u.ravel(), v.ravel()], axis=1).astype(float)


def pinhole(
    place: np.ndarray,
    yaw: float,
    bent: np.ndarray | None = None,
    size: tuple[int, int] = (200, 150),
) -> PinholeCamera:
    turn = FACE @ Rotation.from_euler("z", -yaw).as_matrix()
    width, height = size
    matrix = np.array(
        [[0.6 * width, 0, (width - 1) / 2], [0, 0.6 * width, (height - 1) / 2], [0, 0, 1.0]]
    )
    bent = np.zeros(0) if bent is None else bent
    return PinholeCamera(f"at {place}", size, matrix, turn, -turn @ place, bent)


def taken(places: int = 8, **more: np.ndarray) -> list[PosedPicture]:
    cameras = [
        pinhole(np.array([-1.0, -0.8 + 0.2 * k, 1.2 + 0.1 * (k % 3)]), 0.02 * k, **more)
        for k in range(places)
    ]
    return [picture(c, all_pixels(*c.size)) for c in cameras]
