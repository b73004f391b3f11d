"""Whether a LiDAR's sweeps are measured: a driver that stands still sends the last one again."""

from __future__ import annotations

import zlib

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud

STRIDE = 4
"""Every fourth return is looked at."""


class SweepWatch:
    """Looks at one LiDAR's sweeps in the order in which they come."""

    def __init__(self, lidar: str) -> None:
        self._lidar = lidar
        self._print: int | None = None

    def check(self, cloud: PointCloud) -> None:
        """TwinError on the sweep that came before: noise lets no two be equal in every bit."""
        seen = np.ascontiguousarray(cloud.points[::STRIDE])
        before, self._print = self._print, zlib.crc32(seen.tobytes())
        if len(seen) and before == self._print:
            raise TwinError(
                f"LiDAR {self._lidar!r}: the same sweep comes again: does its driver repeat it?"
            )
