"""Lenses that are no pinholes, and which camera a site or a CameraInfo describes.

Fisheye: Kannala & Brandt, "A generic camera model ... for conventional, wide-angle and fish-eye
lenses", PAMI 2006, as OpenCV's fisheye module and ROS's 'equidistant' have it. Panorama:
equirectangular, columns are azimuth and rows elevation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.cameras.pinhole import NEAREST_DEPTH, CameraModel, PinholeCamera
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site import model

Kind = Literal["pinhole", "fisheye", "equirectangular"]
WIDEST = np.radians(110.0)
"""From the axis: beyond this no fisheye lens forms an image."""
_INFO_KINDS: dict[str, Kind] = {
    "": "pinhole",
    "plumb_bob": "pinhole",
    "rational_polynomial": "pinhole",
    "equidistant": "fisheye",
    "fisheye": "fisheye",
}


@dataclass(frozen=True)
class FisheyeCamera(CameraModel):
    """Radius in the image in proportion to the angle from the axis, times a polynomial.

    As `PinholeCamera`; distortion: (0,) or OpenCV's 4 fisheye coefficients. Ideal pixels are those
    of the lens without the polynomial: r = f theta.
    """

    name: str
    size: tuple[int, int]
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]
    distortion: Float[np.ndarray, " k"]
    turn_sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.distortion.size not in (0, 4):
            raise TwinError(
                f"camera {self.name!r}: {self.distortion.size} distortion coefficients; a fisheye"
                " camera has none or 4"
            )
        # The same checks of pose and focal lengths hold.
        PinholeCamera(
            self.name, self.size, self.matrix, self.rotation, self.translation, np.zeros(0)
        )
        if not np.all(np.isfinite(self.distortion)):
            raise TwinError(f"camera {self.name!r}: the calibration holds NaN or infinite numbers")

    def undistorted(self, pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """As `CameraModel.undistorted`, by Newton's method on the angle."""
        pixels = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        if not self.distortion.size:
            return pixels.copy()
        offset = (pixels - self._centre) / self._focal
        radius = np.hypot(*offset.T)
        theta = np.minimum(radius, WIDEST)
        for _ in range(20):
            value, slope = self._bent(theta)
            theta = theta - (value - radius) / np.where(np.abs(slope) < 1e-6, 1.0, slope)
        back, slope = self._bent(theta)
        good = (np.abs(back - radius) < 1e-6) & (theta >= 0) & (theta <= WIDEST) & (slope > 0)
        scale = np.where(good, theta, np.nan) / np.where(radius > 0, radius, 1.0)
        scale = np.where(radius > 0, scale, 1.0)
        return np.asarray(offset * scale[:, None] * self._focal + self._centre)

    def project(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """As `CameraModel.project`."""
        ideal, depth = self.undistorted_projection(points)
        seen = depth > NEAREST_DEPTH
        if self.distortion.size:
            offset = (ideal - self._centre) / self._focal
            theta = np.hypot(*offset.T)
            scale = self._bent(theta)[0] / np.where(theta > 0, theta, 1.0)
            ideal = offset * np.where(theta > 0, scale, 1.0)[:, None] * self._focal + self._centre
        return np.where(seen[:, None], ideal, np.nan), seen

    def undistorted_projection(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
        """As `CameraModel.undistorted_projection`; the second is the distance where the lens sees."""
        x, y, z = np.moveaxis(points @ self.rotation.T + self.translation, -1, 0)
        off_axis = np.hypot(x, y)
        theta = np.arctan2(off_axis, z)
        scale = np.where(off_axis > 1e-9, theta / np.maximum(off_axis, 1e-9), 1.0)
        pixels = np.stack([x * scale, y * scale], axis=-1) * self._focal + self._centre
        distance = np.sqrt(off_axis**2 + z**2)
        return pixels, np.where(theta < WIDEST, distance, -distance)

    def projection_jacobian(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2 3"]:
        """As `CameraModel.projection_jacobian`: chain rule over theta(x, y, z) and its direction."""
        camera_points = points @ self.rotation.T + self.translation
        x, y, z = np.moveaxis(camera_points, -1, 0)
        off_axis = np.maximum(np.hypot(x, y), 1e-9)
        square = off_axis**2 + z**2
        theta = np.arctan2(off_axis, z)
        along, across = z / square, theta / off_axis  # d(theta) / d(off_axis); r / off_axis
        ux, uy = x / off_axis, y / off_axis
        slope = np.empty((*x.shape, 2, 3))
        slope[..., 0, 0] = ux**2 * along + uy**2 * across
        slope[..., 0, 1] = slope[..., 1, 0] = ux * uy * (along - across)
        slope[..., 1, 1] = uy**2 * along + ux**2 * across
        slope[..., 0, 2], slope[..., 1, 2] = -x / square, -y / square
        return np.asarray(slope * self._focal[:, None] @ self.rotation)

    def rays(self, ideal_pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 3"]:
        """As `CameraModel.rays`: unit vectors, NaN beyond what the lens sees."""
        offset = (ideal_pixels - self._centre) / self._focal
        theta = np.hypot(*offset.T)
        direction = offset / np.where(theta > 0, theta, 1.0)[:, None]
        rays = np.column_stack([direction * np.sin(theta)[:, None], np.cos(theta)])
        return np.where((theta < WIDEST)[:, None], rays, np.nan)

    def _bent(self, theta: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], ...]:
        """The distorted angle and its derivative."""
        powers = theta[:, None] ** np.array([2, 4, 6, 8])
        value = theta * (1 + powers @ self.distortion)
        return value, 1 + powers @ (self.distortion * np.array([3, 5, 7, 9]))

    @property
    def _focal(self) -> Float[np.ndarray, " 2"]:
        return self.matrix[[0, 1], [0, 1]]

    @property
    def _centre(self) -> Float[np.ndarray, " 2"]:
        return self.matrix[:2, 2]


@dataclass(frozen=True)
class PanoramaCamera(CameraModel):
    """An equirectangular panorama of the whole sphere; its middle column looks along z."""

    name: str
    size: tuple[int, int]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]
    turn_sigma: float = 0.0

    def __post_init__(self) -> None:
        PinholeCamera(self.name, self.size, np.eye(3), self.rotation, self.translation, np.zeros(0))

    @property
    def column_period(self) -> float:  # type: ignore[override]
        return float(self.size[0])

    def undistorted(self, pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """As `CameraModel.undistorted`: nothing to undo, but rows beyond the poles are nowhere."""
        pixels = np.array(pixels, dtype=np.float64).reshape(-1, 2)
        beyond = (pixels[:, 1] < -0.5) | (pixels[:, 1] > self.size[1] - 0.5)
        pixels[beyond] = np.nan
        return pixels

    def project(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """As `CameraModel.project`: everything but the camera's own place is seen."""
        pixels, distance = self.undistorted_projection(points)
        return pixels, distance > NEAREST_DEPTH

    def undistorted_projection(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
        """As `CameraModel.undistorted_projection`; the second is the distance."""
        x, y, z = np.moveaxis(points @ self.rotation.T + self.translation, -1, 0)
        turn = np.stack([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))], axis=-1)
        return turn * self._scale + self._centre, np.sqrt(x**2 + y**2 + z**2)

    def projection_jacobian(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2 3"]:
        """As `CameraModel.projection_jacobian`: of the two angles."""
        x, y, z = np.moveaxis(points @ self.rotation.T + self.translation, -1, 0)
        flat = np.maximum(np.hypot(x, z), 1e-9)
        square = flat**2 + y**2
        slope = np.zeros((*x.shape, 2, 3))
        slope[..., 0, 0], slope[..., 0, 2] = z / flat**2, -x / flat**2
        slope[..., 1, 0] = -x * y / (flat * square)
        slope[..., 1, 1] = flat / square
        slope[..., 1, 2] = -z * y / (flat * square)
        return np.asarray(slope * self._scale[:, None] @ self.rotation)

    def rays(self, ideal_pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 3"]:
        """As `CameraModel.rays`: unit vectors."""
        azimuth, elevation = ((ideal_pixels - self._centre) / self._scale).T
        level = np.cos(elevation)
        return np.column_stack(
            [level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)]
        )

    @property
    def _scale(self) -> Float[np.ndarray, " 2"]:
        """px/rad."""
        return np.array([self.size[0] / (2 * np.pi), self.size[1] / np.pi])

    @property
    def _centre(self) -> Float[np.ndarray, " 2"]:
        return np.array([(self.size[0] - 1) / 2, (self.size[1] - 1) / 2])


@dataclass(frozen=True)
class Intrinsics:
    """A lens without a place. size: (width, height) px. matrix: (3, 3) K, unused by panoramas."""

    kind: Kind
    size: tuple[int, int]
    matrix: Float[np.ndarray, "3 3"]
    distortion: Float[np.ndarray, " k"]

    def posed(
        self,
        name: str,
        rotation: Float[np.ndarray, "3 3"],
        translation: Float[np.ndarray, " 3"],
        turn_sigma: float = 0.0,
    ) -> CameraModel:
        """The camera of this lens where x_cam = rotation @ x_world + translation, give or take
        `turn_sigma` rad about each axis."""
        if self.kind == "equirectangular":
            return PanoramaCamera(name, self.size, rotation, translation, turn_sigma)
        kind = FisheyeCamera if self.kind == "fisheye" else PinholeCamera
        place = rotation, translation
        return kind(name, self.size, self.matrix, *place, self.distortion, turn_sigma)


def lens_of(camera: CameraModel) -> Intrinsics:
    """The lens of a camera that stands somewhere."""
    if isinstance(camera, PanoramaCamera):
        return Intrinsics("equirectangular", camera.size, np.eye(3), np.zeros(0))
    assert isinstance(camera, FisheyeCamera | PinholeCamera)
    kind: Kind = "fisheye" if isinstance(camera, FisheyeCamera) else "pinhole"
    return Intrinsics(kind, camera.size, camera.matrix, camera.distortion)


def site_intrinsics(camera: model.Camera) -> Intrinsics | None:
    """The lens as the site has it; None where CameraInfo must say."""
    size = (camera.image_width, camera.image_height)
    if camera.model == "equirectangular":
        return Intrinsics("equirectangular", size, np.eye(3), np.zeros(0))
    if camera.intrinsics is None:
        return None
    fx, fy, cx, cy = camera.intrinsics
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    return Intrinsics(camera.model, size, matrix, np.array(camera.distortion, dtype=np.float64))


def info_intrinsics(
    camera: str,
    distortion_model: str,
    size: tuple[int, int],
    matrix: Float[np.ndarray, "3 3"],
    distortion: Float[np.ndarray, " k"],
) -> Intrinsics:
    """The lens that a CameraInfo's numbers describe.

    Raises TwinError where they are no calibration or of a model that is not known.
    """
    if distortion_model not in _INFO_KINDS:
        raise TwinError(
            f"camera {camera!r}: CameraInfo has the distortion model {distortion_model!r}; known: "
            f"{', '.join(name for name in _INFO_KINDS if name)}"
        )
    if not np.all(np.isfinite(matrix)) or matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or min(size) < 1:
        raise TwinError(
            f"camera {camera!r}: CameraInfo holds no calibration (size {size[0]}x{size[1]}, K "
            f"{matrix[0, 0]:g}, {matrix[1, 1]:g}): calibrate the camera, or give fx, fy, cx, cy in"
            " the site"
        )
    found = Intrinsics(_INFO_KINDS[distortion_model], size, matrix, distortion)
    if found.kind == "pinhole" and not np.any(distortion):
        found = Intrinsics(found.kind, size, matrix, np.zeros(0))
    found.posed(camera, np.eye(3), np.zeros(3))  # checks what is left
    return found


def fixed_camera(camera: model.Camera) -> CameraModel:
    """The camera of a site that says all of it; TwinError names what is missing."""
    lens = site_intrinsics(camera)
    if camera.pose is None or lens is None:
        what = "rvec and t" if camera.pose is None else "fx, fy, cx and cy"
        raise TwinError(f"camera {camera.name!r}: the site does not give {what}")
    rotation = np.asarray(cv2.Rodrigues(np.array(camera.pose[0]))[0], dtype=np.float64)
    return lens.posed(camera.name, rotation, np.array(camera.pose[1], dtype=np.float64))
