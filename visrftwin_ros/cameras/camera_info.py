"""What sensor_msgs/CameraInfo says of a site's camera."""

from __future__ import annotations

from dataclasses import dataclass

from visrftwin_ros.site.model import Camera


@dataclass(frozen=True)
class CameraCalibration:
    """The fields of sensor_msgs/CameraInfo that are calibration, row-major."""

    distortion_model: str
    d: list[float]
    k: list[float]
    r: list[float]
    p: list[float]


def camera_calibration(camera: Camera) -> CameraCalibration:
    """Of a camera whose intrinsics the site knows; others and panoramas have no K."""
    r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    if camera.intrinsics is None:
        return CameraCalibration("", [], [0.0] * 9, r, [0.0] * 12)
    fx, fy, cx, cy = camera.intrinsics
    if camera.model == "fisheye":
        model, none = "equidistant", [0.0] * 4
    else:
        model = "rational_polynomial" if len(camera.distortion) == 8 else "plumb_bob"
        none = [0.0] * 5
    return CameraCalibration(
        distortion_model=model,
        d=[float(v) for v in (camera.distortion or none)],
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=r,
        p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
