"""Detections and tracked people become messages and arrays again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.people import bodies_from_message, covariance_from_message
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import Detections as DetectionsMessage
from visrftwin_ros.nodes.messages.conversions import (
    detections_from_message,
    detections_message,
    people_message,
)
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.feet import Feet
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.site.loading import load_site

CAMERA = fixed_camera(load_site("pets_campus").camera())
NUMBERS = st.floats(-1e3, 1e3, width=32)
STAMPS = st.integers(0, 2**31 * 10**9 - 1)


@settings(max_examples=40)
@given(data=st.data(), count=st.integers(0, 5), size=st.integers(0, 4))
def test_detections_come_back_as_they_went(data: st.DataObject, count: int, size: int) -> None:
    def draw(*shape: int) -> NDArray[np.float64]:
        return data.draw(arrays(np.float64, shape, elements=NUMBERS))

    sent = Detections(
        stamp_ns=data.draw(STAMPS),
        camera=CAMERA.name,
        image_size=(641, 479),
        box=draw(count, 4),
        score=draw(count),
        track_id=tuple(str(i) if i % 2 else "" for i in range(count)),
        embedding=draw(count, size),
        feet=Feet(
            point=np.where(np.arange(count)[:, None] % 3 == 0, draw(count, 2), np.nan),
            hidden=np.arange(count) % 3 == 1,
        ),
    )
    message = detections_message(sent, "yolo")
    message.header.stamp = stamp_message(made, sent.stamp_ns)
    back = detections_from_message(message, CAMERA.name)
    assert (message.detector, message.camera) == ("yolo", CAMERA.name)
    assert back.stamp_ns == sent.stamp_ns
    assert back.track_id == sent.track_id
    assert back.image_size == sent.image_size
    np.testing.assert_array_equal(back.box, sent.box)
    np.testing.assert_array_equal(back.score, sent.score)
    np.testing.assert_array_equal(back.embedding, sent.embedding if count else np.zeros((0, 0)))
    np.testing.assert_array_equal(back.feet.point, sent.feet.point)
    np.testing.assert_array_equal(back.feet.hidden, sent.feet.hidden)


def test_boxes_of_a_sender_that_tells_no_size_are_refused() -> None:
    with pytest.raises(TwinError, match=r"'view1'.*image_width"):
        detections_from_message(DetectionsMessage(detector="yolo"), "view1")


@settings(max_examples=40)
@given(data=st.data(), count=st.integers(0, 5))
def test_people_become_the_bodies_that_stand_in_the_way(data: st.DataObject, count: int) -> None:
    def draw(*shape: int) -> NDArray[np.float64]:
        return data.draw(arrays(np.float64, shape, elements=NUMBERS))

    sent = People(
        stamp_ns=data.draw(STAMPS),
        ids=tuple(f"p{i}" for i in range(count)),
        position=draw(count, 2),
        velocity=draw(count, 2),
        covariance=draw(count, 4, 4),
        height=draw(count),
        heading=draw(count),
        existence=draw(count),
        score=draw(count),
        seen_by=tuple(("view1",) if i % 2 else () for i in range(count)),
    )
    message = people_message(sent, "world")
    bodies = bodies_from_message(message)
    assert (message.header.frame_id, stamp_ns(message.header.stamp)) == ("world", sent.stamp_ns)
    assert bodies.ids == sent.ids
    assert [tuple(p.seen_by) for p in message.people] == list(sent.seen_by)
    np.testing.assert_array_equal(bodies.position[:, :2], sent.position)
    np.testing.assert_array_equal(bodies.position[:, 2], 0.0)
    np.testing.assert_array_equal(bodies.velocity[:, :2], sent.velocity)
    np.testing.assert_array_equal(bodies.height, sent.height)
    np.testing.assert_array_equal(bodies.heading, sent.heading)
    np.testing.assert_array_equal(covariance_from_message(message), sent.covariance)
    assert (bodies.width > 0.2).all()
    assert (bodies.depth > 0.1).all()
