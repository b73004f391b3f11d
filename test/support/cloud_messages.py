"""PointCloud2 messages as drivers send them."""

from __future__ import annotations

import array
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.nodes.messages.message_types import made

TYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}


def cloud_message(
    columns: Mapping[str, NDArray[np.generic]],
    stamp_ns: int,
    frame: str,
    *,
    shape: tuple[int, int] | None = None,
    padding: int = 0,
    row_padding: int = 0,
    big_endian: bool = False,
) -> PointCloud2:
    """Fields in the given order, `padding` bytes after each; unorganised without a shape."""
    count = len(next(iter(columns.values())))
    height, width = shape or (1, count)
    order = ">" if big_endian else "<"
    offset, fields, formats, offsets = 0, [], [], []
    for name, values in columns.items():
        code = values.dtype.str[1:]
        fields.append(PointField(name=name, offset=offset, datatype=TYPES[code], count=1))
        formats.append(order + code)
        offsets.append(offset)
        offset += values.dtype.itemsize + padding
    layout = np.dtype(
        {"names": list(columns), "formats": formats, "offsets": offsets, "itemsize": offset}
    )
    rows = np.zeros(count, dtype=layout)
    for name, values in columns.items():
        rows[name] = values
    data = np.zeros((height, width * offset + row_padding), np.uint8)
    data[:, : width * offset] = rows.view(np.uint8).reshape(height, width * offset)
    message = PointCloud2(
        height=height,
        width=width,
        fields=fields,
        is_bigendian=big_endian,
        point_step=offset,
        row_step=data.shape[1],
        data=array.array("B", data.tobytes()),
        is_dense=False,
    )
    message.header.stamp = stamp_message(made, stamp_ns)
    message.header.frame_id = frame
    return message


def xyz_message(
    points: NDArray[np.floating], stamp_ns: int, frame: str = "lidar", **options: object
) -> PointCloud2:
    """x, y, z as float32 of (N, 3) or organised (H, W, 3) points."""
    shape = points.shape[:2] if points.ndim == 3 else None
    flat = points.reshape(-1, 3).astype(np.float32)
    columns = {name: flat[:, axis] for axis, name in enumerate("xyz")}
    return cloud_message(columns, stamp_ns, frame, shape=shape, **options)  # type: ignore[arg-type]
