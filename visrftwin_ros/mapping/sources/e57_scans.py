"""Scans of a standing scanner as E57 (ASTM E2807), each with the place that it was taken from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import MOST_POINTS
from visrftwin_ros.mapping.sources.extras import library

_SIGNATURE = b"ASTM-E57"
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
            for number, header in enumerate(headers):
                read = opened.read_scan(number, ignore_missing_fields=True)
                axes = [read[f"cartesian{axis}"][::every] for axis in "XYZ"]
                points = np.column_stack(axes)
                points = points[np.isfinite(points).all(axis=1)]
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
