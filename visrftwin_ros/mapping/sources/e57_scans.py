"""Scans of a standing scanner as E57 (ASTM E2807), each with the place that it was taken from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import MOST_POINTS
from visrftwin_ros.mapping.sources.extras import library
from visrftwin_ros.mapping.sources.las_cloud import CHUNK

_SIGNATURE = b"ASTM-E57"
_AXES = {
    "cartesian": ("cartesianX", "cartesianY", "cartesianZ"),
    "spherical": ("sphericalRange", "sphericalAzimuth", "sphericalElevation"),
}
Views = list[tuple[Float[np.ndarray, "k 3"], Float[np.ndarray, " 3"]]]


def read_e57(file: Path) -> tuple[Views, str]:
    """Points and place of each scan, m in the file's own frame, and how many of how many: each N-th of a file of
    over MOST_POINTS.

    Raises TwinError where the file is none, or has no scan with a point.
    """
    pye57 = library("pye57", file)
    with file.open("rb") as stream:
        if stream.read(len(_SIGNATURE)) != _SIGNATURE:
            raise TwinError(f"{file} is no readable E57: it does not begin with {_SIGNATURE!r}")
    views: Views = []
    try:
        opened = pye57.E57(str(file))
        try:
            headers = [opened.get_header(number) for number in range(opened.scan_count)]
            total = sum(header.point_count for header in headers)
            every = max(1, -(-total // MOST_POINTS))
            for header in headers:
                points = _points_of(opened, header, every)
                place = np.array(header.translation if header.has_pose() else np.zeros(3), float)
                if len(points) and np.isfinite(place).all():
                    views.append((points, place))
        finally:
            opened.close()
    except (pye57.libe57.E57Exception, OSError, ValueError, KeyError, RuntimeError) as error:
        raise TwinError(f"{file} is no readable E57 of points: {error}") from error
    if not views:
        raise TwinError(f"{file}: no scan with a point in it")
    kept = sum(len(points) for points, _ in views)
    return views, f"{kept} of {total} points of {len(views)} scans"


def _points_of(opened: Any, header: Any, every: int) -> Float[np.ndarray, "k 3"]:
    """Each N-th valid point of a scan, in the file's frame; CHUNK points are held at a time."""
    system = next((name for name, axes in _AXES.items() if {*axes} <= {*header.point_fields}), None)
    if system is None:
        raise ValueError(f"a scan of {', '.join(header.point_fields)} alone: no x, y, z of a point")
    invalid = f"{system}InvalidState"
    fields = [*_AXES[system], *([invalid] if invalid in header.point_fields else [])]
    data, buffers = opened.make_buffers(fields, CHUNK)
    reader = header.points.reader(buffers)
    parts, seen = [np.zeros((0, 3))], 0
    try:
        while count := reader.read():
            rows = slice(-seen % every, count, every)
            points = np.column_stack([data[axis][rows] for axis in _AXES[system]])
            if invalid in data:
                points = points[data[invalid][rows] == 0]
            parts.append(points.astype(float))
            seen += count
    finally:
        reader.close()
    points = np.concatenate(parts)
    if system == "spherical":
        away, azimuth, elevation = points.T
        level = away * np.cos(elevation)
        points = np.column_stack(
            [level * np.cos(azimuth), level * np.sin(azimuth), away * np.sin(elevation)]
        )
    points = points[np.isfinite(points).all(axis=1)]
    if header.has_pose():
        points = opened.to_global(points, header.rotation, header.translation)
    return np.asarray(points)
