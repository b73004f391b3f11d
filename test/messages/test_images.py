"""Images in any encoding become the same arrays: with cv_bridge and without."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.images import image_from_message


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
