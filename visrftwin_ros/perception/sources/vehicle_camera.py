"""One camera's boxes as measurements of vehicles."""

from __future__ import annotations

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.detections import PERSON, Detections
from visrftwin_ros.perception.measurements.vehicle_boxes import vehicles_in_boxes
from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements


class VehicleCamera:
    """Knows whether a camera's detector tells of vehicles: it did once. Until then, that it shows none
    says nothing of those that others see."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tells = False

    def measured(self, detections: Detections, camera: CameraModel) -> VehicleMeasurements | None:
        """The vehicles of one image; None of a camera that never told of any.

        TwinError where the image's size is not the calibration's.
        """
        if detections.image_size != camera.size:
            raise TwinError(
                f"camera {camera.name!r}: an image of {detections.image_size[0]}x"
                f"{detections.image_size[1]} px, but the calibration is for "
                f"{camera.size[0]}x{camera.size[1]}; use the calibration's size or recalibrate"
            )
        clean, _ = detections.clean()
        self.tells |= any(kind != PERSON for kind in clean.kind)
        return vehicles_in_boxes(clean, camera) if self.tells else None
