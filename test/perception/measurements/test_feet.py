"""Feet from masks and keypoints: where they are, when they are hidden, and what the tracker makes of
it. No released weights can be fetched here, so networks are untrained (what loads and runs) and
results are constructed (what is read out of them)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from walking_scene import CAMERA, body_boxes, seen

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector
from visrftwin_ros.perception.measurements.box_measurements import box_measurements
from visrftwin_ros.perception.measurements.feet import Feet, keypoint_feet, mask_feet
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

SIZE = (576, 768)
"""px, height and width of the images."""


def pictured(column: int, sole: int, height: int, bag: int = 0) -> np.ndarray:
    """A mask of the whole image: head, trunk, legs apart, shoes; a bag held out to the right."""
    mask = np.zeros(SIZE, np.uint8)
    top = sole - height
    cv2.circle(mask, (column, top + height // 12), height // 12, 1, -1)
    wide = height // 7
    cv2.rectangle(
        mask, (column - wide, top + height // 6), (column + wide, sole - height // 2), 1, -1
    )
    for side in (-1, 1):
        x = column + side * height // 10
        cv2.rectangle(
            mask, (x - height // 20, sole - height // 2), (x + height // 20, sole - 1), 1, -1
        )
    if bag:
        low = sole - height // 3
        cv2.rectangle(mask, (column, low - height // 8), (column + bag, low), 1, -1)
    return mask


def box_of(mask: np.ndarray) -> np.ndarray:
    """left, top, right, bottom px."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1.0, rows.max() + 1.0])


@pytest.mark.parametrize("bag", [0, 60])
def test_the_foot_of_a_mask_is_between_the_shoes_whatever_is_carried(bag: int) -> None:
    mask = pictured(300, 400, 150, bag)
    mask[430:433, 200:203] = 1  # a speck on the ground beside
    feet = mask_feet(mask[None])
    np.testing.assert_allclose(feet.point, [[300.5, 400.0]], atol=1.5)
    assert not feet.hidden.any()
    left, _, right, _ = box_of(pictured(300, 400, 150, bag))
    assert bag == 0 or abs((left + right) / 2 - 300) > 15, "the box's middle is the bag's as well"


def test_an_empty_mask_tells_nothing() -> None:
    feet = mask_feet(np.zeros((2, 20, 30), np.uint8))
    assert np.isnan(feet.point).all() and not feet.hidden.any()


def skeleton(column: float, sole: float, height: float) -> np.ndarray:
    """(17, 3) COCO keypoints of somebody upright, all seen, ankles 0.039 of the stature up."""
    points = np.full((17, 3), 0.9)
    points[:, 0] = column
    points[:, 1] = sole - 0.8 * height
    points[11:13, 1], points[11:13, 0] = sole - 0.53 * height, column + np.array([5.0, -5.0])
    points[15:17, 1], points[15:17, 0] = sole - 0.039 * height, column + np.array([14.0, -10.0])
    return points


def test_the_foot_of_a_pose_is_between_the_ankles_and_under_them() -> None:
    pose = skeleton(300, 400, 150)
    box = np.array([[260.0, 250, 345, 400]])
    feet = keypoint_feet(pose[None], box)
    np.testing.assert_allclose(feet.point, [[302.0, 400.0]], atol=0.1)
    pose[15, 2] = 0.1  # one ankle behind something: the column is the hips'
    np.testing.assert_allclose(keypoint_feet(pose[None], box).point, [[300.0, 400.0]], atol=0.1)
    assert not feet.hidden.any()


def test_a_body_without_ankles_has_its_feet_hidden_and_an_unseen_one_tells_nothing() -> None:
    behind, unseen = skeleton(300, 400, 150), skeleton(500, 400, 150)
    behind[13:, 2], unseen[:, 2] = 0.1, 0.1
    feet = keypoint_feet(np.stack([behind, unseen]), np.tile([260.0, 250, 345, 360], (2, 1)))
    assert np.isnan(feet.point).all()
    assert feet.hidden.tolist() == [True, False]
    other = keypoint_feet(np.ones((2, 21, 3)), np.ones((2, 4)))  # a hand has other points
    assert np.isnan(other.point).all() and not other.hidden.any()


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """YOLOv8n with random weights for each task, as .pt files."""
    ultralytics = pytest.importorskip("ultralytics", reason="ultralytics is not installed")
    import torch

    folder = tmp_path_factory.mktemp("networks")
    files = {}
    for task in ("seg", "pose", "cls"):
        torch.manual_seed(3)
        files[task] = folder / f"{task}.pt"
        network = ultralytics.YOLO(f"yolov8n-{task}.yaml")
        network.model.names[0] = "person"
        network.save(files[task])
    return files


@pytest.mark.parametrize("task", ["seg", "pose"])
def test_networks_with_masks_or_keypoints_load_and_run(
    untrained: dict[str, Path], task: str
) -> None:
    """Untrained, at almost no confidence: boxes of nothing, but with all that a trained one gives."""
    detector = YoloDetector(untrained[task], camera="view1", imgsz=64, confidence=1e-6)
    picture = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    found = detector.detect(picture, 0)
    assert len(found) > 0 and len(found.feet) == len(found)
    if task == "seg":
        told = np.isfinite(found.feet.point).all(axis=1)
        assert told.all(), "every box of a segmentation network has a mask"
        assert not found.feet.outside(found.corners + np.array([-13, -13, 13, 13])).any()
    clean, _ = found.clean()
    assert len(box_measurements(clean, CAMERA)) <= len(clean)


def test_an_export_says_itself_that_it_gives_masks(
    untrained: dict[str, Path], tmp_path: Path
) -> None:
    from ultralytics import YOLO

    file = untrained["seg"].rename(tmp_path / "plain.pt")  # its name does not tell
    folder = YOLO(file).export(format="openvino", imgsz=64, verbose=False)
    detector = YoloDetector(folder, confidence=1e-6)
    found = detector.detect(np.full((*SIZE, 3), 90, np.uint8), 0)
    assert detector.imgsz == 64 and np.isfinite(found.feet.point).all() and len(found)


def test_a_network_that_gives_no_boxes_is_named(untrained: dict[str, Path]) -> None:
    with pytest.raises(TwinError, match="task 'classify', not detect, segment, pose"):
        YoloDetector(untrained["cls"])


def answering(detector: YoloDetector, **columns: Any) -> YoloDetector:
    """The detector, whose network gives these results from now on."""
    import torch
    from ultralytics.engine.results import Results

    tensors = {name: torch.tensor(np.asarray(value)) for name, value in columns.items()}
    image = np.zeros((*SIZE, 3), np.uint8)
    answer = Results(image, path="", names={0: "person"}, **tensors)
    detector._model.predict = lambda *_, **__: [answer]
    return detector


def test_the_feet_of_results_are_in_pixels_of_the_image(untrained: dict[str, Path]) -> None:
    """Masks come in the network's input: 640 wide, 480 high, so 0.833 of the image."""
    whole = [pictured(300, 400, 150, 60), pictured(600, 300, 110)]
    corners = np.array([box_of(mask) for mask in whole])
    boxes = np.column_stack([corners, [0.9, 0.8], [0, 0]])
    small = np.array([cv2.resize(m, (640, 480), interpolation=cv2.INTER_NEAREST) for m in whole])
    image = np.zeros((*SIZE, 3), np.uint8)
    detector = YoloDetector(untrained["pose"], imgsz=64)
    found = answering(detector, boxes=boxes, masks=small).detect(image, 0)
    np.testing.assert_allclose(found.feet.point, [[300, 400], [600, 300]], atol=2.0)
    poses = np.array([skeleton(300, 400, 150), skeleton(600, 300, 110)])
    found = answering(detector, boxes=boxes, keypoints=poses).detect(image, 0)
    np.testing.assert_allclose(found.feet.point, [[302, 400], [602, 300]], atol=0.5)
    plain = answering(detector, boxes=boxes).detect(image, 0)
    assert np.isnan(plain.feet.point).all() and not plain.feet.hidden.any()
    rows = box_measurements(plain, CAMERA).rows
    middle = corners[:, [0, 2]].mean(axis=1)
    expected = CAMERA.undistorted(np.column_stack([middle, corners[:, 3]]))
    np.testing.assert_allclose(rows[:, :2], expected)  # without more, the box's lower edge


def placed(feet_of: Any, frames: int = 12) -> np.ndarray:
    """(N, 2) m, where the tracker shows somebody at (-8, -8) whose boxes `feet_of` completes."""
    tracker = PeopleTracker()
    place = np.array([[-8.0, -8.0]])
    for frame in range(1, frames + 1):
        people = tracker.update(feet_of(seen(frame, body_boxes(place))), CAMERA)
    return people.position


def test_known_feet_place_somebody_whose_box_holds_a_bag_too() -> None:
    def with_bag(detections: Any, told: bool) -> Any:
        x, y, width, height = detections.box[0]
        box = np.array([[x + 0.3 * width, y, 1.6 * width, height]])
        feet = Feet(np.array([[x, y + height / 2]]), np.zeros(1, dtype=bool))
        return replace(detections, box=box, feet=feet if told else Feet.unknown(1))

    off = []
    for told in (False, True):
        (place,) = placed(lambda d, told=told: with_bag(d, told))
        off.append(np.hypot(*(place - [-8.0, -8.0])))
    assert off[1] < 0.05 < 0.12 < off[0]


def test_somebody_whose_feet_are_hidden_stands_where_the_head_says() -> None:
    """Behind a wall up to the hips: the lower edge of the box is a metre up, not on the ground."""

    def behind_wall(detections: Any, hidden: bool) -> Any:
        x, y, width, height = detections.box[0]
        box = np.array([[x, y - 0.3 * height, width, 0.4 * height]])
        return replace(detections, box=box, feet=Feet(np.full((1, 2), np.nan), np.array([hidden])))

    (told,) = placed(lambda d: behind_wall(d, hidden=True))
    assert np.hypot(*(told - [-8.0, -8.0])) < 0.5
    # A whole body this short is none, and half a body is not expected without a word.
    assert not len(placed(lambda d: behind_wall(d, hidden=False)))


@pytest.mark.parametrize("wrong", [np.inf, 5000.0, -300.0])
def test_feet_far_from_their_box_are_not_believed(wrong: float) -> None:
    box = body_boxes(np.array([[-8.0, -8.0]]))
    feet = Feet(np.array([[box[0, 0], wrong]]), np.zeros(1, dtype=bool))
    clean, dropped = seen(1, box, feet=feet).clean()
    assert dropped == 0 and np.isnan(clean.feet.point).all()
