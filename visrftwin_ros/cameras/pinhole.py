"""A calibrated camera over a flat ground: world to image and back.

Geometry after Hartley & Zisserman, "Multiple View Geometry", 2nd ed.: the camera (6.1), the
ground homography and the ray of a pixel (8.1). Axes follow OpenCV:
`x_cam = rotation @ x_world + translation`, z forward, pixels from the centre of the top-left one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.errors import TwinError

NEAREST_DEPTH = 0.05
"""Metres before the camera under which a point counts as behind it: pixels diverge there."""


class CameraModel(ABC):
    """A camera with a pose; the ground is the world's plane z = 0.

    Every model has *ideal pixels*, in which the image is the model's own undistorted one, measured
    in the image's pixels: rays, Jacobians and measurements are in those.

    name: of the camera. size: (width, height) px. rotation: (3, 3) and translation: (3,) m take
    world to camera (z forward). column_period: px after which columns come again; inf but for a
    full panorama. turn_sigma: rad, by how much its pose may be turned, standard deviation about each
    axis.
    """

    name: str
    size: tuple[int, int]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]
    column_period: float = np.inf
    turn_sigma: float = 0.0

    @abstractmethod
    def undistorted(self, pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Ideal pixels of image pixels; NaN where the distortion has no inverse."""

    @abstractmethod
    def project(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Pixels of world points, distorted as the image is, and which the lens can see.

        points: (N, 3) m. Pixels of points that it cannot see (behind a pinhole) are NaN. Inside the
        image or not is not asked.
        """

    @abstractmethod
    def undistorted_projection(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
        """Ideal pixels of world points, and how far [m] they are on the seen side.

        Points at under `NEAREST_DEPTH` are not seen.
        """

    @abstractmethod
    def projection_jacobian(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2 3"]:
        """d(ideal pixel) / d(world point): (..., 2, 3) px/m."""

    @abstractmethod
    def rays(self, ideal_pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 3"]:
        """Directions in the camera's frame of ideal pixels; their length is of no meaning."""

    @property
    def center(self) -> Float[np.ndarray, " 3"]:
        """Where the camera stands: (3,) world metres (Hartley & Zisserman 6.1, C = -R^T t)."""
        return -self.rotation.T @ self.translation

    def ground_points(
        self, pixels: Float[np.ndarray, "n 2"]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Where the rays of image pixels meet the ground: (N, 2) world metres, and which do.

        A ray at or above the horizon, NaN, or undistortable meets nothing: False, NaN
        (Hartley & Zisserman 6.2.2: the ray of a pixel is C + s R^T K^-1 x).
        """
        ideal = self.undistorted(pixels)
        return self.plane_points(ideal, np.zeros(len(ideal)))

    def plane_points(
        self, ideal_pixels: Float[np.ndarray, "n 2"], height: Float[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Where the rays of ideal pixels meet the planes z = height [m]: (N, 2), and which.

        The head of a person of known height gives the place where the feet are hidden.
        """
        rays = self.rays(ideal_pixels) @ self.rotation
        center = self.center
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (height - center[2]) / rays[:, 2]
            points = center[:2] + distance[:, None] * rays[:, :2]
            depth_ok = np.isfinite(distance) & (distance > NEAREST_DEPTH)
        valid = depth_ok & np.all(np.isfinite(points), axis=1)
        return np.where(valid[:, None], points, np.nan), valid


@dataclass(frozen=True)
class PinholeCamera(CameraModel):
    """The central projection: straight lines stay straight in ideal pixels.

    name: of the camera. size: (width, height) px. matrix: (3, 3) K, px. rotation: (3, 3) and
    translation: (3,) m take world to camera. distortion: (0,) or OpenCV's 4, 5 or 8 coefficients.
    """

    name: str
    size: tuple[int, int]
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]
    distortion: Float[np.ndarray, " k"]
    turn_sigma: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.matrix, self.rotation, self.translation, self.distortion)
        if not all(np.all(np.isfinite(array)) for array in numbers):
            raise TwinError(f"camera {self.name!r}: the calibration holds NaN or infinite numbers")
        if self.matrix[0, 0] <= 0 or self.matrix[1, 1] <= 0:
            raise TwinError(
                f"camera {self.name!r}: focal lengths {self.matrix[0, 0]:g}, {self.matrix[1, 1]:g}"
                " px; both must be positive"
            )
        if not np.allclose(self.rotation @ self.rotation.T, np.eye(3), atol=1e-5):
            raise TwinError(f"camera {self.name!r}: the rotation matrix is not orthonormal")
        if self.distortion.size not in (0, 4, 5, 8):
            raise TwinError(
                f"camera {self.name!r}: {self.distortion.size} distortion coefficients;"
                " expected none, 4, 5 (plumb_bob) or 8 (rational)"
            )

    def project(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Pixels of world points, distorted as the image is, and which lie before the camera.

        points: (N, 3) m. Pixels of points behind are NaN. Inside the image or not is not asked.
        """
        pixels, depth = self.undistorted_projection(points)
        in_front = depth > NEAREST_DEPTH
        if self.distortion.size and in_front.any():
            rays = _homogeneous((pixels[in_front] - self.matrix[:2, 2]) / self._focal)
            distorted = cv2.projectPoints(
                rays, np.zeros(3), np.zeros(3), self.matrix, self.distortion
            )[0]
            pixels[in_front] = distorted.reshape(-1, 2)
        pixels[~in_front] = np.nan
        return pixels, in_front

    def undistorted_projection(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
        """Ideal (undistorted) pixels and depth [m] of world points (Hartley & Zisserman 6.1).

        Depth is kept from zero, so a point behind gives a finite, meaningless pixel: check depth.
        """
        camera_points = points @ self.rotation.T + self.translation
        depth = camera_points[..., 2]
        scale = np.where(np.abs(depth) < NEAREST_DEPTH, NEAREST_DEPTH, depth)
        pixels = camera_points[..., :2] / scale[..., None] * self._focal + self.matrix[:2, 2]
        return pixels, depth

    def projection_jacobian(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2 3"]:
        """d(undistorted pixel) / d(world point): (..., 2, 3) px/m."""
        camera_points = points @ self.rotation.T + self.translation
        depth = camera_points[..., 2:]
        depth = np.where(np.abs(depth) < NEAREST_DEPTH, NEAREST_DEPTH, depth)
        ratio = camera_points[..., :2] / depth
        rows = self.rotation[:2] - ratio[..., None] * self.rotation[2]
        return np.asarray(rows * (self._focal[:, None] / depth[..., None]))

    def undistorted(self, pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Ideal pinhole pixels of image pixels; NaN where the distortion has no inverse."""
        pixels = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        if not self.distortion.size or not len(pixels):
            return pixels.copy()
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-9)
        rays = cv2.undistortPoints(
            pixels[:, None], self.matrix, self.distortion, None, None, None, criteria
        ).reshape(-1, 2)
        back = cv2.projectPoints(
            _homogeneous(rays), np.zeros(3), np.zeros(3), self.matrix, self.distortion
        )[0].reshape(-1, 2)
        # The fixed-point iteration diverges silently beyond the lens's range: ask for the way back.
        rays[~(np.abs(back - pixels).max(axis=1) < 0.5)] = np.nan
        return np.asarray(rays * self._focal + self.matrix[:2, 2])

    def rays(self, ideal_pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 3"]:
        """As `CameraModel.rays`: z = 1."""
        return _homogeneous((ideal_pixels - self.matrix[:2, 2]) / self._focal)

    @property
    def _focal(self) -> Float[np.ndarray, " 2"]:
        return self.matrix[[0, 1], [0, 1]]


def _homogeneous(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 3"]:
    return np.column_stack([points, np.ones(len(points))])
