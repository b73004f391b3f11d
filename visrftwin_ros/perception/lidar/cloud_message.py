"""PointCloud2 to arrays: any layout of fields, either byte order, organised or not.

A message is anything with the fields of sensor_msgs/PointCloud2: rclpy's own, or one that rosbags
has read, so no ROS is needed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.point_cloud import PointCloud

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""sensor_msgs/PointField, constants INT8 to FLOAT64."""
Records = Callable[[Any], NDArray[np.void]]
_RINGS = ("ring", "channel", "row")
_TIMES = ("t", "time", "timestamp", "time_offset", "timeStamp")
"""Names that Velodyne, Ouster, Hesai, Robosense and Livox drivers give to these."""


def structured_points(message: Any) -> NDArray[np.void]:
    """(N,) records with the cloud's fields by name: a view of its bytes.

    TwinError on a message whose sizes or fields do not fit.
    """
    checked_size(message)
    layout = _layout(message)
    row = message.point_step * message.width
    if not row or not message.height:
        return np.zeros(0, dtype=layout)
    needed = message.row_step * message.height
    data = np.frombuffer(message.data, np.uint8, count=needed).reshape(message.height, -1)
    return np.ascontiguousarray(data[:, :row]).reshape(-1).view(layout)


def checked_size(message: Any) -> None:
    """TwinError where a cloud carries fewer bytes than it says."""
    needed = message.row_step * message.height
    if len(message.data) < needed or message.row_step < message.point_step * message.width:
        raise TwinError(
            f"a cloud says {message.width} x {message.height} points of {message.point_step} "
            f"bytes, rows of {message.row_step}, but carries {len(message.data)} bytes"
        )


def cloud_from_message(message: Any, records: Records = structured_points) -> PointCloud:
    """The returns of a sensor_msgs/PointCloud2, without those that hold NaN or infinity.

    records: what reads the points. Rows of an organised cloud are its rings where no field says so;
    its shorter side, as some drivers send columns as rows. TwinError on a message whose fields or
    sizes do not fit.
    """
    fields = {field.name: field for field in message.fields}
    missing = [name for name in "xyz" if name not in fields]
    if missing:
        raise TwinError(
            f"a cloud has no field {', '.join(missing)}; it has: {', '.join(fields) or 'none'}"
        )
    rows = records(message)
    xyz = np.empty((len(rows), 3), dtype=np.float32)
    for axis, name in enumerate("xyz"):
        if rows[name].ndim != 1 or rows.dtype[name].kind != "f":
            raise TwinError(f"the cloud's field {name!r} is not one float32 or float64 a point")
        xyz[:, axis] = rows[name]
    stamp = int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
    cloud = PointCloud(
        stamp_ns=stamp,
        frame=message.header.frame_id,
        points=xyz,
        intensity=_column(rows, ("intensity", "reflectivity", "signal")),
        ring=_rings(rows, message.height, message.width),
        seconds=_seconds(rows, stamp),
    )
    return cloud.finite()


def _layout(message: Any) -> np.dtype[np.void]:
    order = ">" if message.is_bigendian else "<"
    names, formats, offsets = [], [], []
    for field in message.fields:
        kind = _TYPES.get(field.datatype)
        if kind is None:
            raise TwinError(f"the cloud's field {field.name!r} has unknown type {field.datatype}")
        count = max(field.count, 1)  # drivers that leave it zero mean one
        if field.offset + count * np.dtype(kind).itemsize > message.point_step:
            raise TwinError(
                f"the cloud's field {field.name!r} ends behind its points' {message.point_step} "
                f"bytes"
            )
        if field.name in names:
            raise TwinError(f"the cloud has two fields {field.name!r}")
        names.append(field.name)
        formats.append(f"{order}{kind}" if count == 1 else f"({count},){order}{kind}")
        offsets.append(field.offset)
    return np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": message.point_step}
    )


def _column(rows: NDArray[np.void], names: tuple[str, ...]) -> NDArray[np.float64] | None:
    for name in names:
        if name in (rows.dtype.names or ()) and rows[name].ndim == 1:
            return rows[name].astype(np.float32)
    return None


def _rings(rows: NDArray[np.void], height: int, width: int) -> NDArray[np.int64] | None:
    for name in _RINGS:
        if name in (rows.dtype.names or ()) and rows[name].ndim == 1:
            return np.asarray(rows[name].astype(np.int64))
    if min(height, width) <= 1:
        return None
    row, column = np.divmod(np.arange(len(rows)), width)
    return row if height <= width else column


def _seconds(rows: NDArray[np.void], stamp: int) -> NDArray[np.float64] | None:
    """After the header's stamp: integers are nanoseconds, numbers of this century are dates."""
    for name in _TIMES:
        if name not in (rows.dtype.names or ()) or rows[name].ndim != 1:
            continue
        values = rows[name].astype(np.float64)
        if rows.dtype[name].kind in "iu":
            values *= 1e-9
        if len(values) and np.nanmax(values) > 1e8:
            values -= stamp * 1e-9
        return values
    return None
