"""Cameras as CameraInfo, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from visrftwin_ros.cameras.camera_info import camera_calibration
from visrftwin_ros.cameras.camera_models import Intrinsics, info_intrinsics
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.site.model import Camera


def camera_info_message(make: Make, camera: Camera, stamp: int, frame_id: str) -> Any:
    """Of a camera whose intrinsics the site knows; a panorama's has its size and no K."""
    known = camera_calibration(camera)
    region = make(
        "sensor_msgs/RegionOfInterest",
        **dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0),
        do_rectify=False,
    )
    return make(
        "sensor_msgs/CameraInfo",
        header=header(make, stamp, frame_id),
        height=camera.image_height,
        width=camera.image_width,
        distortion_model=known.distortion_model,
        d=np.array(known.d, dtype=np.float64),
        k=np.array(known.k, dtype=np.float64),
        r=np.array(known.r, dtype=np.float64),
        p=np.array(known.p, dtype=np.float64),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def intrinsics_from_message(message: Any, camera: str) -> Intrinsics:
    """TwinError where a CameraInfo is no calibration, or of a model that is not known."""
    size = (int(message.width), int(message.height))
    matrix = np.array(message.k, dtype=np.float64).reshape(3, 3)
    distortion = np.array(message.d, dtype=np.float64)
    return info_intrinsics(camera, message.distortion_model, size, matrix, distortion)
