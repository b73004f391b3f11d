"""Pictures of any lens as grey pinholes without distortion, which a plane carries into each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.pinhole import CameraModel, PinholeCamera
from visrftwin_ros.vision.posed_pictures import PosedPicture

OUTSIDE = -1.0
"""Grey of a pixel that the picture does not show."""
_FACE = np.radians(90.0)
"""Across a view that is cut out of a fisheye picture or a panorama."""
_FACES = tuple(Rotation.from_euler("y", 90 * k, degrees=True).as_matrix() for k in range(4))
"""Of a panorama: round the horizon. What stands above and below is in other pictures, from farther away."""


@dataclass(frozen=True)
class PinholeView:
    """grey: (H, W) of 0 to 255, OUTSIDE where there is no picture. matrix: (3, 3) px. rotation: (3, 3) and
    translation: (3,) m take world to camera."""

    grey: Float[np.ndarray, "h w"]
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]

    @property
    def center(self) -> Float[np.ndarray, " 3"]:
        """m, where the camera is."""
        return -self.rotation.T @ self.translation

    def points(
        self, pixels: Float[np.ndarray, "n 2"], depth: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n 3"]:
        """World points of pixels whose depths along the axis, m, are known."""
        ahead = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(self.matrix).T
        return np.asarray(self.center + depth[:, None] * (ahead @ self.rotation))

    def pixels(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
        """Where world points are seen, px, and their depths along the axis, m: none is seen at 0 or less."""
        seen = (points @ self.rotation.T + self.translation) @ self.matrix.T
        depth = seen[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            return seen[:, :2] / depth[:, None], depth


def pinhole_views(picture: PosedPicture, width: int) -> Iterator[PinholeView]:
    """The picture's view, at most `width` px wide; the middle of a fisheye's; the four faces round a panorama."""
    camera = picture.camera
    grey = cv2.cvtColor(picture.bgr, cv2.COLOR_BGR2GRAY)
    across = min(width, camera.size[0])
    if isinstance(camera, PinholeCamera):
        shrunk = across / camera.size[0]
        matrix = camera.matrix.copy()
        matrix[:2] *= shrunk
        matrix[:2, 2] += (shrunk - 1) / 2  # pixels are counted from the centre of the first one
        shape, turns = (round(camera.size[1] * shrunk), across), _FACES[:1]
    else:
        focal = across / 2 / np.tan(_FACE / 2)
        middle = (across - 1) / 2
        matrix = np.array([[focal, 0.0, middle], [0.0, focal, middle], [0.0, 0.0, 1.0]])
        shrunk = min(1.0, focal / _pixels_a_radian(camera))
        shape, turns = (across, across), _FACES if np.isfinite(camera.column_period) else _FACES[:1]
    if shrunk < 1:
        grey = cv2.resize(grey, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    for turn in turns:
        rotation = turn @ camera.rotation
        blank = np.full(shape, OUTSIDE, np.float32)
        view = PinholeView(blank, matrix, rotation, -rotation @ camera.center)
        yield replace(view, grey=_drawn(view, camera, grey.astype(np.float32)))


def _pixels_a_radian(camera: CameraModel) -> float:
    """About the middle of the image."""
    near = camera.center + np.array([[0.0, 0.0, 1.0], [0.01, 0.0, 1.0]]) @ camera.rotation
    pixels, _ = camera.project(near)
    return float(np.linalg.norm(pixels[1] - pixels[0]) / 0.01)


def _drawn(
    view: PinholeView, camera: CameraModel, grey: Float[np.ndarray, "k l"]
) -> Float[np.ndarray, "h w"]:
    """What the view shows of the camera's picture, of whatever size it has become."""
    height, width = view.grey.shape
    v, u = np.mgrid[:height, :width]
    points = view.points(np.stack([u.ravel(), v.ravel()], axis=1), np.ones(u.size))
    where, seen = camera.project(points)
    # Beyond its range a lens' polynomial comes back: there the way back leads elsewhere.
    away = np.abs(camera.undistorted(where) - camera.undistorted_projection(points)[0])
    seen = seen & (away.max(axis=1) < 1)
    where = (where + 0.5) * np.array(grey.shape[::-1]) / np.array(camera.size) - 0.5
    where = np.where(seen[:, None], where, -10.0).reshape(height, width, 2).astype(np.float32)
    drawn = cv2.remap(grey, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderValue=2 * OUTSIDE)
    return np.where(drawn < 0, OUTSIDE, drawn).astype(np.float32)
