"""The detectors: what they see, and what they say to bad weights and images."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from walking_scene import CAMERA, body_boxes, stamp

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.clothing_colours import clothing_colours
from visrftwin_ros.perception.detection import motion_detector
from visrftwin_ros.perception.detection.detector import make_detector
from visrftwin_ros.perception.detection.motion_detector import MotionDetector
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector
from visrftwin_ros.perception.measurements.detections import Detections


def street(places: np.ndarray, shade: int = 30) -> np.ndarray:
    """A grey street with dark upright people on ground points (N, 2) m, and camera noise."""
    random = np.random.default_rng(abs(int(1000 * places.sum())) if len(places) else 0)
    image = np.full((576, 768, 3), 128.0)
    for x, y, width, height in body_boxes(places):
        center = (round(x), round(y))
        cv2.ellipse(
            image, center, (round(width / 2), round(height / 2)), 0, 0, 360, (shade,) * 3, -1
        )
    return np.clip(image + random.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def learned(detector: MotionDetector, frames: int = 30) -> None:
    for k in range(frames):
        detector.detect(street(np.zeros((0, 2))), stamp(k))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((576, 768), np.uint8),
        np.zeros((576, 768, 3), np.float32),
        np.zeros((576, 768, 4), np.uint8),
        np.zeros((0, 768, 3), np.uint8),
        None,
    ],
)
def test_what_is_no_8_bit_bgr_image_is_refused(image: np.ndarray | None) -> None:
    with pytest.raises(TwinError, match="image"):
        MotionDetector(CAMERA).detect(image, 0)


def test_motion_refuses_an_image_of_another_size_with_both_sizes() -> None:
    with pytest.raises(TwinError, match=r"640x480.*768x576"):
        MotionDetector(CAMERA).detect(np.zeros((480, 640, 3), np.uint8), 0)


def test_motion_finds_people_where_they_stand_after_learning_the_street() -> None:
    detector = MotionDetector(CAMERA)
    assert len(detector.detect(street(np.array([[-8.0, -8.0]])), 0)) == 0  # it learns
    learned(detector)
    places = np.array([[-10.0, -8.0], [-7.0, -9.0], [-9.0, -11.0]])
    found = detector.detect(street(places), stamp(40))
    feet = np.column_stack([found.box[:, 0], found.corners[:, 3]])
    ground, valid = CAMERA.ground_points(feet)
    assert valid.all() and len(found) == 3
    apart = np.linalg.norm(ground[:, None] - places[None], axis=2)
    assert np.all(apart.min(axis=0) < 0.4) and np.all(found.score > 0.5)


def test_motion_tells_two_people_side_by_side_apart() -> None:
    detector = MotionDetector(CAMERA)
    learned(detector)
    across = CAMERA.rotation[0, :2] / np.linalg.norm(CAMERA.rotation[0, :2])
    places = np.array([[-9.0, -9.0], [-9.0, -9.0] + 0.6 * across])
    assert len(detector.detect(street(places), stamp(40))) == 2


def test_motion_sees_no_person_in_an_empty_street_a_car_or_a_flicker() -> None:
    detector = MotionDetector(CAMERA)
    learned(detector)
    assert len(detector.detect(street(np.zeros((0, 2))), stamp(40))) == 0
    low = street(np.zeros((0, 2)))
    cv2.rectangle(low, (300, 300), (309, 309), (20, 20, 20), -1)
    assert len(detector.detect(low, stamp(41))) == 0


def test_motion_takes_sun_on_a_wall_for_no_person() -> None:
    random = np.random.default_rng(5)
    wall = cv2.resize(random.integers(60, 160, (144, 192, 3), dtype=np.uint8), (768, 576))
    detector = MotionDetector(CAMERA)
    for k in range(30):
        detector.detect(
            np.clip(wall + random.normal(0, 2, wall.shape), 0, 255).astype(np.uint8), stamp(k)
        )
    x, y, width, height = body_boxes(np.array([[-9.0, -9.0]]))[0]
    region = np.s_[
        int(y - height / 2) : int(y + height / 2), int(x - width / 2) : int(x + width / 2)
    ]
    lit, person = wall.copy(), wall.copy()
    lit[region] = np.minimum(wall[region] * 1.5, 255).astype(np.uint8)
    person[region] = 25
    assert len(detector.detect(lit, stamp(40))) == 0
    assert len(detector.detect(person, stamp(41))) == 1


def test_motion_keeps_seeing_who_stands_still_and_forgets_a_new_thing_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(motion_detector, "HISTORY", 60)
    monkeypatch.setattr(motion_detector, "ABSORB_EVERY", 4)
    detector = MotionDetector(CAMERA)
    learned(detector)
    there = street(np.array([[-9.0, -9.0]]))
    counts = [len(detector.detect(there, stamp(40 + k))) for k in range(150)]
    assert min(counts[:30]) == 1 and counts[-1] == 0


def test_reset_learns_another_street() -> None:
    detector = MotionDetector(CAMERA)
    learned(detector)
    detector.reset()
    there = street(np.array([[-9.0, -9.0]]))
    assert not any(len(detector.detect(there, stamp(k))) for k in range(40))


def test_missing_weights_are_named_with_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match=r"nowhere/best\.pt.*\.onnx"):
        YoloDetector(tmp_path / "nowhere/best.pt")


@pytest.mark.parametrize("name", ["broken.pt", "broken.onnx", "broken_openvino_model"])
def test_unreadable_weights_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("_model"):
        path.mkdir()
    else:
        path.write_bytes(b"no network in here" * 100)
    with pytest.raises(TwinError, match=name):
        YoloDetector(path)


def test_without_weights_the_motion_detector_runs_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        chosen = make_detector("yolo", "", CAMERA)
    assert chosen.detector.kind == "motion"
    assert "motion detector runs instead" in chosen.warning and chosen.warning in caplog.text


def test_a_network_that_cannot_be_fetched_gives_motion_and_a_missing_file_an_error(
    tmp_path: Path,
) -> None:
    chosen = make_detector("yolo", "no_such_network.pt", CAMERA)
    assert chosen.detector.kind == "motion" and "no_such_network.pt" in chosen.warning
    with pytest.raises(TwinError, match="no detector weights"):
        make_detector("yolo", tmp_path / "best.pt", CAMERA)
    chosen = make_detector("auto", tmp_path / "best.pt", CAMERA)
    assert chosen.detector.kind == "motion" and "best.pt" in chosen.warning


def test_motion_by_choice_needs_no_warning_and_an_unknown_kind_is_refused() -> None:
    assert make_detector("motion", "", CAMERA).warning == ""
    with pytest.raises(TwinError, match="choose auto, yolo, motion"):
        make_detector("hog", "", CAMERA)


def test_importing_perception_loads_no_network_library() -> None:
    code = (
        "import sys, visrftwin_ros.perception.sources.video_tracks, visrftwin_ros.perception.detection.yolo_detector;"
        "heavy = {'torch', 'ultralytics', 'openvino', 'rclpy', 'sionna'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_network_starts_and_sees_without_torchvision() -> None:
    code = (
        "import sys; from visrftwin_ros.lab import shipped;"
        "from visrftwin_ros.perception.detection.yolo_detector import YoloDetector;"
        "YoloDetector(shipped.WEIGHTS); sys.exit('torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("weights", "imgsz"),
    [
        ("yolov8n320_int8_openvino_model", 320),
        ("yolov8n_int8_openvino_model", 640),
        ("yolov8n_dequant.pt", 640),
    ],
)
def test_yolo_sees_the_people_of_a_real_image_and_follows_them(
    test_data: Path, weights: str, imgsz: int
) -> None:
    capture = cv2.VideoCapture(str(test_data / "pets/vtest.avi"))
    detector = YoloDetector(test_data / "detector" / weights, camera="view1")
    assert detector.imgsz == imgsz
    names: list[set[str]] = []
    for k in range(1, 4):
        found = detector.detect(capture.read()[1], stamp(k))
        sure = found.where(found.score > 0.5)
        names.append(set(sure.track_id))
    assert len(sure) == 3 and names[0] == names[1] == names[2] and "" not in names[0]
    assert found.camera == "view1" and found.image_size == (768, 576) and found.stamp_ns == stamp(3)
    np.testing.assert_allclose(np.linalg.norm(found.embedding, axis=1), 1.0)
    # Truth of frame 1, two frames on: feet within a step.
    feet = np.column_stack([sure.box[:, 0], sure.corners[:, 3]])
    apart = np.abs(
        feet[:, None] - np.array([[514.5, 233.2], [274.5, 307.7], [653.7, 323.1]])[None]
    ).max(axis=2)
    assert apart.min(axis=0).max() < 25
    detector.reset()
    assert set(detector.detect(capture.read()[1], stamp(4)).track_id) >= {"1", "2", "3"}


def test_colours_tell_clothes_apart_and_hold_under_noise() -> None:
    random = np.random.default_rng(1)
    image = np.zeros((100, 200, 3), np.uint8)
    boxes = np.array(
        [[10.0, 10, 40, 90], [80.0, 10, 110, 90], [150.0, 10, 180, 90], [500.0, 500, 520, 560]]
    )
    colours = [(40, 40, 200), (150, 60, 40), (40, 40, 200)]
    for (left, top, right, bottom), colour in zip(boxes.astype(int)[:3], colours, strict=True):
        image[top:bottom, left:right] = colour
    image = np.clip(image + random.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    embedding = clothing_colours(image, boxes)
    alike = embedding @ embedding.T
    assert alike[0, 2] > 0.98 and alike[0, 1] < 0.9
    assert not embedding[3].any()  # outside the image: none, not a made-up one


def test_detections_drop_what_cannot_be_measured_and_count_it() -> None:
    box = np.array(
        [[10, 10, 5, 5], [np.nan, 1, 1, 1], [1, 1, -1, 1], [1, 1, 1, np.inf], [2, 2, 2, 2.0]]
    )
    embedding = np.eye(5)
    embedding[0] = np.nan
    detections = Detections(
        0, "c", (20, 20), box, np.array([0.5, 0.5, 0.5, 0.5, 1.5]), tuple("abcde"), embedding
    )
    clean, dropped = detections.clean()
    assert dropped == 4 and clean.track_id == ("a",) and not clean.embedding.any()
    assert clean.clean() == (clean, 0)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 track ids for 1 boxes"):
        Detections(0, "c", (20, 20), np.ones((1, 4)), np.ones(1), ("a", "b"))
