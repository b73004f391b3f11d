"""What stands behind one camera's detections: its lens, its pose at any time, and its doubts."""

from __future__ import annotations

from collections import deque

from sensor_msgs.msg import CameraInfo

from visrftwin_ros.cameras.camera_models import fixed_camera, site_intrinsics
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.camera_info import intrinsics_from_message
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.perception.tracking.detector_noise import tracker_config
from visrftwin_ros.site.frames import TransformBuffer
from visrftwin_ros.site.model import Camera

MOST_WAITING = 16
"""Messages that may wait for TF; older ones go."""
TF_TOLERANCE = 0.1
"""s from the nearest sample at which a moving camera's pose is still believed."""
OTHER_FRAME_AFTER_NS = 5_000_000_000


class CameraInput:
    """One camera of the site, fixed or moving.

    waiting: (ROS time of receipt, message) that came before their TF.
    """

    def __init__(self, camera: Camera, world_frame: str, transforms: TransformBuffer) -> None:
        self.name = camera.name
        self.config = tracker_config("yolo")
        self.waiting: deque[tuple[int, DetectionsMessage]] = deque(maxlen=MOST_WAITING)
        self._camera = camera
        self._world_frame = world_frame
        self._transforms = transforms
        self._lens = site_intrinsics(camera)
        self._fixed = fixed_camera(camera) if camera.pose and self._lens else None
        self._frame = ""
        self._frame_heard_ns = 0
        self._detector = "yolo"

    @property
    def moves(self) -> bool:
        """Whether TF says where it is, which may come after its detections."""
        return self._camera.pose is None

    @property
    def needs_info(self) -> bool:
        """Whether CameraInfo must give the intrinsics."""
        return self._lens is None

    def take_info(self, message: CameraInfo) -> None:
        """The lens from CameraInfo. Raises TwinError where it is none, or of another image size."""
        lens = intrinsics_from_message(message, self.name)
        wanted = (self._camera.image_width, self._camera.image_height)
        if lens.size != wanted:
            raise TwinError(
                f"camera {self.name!r}: CameraInfo is for {lens.size[0]}x{lens.size[1]} px, but the"
                f" site says {wanted[0]}x{wanted[1]}: correct one of them"
            )
        self._lens = lens
        if self._camera.pose is not None:
            calibrated = self._camera.model_copy(
                update={
                    "fx": lens.matrix[0, 0],
                    "fy": lens.matrix[1, 1],
                    "cx": lens.matrix[0, 2],
                    "cy": lens.matrix[1, 2],
                    "distortion": lens.distortion.tolist(),
                    "model": lens.kind,
                }
            )
            self._fixed = fixed_camera(calibrated)

    def check_source(self, message: DetectionsMessage, now_ns: int) -> None:
        """TwinError where another frame than before sends under this camera's name."""
        frame = message.header.frame_id
        fresh = now_ns - self._frame_heard_ns < OTHER_FRAME_AFTER_NS
        if frame and self._frame and frame != self._frame and fresh:
            raise TwinError(
                f"two cameras send as {self.name!r}: frames {self._frame!r} and {frame!r}; give one"
                " of them another name. The second is left out"
            )
        self._frame, self._frame_heard_ns = frame or self._frame, now_ns

    def detected_by(self, detector: str) -> None:
        """Sets the noise of this camera's boxes by what found them."""
        if detector != self._detector:
            self._detector, self.config = detector, tracker_config(detector)

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
        pose = self._transforms.lookup(
            self._world_frame,
            self._camera.optical_frame,
            stamp_ns,
            TF_TOLERANCE if last_try else 0.0,
        )
        rotation = pose.rotation.inv().as_matrix()
        return self._lens.posed(self.name, rotation, -rotation @ pose.position)
