"""The detector's own tracker links boxes from image to image, whichever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector


@pytest.mark.parametrize("name", ["bytetrack", "botsort"])
def test_the_same_people_keep_their_box_tracks(test_data: Path, name: str) -> None:
    weights = test_data / "detector" / "yolov8n_int8_openvino_model"
    detector = YoloDetector(weights, camera="view1", box_tracker=name)
    named: list[set[str]] = []
    for number, image in Recording(test_data / "pets" / "vtest.avi").frames():
        if number > 12:
            break
        named.append({i for i in detector.detect(image, number * 10**8).track_id if i})
    assert len(named[-1]) >= 3 and len(set.union(*named)) <= len(named[-1]) + 4
    assert len(named[2] & named[-1]) >= 3


def test_an_unknown_box_tracker_is_named(test_data: Path) -> None:
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"
    with pytest.raises(TwinError, match="'magic'; choose bytetrack, botsort"):
        YoloDetector(weights, box_tracker="magic")
