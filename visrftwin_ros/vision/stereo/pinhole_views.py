"""Pictures of any lens as grey pinholes without distortion, which a plane carries into each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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

    name: str
    grey: Float[np.ndarray, "h w"]
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]

    @property
    def center(self) -> Float[np.ndarray, " 3"]:
        """m, where the camera is."""
        return -self.rotation.T @ self.translation

    def rays(self) -> Float[np.ndarray, "h w 3"]:
        """In the world, of depth 1 along the axis, of each pixel."""
        height, width = self.grey.shape
        v, u = np.mgrid[:height, :width]
        ahead = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(self.matrix).T
        return np.asarray(ahead @ self.rotation)

    def pixels(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
        """Where world points are seen, px, and their depths along the axis, m: none is seen at 0 or less."""
        seen = (points @ self.rotation.T + self.translation) @ self.matrix.T
        depth = seen[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            return seen[..., :2] / depth[..., None], depth


def pinhole_views(picture: PosedPicture, width: int) -> Iterator[PinholeView]:
    """The picture's view, at most `width` px wide; the middle of a fisheye's; the four faces round a panorama."""
    camera = picture.camera
    across = min(width, camera.size[0])
    if isinstance(camera, PinholeCamera):
        shrunk = across / camera.size[0]
        matrix = camera.matrix.copy()
        matrix[:2] *= shrunk
        matrix[:2, 2] += (shrunk - 1) / 2  # pixels are counted from the centre of the first one
        yield _view(picture, matrix, (round(camera.size[1] * shrunk), across), np.eye(3), shrunk)
        return
    focal = across / 2 / np.tan(_FACE / 2)
    middle = (across - 1) / 2
    matrix = np.array([[focal, 0.0, middle], [0.0, focal, middle], [0.0, 0.0, 1.0]])
    turns = _FACES if np.isfinite(camera.column_period) else _FACES[:1]
    shrunk = min(1.0, focal / _pixels_a_radian(camera))
    for turn in turns:
        yield _view(picture, matrix, (across, across), turn, shrunk)


def _pixels_a_radian(camera: CameraModel) -> float:
    """About the middle of the image."""
    near = camera.center + np.array([[0.0, 0.0, 1.0], [0.01, 0.0, 1.0]]) @ camera.rotation
    pixels, _ = camera.project(near)
    return float(np.linalg.norm(pixels[1] - pixels[0]) / 0.01)


def _view(
    picture: PosedPicture,
    matrix: Float[np.ndarray, "3 3"],
    shape: tuple[int, int],
    turn: Float[np.ndarray, "3 3"],
    shrunk: float,
) -> PinholeView:
    """The camera turned by `turn`, drawn out of the picture shrunk to that share."""
    camera = picture.camera
    rotation = turn @ camera.rotation
    empty = np.zeros(shape, np.float32)
    view = PinholeView(picture.name, empty, matrix, rotation, -rotation @ camera.center)
    grey = cv2.cvtColor(picture.bgr, cv2.COLOR_BGR2GRAY)
    if shrunk < 1:
        grey = cv2.resize(grey, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    points = camera.center + view.rays().reshape(-1, 3)
    where, seen = camera.project(points)
    where = (where + 0.5) * np.array(grey.shape[::-1]) / np.array(picture.bgr.shape[1::-1]) - 0.5
    where = np.where(seen[:, None], where, -10.0).reshape(*shape, 2).astype(np.float32)
    drawn = cv2.remap(
        grey.astype(np.float32),
        where[..., 0],
        where[..., 1],
        cv2.INTER_LINEAR,
        borderValue=2 * OUTSIDE,
    )
    drawn = np.where(drawn < 0, OUTSIDE, drawn)
    return PinholeView(picture.name, drawn.astype(np.float32), matrix, rotation, view.translation)
