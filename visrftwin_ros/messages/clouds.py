"""A LiDAR's sweeps as PointCloud2, and back from any layout of fields, either byte order, organised
or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.limits import Limits
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.messages.ros_packages import point_reader
from visrftwin_ros.messages.stamps import header, stamp_ns

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""sensor_msgs/PointField, constants INT8 to FLOAT64."""
_CODES = {name: code for code, name in _TYPES.items()}
_RINGS = ("ring", "channel", "row")
_TIMES = ("t", "time", "timestamp", "time_offset", "timeStamp")
"""Names that Velodyne, Ouster, Hesai, Robosense and Livox drivers give to these."""
_LONGEST_POINT = 65_536
"""Bytes; drivers send 16 to 48."""
_POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "t", "ring"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u4", "<u2"],
        "offsets": [0, 4, 8, 12, 16, 20],
        "itemsize": 24,
    }
)
"""Of the clouds that are made here."""


def cloud_message(
    make: Make,
    stamp: int,
    frame_id: str,
    xyz: Float[np.ndarray, "n 3"],
    intensity: Float[np.ndarray, " n"],
    ring: Int[np.ndarray, " n"],
    time: Int[np.ndarray, " n"],
) -> Any:
    """An unorganised PointCloud2 with x y z intensity [float32], t [uint32, ns], ring [uint16].

    time: ns after `stamp`.
    """
    points = np.zeros(len(xyz), _POINT)
    for axis, name in enumerate("xyz"):
        points[name] = xyz[:, axis]
    points["intensity"], points["t"], points["ring"] = intensity, time, ring
    assert _POINT.fields is not None
    fields = [
        make(
            "sensor_msgs/PointField",
            name=name,
            offset=offset,
            datatype=_CODES[kind.str[1:]],
            count=1,
        )
        for name, (kind, offset, *_) in _POINT.fields.items()
    ]
    return make(
        "sensor_msgs/PointCloud2",
        header=header(make, stamp, frame_id),
        height=1,
        width=len(points),
        fields=fields,
        is_bigendian=False,
        point_step=_POINT.itemsize,
        row_step=_POINT.itemsize * len(points),
        data=points.view(np.uint8).reshape(-1),
        is_dense=bool(np.isfinite(xyz).all()),
    )


def structured_points(message: Any) -> NDArray[np.void]:
    """(N,) records with the cloud's fields by name: by sensor_msgs_py where it can, else a view of
    the cloud's bytes.

    TwinError on a message whose sizes or fields do not fit.
    """
    _check_size(message)
    layout = _layout(message)
    row = message.point_step * message.width
    # sensor_msgs_py takes rclpy's messages, does not look at `row_step`, and swaps bytes in place.
    of_rclpy = type(message).__module__.startswith("sensor_msgs.")
    plain = row and message.row_step == row and not message.is_bigendian
    if of_rclpy and plain and (read := point_reader()):
        return read(message)
    if not row or not message.height:
        return np.zeros(0, dtype=layout)
    needed = message.row_step * message.height
    data = np.frombuffer(message.data, np.uint8, count=needed).reshape(message.height, -1)
    return np.ascontiguousarray(data[:, :row]).reshape(-1).view(layout)


def _check_size(message: Any) -> None:
    """TwinError where a cloud carries fewer bytes than it says."""
    needed = message.row_step * message.height
    if len(message.data) < needed or message.row_step < message.point_step * message.width:
        raise TwinError(
            f"a cloud says {message.width} x {message.height} points of {message.point_step} "
            f"bytes, rows of {message.row_step}, but carries {len(message.data)} bytes"
        )


def cloud_from_message(message: Any, most_points: int = Limits.points) -> PointCloud:
    """The returns of a sensor_msgs/PointCloud2, without those that hold NaN or infinity.

    Rows of an organised cloud are its rings where no field says so; its shorter side, as some
    drivers send columns as rows. TwinError on a message whose fields or
    sizes do not fit, or of more than `most_points`.
    """
    if message.width * message.height > most_points:
        raise TwinError(
            f"a cloud of {message.width} x {message.height} points: at most {most_points} are taken"
            " (parameter limits.points)"
        )
    fields = {field.name: field for field in message.fields}
    missing = [name for name in "xyz" if name not in fields]
    if missing:
        raise TwinError(
            f"a cloud has no field {', '.join(missing)}; it has: {', '.join(fields) or 'none'}"
        )
    rows = structured_points(message)
    xyz = np.empty((len(rows), 3), dtype=np.float32)
    for axis, name in enumerate("xyz"):
        if rows[name].ndim != 1 or rows.dtype[name].kind != "f":
            raise TwinError(f"the cloud's field {name!r} is not one float32 or float64 a point")
        xyz[:, axis] = rows[name]
    stamp = stamp_ns(message.header.stamp)
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
    if message.point_step > _LONGEST_POINT:
        raise TwinError(f"points of {message.point_step} bytes: at most {_LONGEST_POINT} are taken")
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
