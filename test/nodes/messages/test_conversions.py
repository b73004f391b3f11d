"""Messages to arrays and back: the same contract with cv_bridge and without."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cameras.image_message import image_from_message
from visrftwin_ros.errors import TwinError
from visrftwin_ros.nodes.messages.conversions import (
    bodies_from_message,
    covariance_from_message,
    detections_from_message,
    detections_message,
    image_message,
    people_message,
    stamp_message,
    stamp_ns,
)
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.feet import Feet
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.site.loading import load_site

CAMERA = fixed_camera(load_site("pets_campus").camera())
NUMBERS = st.floats(-1e3, 1e3, width=32)
STAMPS = st.integers(0, 2**31 * 10**9 - 1)


def colourful(height: int = 6, width: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def raw_image(pixels: NDArray[np.uint8], encoding: str, padding: int = 0) -> Image:
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    message = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
    message.data = array.array("B", rows.tobytes())
    return message


@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize("encoding", ["bgr8", "rgb8", "bgra8", "rgba8"])
def test_every_colour_encoding_gives_the_same_bgr(encoding: str, padding: int) -> None:
    bgr = colourful()
    pixels = bgr if encoding.startswith("bgr") else bgr[..., ::-1]
    if encoding.endswith("a8"):
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 200)], axis=-1)
    decoded = image_from_message(raw_image(pixels, encoding, padding))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, bgr)


@pytest.mark.parametrize("padding", [0, 3])
def test_grey_becomes_three_equal_channels(padding: int) -> None:
    grey = colourful()[..., 0]
    decoded = image_from_message(raw_image(grey, "mono8", padding))
    np.testing.assert_array_equal(decoded, np.repeat(grey[..., None], 3, axis=-1))


@pytest.mark.parametrize(("extension", "tolerance"), [(".jpg", 12), (".png", 0)])
def test_a_compressed_image_is_decoded_to_bgr(extension: str, tolerance: int) -> None:
    smooth = np.zeros((48, 64, 3), np.uint8)
    smooth[:] = (200, 120, 40)
    smooth[:, 32:] = (30, 60, 220)
    done, data = cv2.imencode(extension, smooth, [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert done
    message = CompressedImage(format=extension[1:], data=array.array("B", data.tobytes()))
    decoded = image_from_message(message).astype(int)
    assert decoded.shape == smooth.shape
    apart = np.abs(decoded - smooth)[:, np.r_[0:28, 36:64]]
    assert apart.max() <= tolerance


@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_an_image_comes_back_as_it_went(pixels: NDArray[np.uint8]) -> None:
    message = image_message(pixels, 1_500_000_001, "view1_optical_frame")
    assert stamp_ns(message.header.stamp) == 1_500_000_001
    assert message.header.frame_id == "view1_optical_frame"
    np.testing.assert_array_equal(image_from_message(message), pixels)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"data": array.array("B", bytes(10))}, "10 bytes"),
        ({"encoding": "martian12"}, "martian12"),
        ({"encoding": ""}, "encoding"),
        ({"width": 0}, "0 x 6"),
        ({"width": 50}, "encoding"),
    ],
)
def test_an_image_that_does_not_add_up_is_refused(change: dict[str, object], named: str) -> None:
    message = raw_image(colourful(), "rgb8")
    for field, value in change.items():
        setattr(message, field, value)
    with pytest.raises(TwinError, match=named):
        image_from_message(message)


def test_bgr_rows_shorter_than_their_width_are_refused() -> None:
    message = raw_image(colourful(), "bgr8")
    message.width = 6
    with pytest.raises(TwinError):
        image_from_message(message)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8no jpeg at all"])
def test_compressed_data_that_are_no_image_are_refused(data: bytes) -> None:
    with pytest.raises(TwinError, match="could not be decoded"):
        image_from_message(CompressedImage(format="jpeg", data=array.array("B", data)))


@given(nanoseconds=STAMPS)
def test_a_stamp_comes_back_to_the_nanosecond(nanoseconds: int) -> None:
    assert stamp_ns(stamp_message(nanoseconds)) == nanoseconds


@settings(max_examples=40)
@given(data=st.data(), count=st.integers(0, 5), size=st.integers(0, 4))
def test_detections_come_back_as_they_went(data: st.DataObject, count: int, size: int) -> None:
    def draw(*shape: int) -> NDArray[np.float64]:
        return data.draw(arrays(np.float64, shape, elements=NUMBERS))

    sent = Detections(
        stamp_ns=data.draw(STAMPS),
        camera=CAMERA.name,
        image_size=CAMERA.size,
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
    message.header.stamp = stamp_message(sent.stamp_ns)
    back = detections_from_message(message, CAMERA)
    assert (message.detector, message.camera) == ("yolo", CAMERA.name)
    assert back.stamp_ns == sent.stamp_ns
    assert back.track_id == sent.track_id
    assert back.image_size == CAMERA.size
    np.testing.assert_array_equal(back.box, sent.box)
    np.testing.assert_array_equal(back.score, sent.score)
    np.testing.assert_array_equal(back.embedding, sent.embedding if count else np.zeros((0, 0)))
    np.testing.assert_array_equal(back.feet.point, sent.feet.point)
    np.testing.assert_array_equal(back.feet.hidden, sent.feet.hidden)


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
