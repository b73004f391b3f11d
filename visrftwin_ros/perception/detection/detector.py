"""Which detector runs, and what is said when it is not the one that was wanted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.detections import Detections

LOG = logging.getLogger(__name__)
DetectorKind = Literal["auto", "yolo", "motion"]


@runtime_checkable
class Detector(Protocol):
    """What finds people, and vehicles where it knows them, in the images of one camera.

    vehicles: the classes of those that it was asked for and knows. sees: how far people are seen, in
    words; '' where it cannot say.
    """

    kind: str
    vehicles: tuple[str, ...]

    @property
    def sees(self) -> str:
        """See above."""

    def detect(self, image_bgr: Any, stamp_ns: int) -> Detections:
        """Who and what is in an 8-bit BGR image taken at a ROS time [ns]."""

    def reset(self) -> None:
        """Forget the stream."""


@dataclass(frozen=True)
class ChosenDetector:
    """A detector, and why it is not the wanted one: '' where it is. For the diagnostics."""

    detector: Detector
    warning: str = ""


def make_detector(
    kind: str,
    weights: str | Path,
    camera: CameraModel | None,
    *,
    name: str = "",
    imgsz: int | None = None,
    confidence: float = 0.1,
    threads: int = 2,
    box_tracker: str = "bytetrack",
    vehicles: bool = False,
    tiles: int = 0,
) -> ChosenDetector:
    """The detector of a camera, or of the moving camera `name`.

    'motion': background subtraction. 'yolo': the network in `weights`; without weights, or where a
    released network's bare name cannot be fetched, the motion detector and a warning. 'auto': the
    same, also where the file is missing or unreadable. Raises TwinError where 'yolo' was asked for
    with a path that cannot be loaded, for an unknown kind, and for motion of a moving camera.
    """
    if kind not in get_args(DetectorKind):
        raise TwinError(f"no detector of kind {kind!r}; choose {', '.join(get_args(DetectorKind))}")
    name = camera.name if camera is not None else name
    if kind == "motion":
        return ChosenDetector(_motion_detector(camera, name))
    reason = "no weights are given"
    if str(weights).strip():
        from visrftwin_ros.perception.detection.yolo_detector import YoloDetector, is_released_name

        try:
            return ChosenDetector(
                YoloDetector(
                    weights,
                    camera=name,
                    imgsz=imgsz,
                    confidence=confidence,
                    threads=threads,
                    box_tracker=box_tracker,
                    vehicles=vehicles,
                    tiles=tiles,
                    standing=camera,
                )
            )
        except TwinError as error:
            if kind == "yolo" and not is_released_name(weights):
                raise
            reason = str(error)
    warning = (
        f"camera {name!r}: the motion detector runs instead of YOLO, because {reason}."
        " It needs a fixed camera, learns the background first, and sees worse in groups"
    )
    LOG.warning(warning)
    return ChosenDetector(_motion_detector(camera, name), warning)


def _motion_detector(camera: CameraModel | None, name: str) -> Detector:
    from visrftwin_ros.perception.detection.motion_detector import MotionDetector

    if camera is None:
        raise TwinError(
            f"camera {name!r} moves, and the motion detector needs a fixed one: give detector weights"
        )
    return MotionDetector(camera)
