"""A synthetic street for the tests: a camera, walkers, and the boxes they should give."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.benchmarks.simulated import arrivals as simulated
from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.site.model import Camera

RATE = 7.0
PETS = Camera(
    name="view1",
    image_width=768,
    image_height=576,
    fx=1215.79,
    fy=1215.79,
    cx=384.0,
    cy=288.0,
    rvec=(1.66663581, -0.95578008, 0.65726643),
    t=(-0.93612317, -3.32737884, 36.04875033),
    frame_rate=RATE,
)
CAMERA = fixed_camera(PETS)


def stamp(frame: float) -> int:
    """ns of a frame, from 1."""
    return 1_000_000_000_000 + round((frame - 1) / RATE * 1e9)


def body_boxes(
    places: np.ndarray, height: float = 1.72, camera: CameraModel = CAMERA
) -> np.ndarray:
    """(N, 4) boxes, centre and extent px, of upright people on ground points (N, 2) m."""
    return simulated.body_boxes(places, camera, height)


def seen(frame: float, boxes: np.ndarray, score: float = 0.8, **columns: object) -> Detections:
    """Detections of boxes in a frame of the synthetic street."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    scores = np.full(len(boxes), score)
    return Detections(
        stamp(frame), CAMERA.name, CAMERA.size, boxes, scores, ("",) * len(boxes), **columns
    )


def walk(frame: float, start: tuple[float, float], velocity: tuple[float, float]) -> np.ndarray:
    """(1, 2) m, where a walker is in a frame."""
    return np.array([start]) + (frame - 1) / RATE * np.array([velocity])
