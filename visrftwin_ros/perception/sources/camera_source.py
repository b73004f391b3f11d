"""One camera of the site as a source of measurements, live and recorded: its checks, lens and pose."""

from __future__ import annotations

from typing import Any

from visrftwin_ros.cameras.camera_models import (
    Intrinsics,
    fixed_camera,
    site_intrinsics,
)
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.camera_info import intrinsics_from_message
from visrftwin_ros.messages.stamps import check_stamp
from visrftwin_ros.site.frames import TransformBuffer
from visrftwin_ros.site.model import Camera

TF_TOLERANCE = 0.1
"""s from the nearest sample at which a moving camera's pose is still believed."""
OTHER_FRAME_AFTER_NS = 5_000_000_000
"""A camera that was silent for longer may come back under another frame."""


class CameraSource:
    """Knows what a camera of the site must send, and where it is at any time.

    transforms: hears the TF of the sensor's side. What does not fit is a TwinError that says whose
    it is and what would be right; the source goes on as it was.
    """

    def __init__(self, camera: Camera, world_frame: str, transforms: TransformBuffer) -> None:
        self.name = camera.name
        self._camera = camera
        self._world_frame = world_frame
        self._transforms = transforms
        self._size = (camera.image_width, camera.image_height)
        self._lens = site_intrinsics(camera)
        self._fixed = fixed_camera(camera) if camera.pose and self._lens else None
        self._frame = ""
        self._frame_heard_ns = 0

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) px of the images that the calibration is for."""
        return self._size

    @property
    def moves(self) -> bool:
        """Whether TF says where it is, which may come after its images."""
        return self._camera.pose is None

    @property
    def needs_info(self) -> bool:
        """Whether CameraInfo must give the intrinsics: the site does not."""
        return site_intrinsics(self._camera) is None

    @property
    def fixed(self) -> CameraModel | None:
        """The camera, where it stands and its lens is known."""
        return self._fixed

    def take_info(self, message: Any) -> None:
        """The lens from a sensor_msgs/CameraInfo, of images of the site's size."""
        size = (int(message.width), int(message.height))
        if size != self._size:
            raise TwinError(
                f"camera {self.name!r}: CameraInfo is for {size[0]}x{size[1]} px, but the site says"
                f" {self._size[0]}x{self._size[1]}: correct one of them"
            )
        lens = intrinsics_from_message(message, self.name)
        if self._camera.pose is not None:
            self._fixed = fixed_camera(_with_lens(self._camera, lens))
        self._lens = lens

    def check_sender(self, frame: str, stamp_ns: int) -> None:
        """Refuses what a second camera sends under this name, in another optical frame, and what has
        no ROS time."""
        check_stamp(stamp_ns, f"camera {self.name!r}")
        recent = abs(stamp_ns - self._frame_heard_ns) < OTHER_FRAME_AFTER_NS
        if frame and self._frame and frame != self._frame and recent:
            raise TwinError(
                f"two cameras send as {self.name!r}: frames {self._frame!r} and {frame!r}; give one"
                " of them another name. The second is left out"
            )
        self._frame, self._frame_heard_ns = frame or self._frame, stamp_ns

    def check_size(self, size: tuple[int, int]) -> None:
        """Refuses an image, or boxes of one, that the calibration is not for: (width, height) px."""
        if size != self._size:
            raise TwinError(
                f"camera {self.name!r}: images of {size[0]} x {size[1]} px come, but the calibration"
                f" is for {self._size[0]} x {self._size[1]}: recalibrate, or set the camera to that"
                " size"
            )

    def at(self, stamp_ns: int, last_try: bool) -> CameraModel:
        """The camera at a time; TwinError while its CameraInfo or TF is missing.

        A moving camera's pose is interpolated; only the last try takes the nearest sample.
        """
        if self._lens is None:
            raise TwinError(
                f"camera {self.name!r}: no CameraInfo yet, and the site gives no fx, fy, cx, cy"
            )
        if self._fixed is not None:
            return self._fixed
        frame, tolerance = self._camera.optical_frame, TF_TOLERANCE if last_try else 0.0
        try:
            pose = self._transforms.lookup(self._world_frame, frame, stamp_ns, tolerance)
        except TwinError as error:
            raise TwinError(f"camera {self.name!r}: {error}") from error
        rotation = pose.rotation.inv().as_matrix()
        return self._lens.posed(
            self.name, rotation, -rotation @ pose.position, self._camera.turn_sigma
        )


def _with_lens(camera: Camera, lens: Intrinsics) -> Camera:
    if lens.kind == "equirectangular":
        return camera
    fx, fy, cx, cy = (float(lens.matrix[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2)))
    fields = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, "model": lens.kind}
    return camera.model_copy(update={**fields, "distortion": lens.distortion.tolist()})
