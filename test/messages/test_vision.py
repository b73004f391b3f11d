"""vision_msgs/Detection2DArray: our boxes go out and come back, and those of others are understood."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.limits import Limits, check_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.messages.vision import KIND, people_of_vision, vision_message
from visrftwin_ros.nodes.messages.message_types import made

SIZE = (640, 480)
STAMP = 1_700_000_000_123_456_789


def seen(*classes: tuple[str, float], x: float = 100.0, theta: float = 0.0) -> Detection2D:
    """An object of 40 x 120 px, with what it may be."""
    found = Detection2D(id="7")
    for name, score in classes:
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = name, score
        found.results.append(hypothesis)
    found.bbox.center.position.x, found.bbox.center.position.y = x, 200.0
    found.bbox.center.theta, found.bbox.size_x, found.bbox.size_y = theta, 40.0, 120.0
    return found


def test_boxes_come_back_over_the_wire() -> None:
    box = np.array([[10.5, 20.0, 4.0, 8.0], [600.0, 400.0, 30.0, 70.0]])
    score = np.array([0.25, 0.9])
    sent = vision_message(made, STAMP, "cam", box, score, ("a", ""))
    back = deserialize_message(serialize_message(sent), Detection2DArray)
    assert (stamp_ns(back.header.stamp), back.header.frame_id) == (STAMP, "cam")
    boxes, scores, names = people_of_vision(back, ("person",), SIZE)
    np.testing.assert_array_equal(boxes, box)
    np.testing.assert_array_equal(scores, score)
    assert names == ("a", "")


def test_of_many_classes_people_are_taken_where_they_are_the_likeliest() -> None:
    message = Detection2DArray(
        detections=[
            seen(("dog", 0.3), ("person", 0.6)),
            seen(("dog", 0.7), ("person", 0.2)),
            seen(("0", 0.5), x=300.0),
            seen(),
        ]
    )
    boxes, scores, _ = people_of_vision(message, ("person", "0"), SIZE)
    assert boxes[:, 0].tolist() == [100.0, 300.0]
    assert scores.tolist() == [0.6, 0.5]


def test_a_turned_box_has_the_upright_one_around_it() -> None:
    message = Detection2DArray(detections=[seen(("person", 1.0), theta=np.pi / 2)])
    boxes, *_ = people_of_vision(message, ("person",), SIZE)
    np.testing.assert_allclose(boxes[0], [100.0, 200.0, 120.0, 40.0])


def test_what_cannot_be_of_this_camera_is_refused() -> None:
    with pytest.raises(TwinError, match="beyond an image of 640 x 480 px"):
        people_of_vision(
            Detection2DArray(detections=[seen(("person", 1.0), x=900.0)]), ("person",), SIZE
        )
    message = Detection2DArray(detections=[seen(("person", 1.0), x=np.nan)])
    message.header.stamp.sec = 5
    with pytest.raises(TwinError, match="no number"):
        check_message(KIND, message, Limits(), 0)
    message.detections = [seen(("person", 1.0)) for _ in range(3)]
    assert "only the first 2" in check_message(KIND, message, Limits(boxes=2), 0)
    assert len(message.detections) == 2
