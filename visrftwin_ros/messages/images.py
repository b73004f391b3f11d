"""Images as Image and CompressedImage, and back from any common encoding."""

from __future__ import annotations

import array
import re
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.image_size import coded_size
from visrftwin_ros.messages.limits import Limits
from visrftwin_ros.messages.ros_packages import image_decoder
from visrftwin_ros.messages.stamps import header

_CHANNELS = {"bgr": 3, "rgb": 3, "bgra": 4, "rgba": 4, "mono": 1, "bayer": 1}
_ENCODING = re.compile(
    r"(?P<colour>bgra?|rgba?|mono|bayer)(_[a-z]{4})?(?P<bits>8|16)"
    r"|(?P<cv_bits>8|16|32|64)[USF]C(?P<cv_channels>\d)"
)
"""Of sensor_msgs/image_encodings.hpp, those of whole pixels in one plane."""


def image_message(make: Make, image: UInt8[np.ndarray, "h w 3"], stamp: int, frame_id: str) -> Any:
    """A bgr8 Image."""
    height, width = image.shape[:2]
    return make(
        "sensor_msgs/Image",
        header=header(make, stamp, frame_id),
        height=height,
        width=width,
        encoding="bgr8",
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(image).reshape(-1),
    )


def compressed_image_message(
    make: Make, jpeg: UInt8[np.ndarray, " n"], stamp: int, frame_id: str
) -> Any:
    """A CompressedImage of a BGR image's JPEG."""
    return make(
        "sensor_msgs/CompressedImage",
        header=header(make, stamp, frame_id),
        format="bgr8; jpeg compressed bgr8",  # as image_transport names it
        data=jpeg,
    )


def image_from_message(message: Any, most_pixels: int = Limits.pixels) -> NDArray[np.uint8]:
    """(H, W, 3) BGR of an Image in any common encoding, or of a CompressedImage in JPEG or PNG.

    cv_bridge where the ROS installation has it, rosbags-image elsewhere. TwinError on a message
    whose data do not fit its encoding and size, of more than `most_pixels`, or that cannot be
    decoded.
    """
    if hasattr(message, "format"):
        return decoded_image(np.frombuffer(message.data, np.uint8), most_pixels)
    check_pixels(message.width, message.height, most_pixels)
    expected = message.step * message.height
    if message.height == 0 or message.width == 0 or len(message.data) != expected:
        raise TwinError(
            f"an image says {message.width} x {message.height}, step {message.step} "
            f"({expected} bytes) but carries {len(message.data)} bytes"
        )
    if message.encoding == "bgr8" and message.step == 3 * message.width:
        flat = np.frombuffer(message.data, np.uint8)
        return flat.reshape(message.height, message.width, 3)
    try:
        return _decode(message)
    except Exception as error:  # the two libraries raise types of their own
        raise TwinError(
            f"image encoding {message.encoding!r} is not understood: {error}"
        ) from error


def decoded_image(data: UInt8[np.ndarray, " n"], most_pixels: int) -> UInt8[np.ndarray, "h w 3"]:
    """BGR of the bytes of a JPEG or PNG file; TwinError where they are none, or of more pixels,
    before memory is taken for them."""
    size = coded_size(data.tobytes())
    if size is None:
        raise TwinError(
            f"a compressed image could not be decoded: its {len(data)} bytes are neither a JPEG nor"
            " a PNG"
        )
    check_pixels(*size, most_pixels)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise TwinError(f"a compressed image could not be decoded: {error.err}") from error
    if image is None:
        raise TwinError(f"a compressed image of {size[0]} x {size[1]} px could not be decoded")
    return np.asarray(image, np.uint8)


def check_pixels(width: int, height: int, most_pixels: int) -> None:
    """TwinError on an image of more."""
    if width * height > most_pixels:
        raise TwinError(
            f"an image of {width} x {height} px: at most {most_pixels} pixels are taken"
            " (parameter limits.pixels)"
        )


def _decode(message: Any) -> NDArray[np.uint8]:
    plain = _without_padding(message)
    if decode := image_decoder():
        return decode(plain)
    from rosbags.image import message_to_cvimage

    return np.asarray(message_to_cvimage(plain, "bgr8"))


def _without_padding(message: Any) -> Any:
    """The image with rows as long as its pixels: rosbags-image does not look at `step`, and cv_bridge
    takes it for whole pixels."""
    kind = _ENCODING.fullmatch(message.encoding)
    if kind is None:
        return message
    bits = int(kind["bits"] or kind["cv_bits"])
    channels = int(kind["cv_channels"] or 0) or _CHANNELS[kind["colour"]]
    row = message.width * channels * bits // 8
    if message.step < row:
        raise TwinError(f"rows of {message.step} bytes hold less than {message.width} pixels")
    if message.step == row:
        return message
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    fields = ("header", "height", "width", "encoding", "is_bigendian")
    kept = {name: getattr(message, name) for name in fields}
    return type(message)(**kept, step=row, data=_as_sequence(rows[:, :row], message.data))


def _as_sequence(rows: NDArray[np.uint8], like: Any) -> Any:
    """The bytes as rosbags wants them, where `like` is an array, or rclpy."""
    return rows.ravel() if isinstance(like, np.ndarray) else array.array("B", rows.tobytes())
