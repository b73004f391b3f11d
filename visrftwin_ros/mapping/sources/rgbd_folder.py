"""Posed RGB-D frames as points in the world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.cameras.rgbd.folder import rgbd_frames
from visrftwin_ros.cameras.rgbd.frame import RgbdFrame
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan, joined

_INVALID = (0, 65535)
NEAREST, FARTHEST = 0.3, 5.0
"""m; a structured-light camera's depth is of use between them (Khoshelham and Elberink, Sensors 12, 2012)."""
_NOISE_PER_SQUARE = 1.425e-3
"""1/m: their eq. (12): the deviation of a depth grows with its square, 1.4 mm at one metre."""
_TYPICAL = 2.5
"""m, the depth for which the scan's noise is stated."""
_EVERY_PIXEL = 2
"""Rows and columns that are taken: two neighbours have one disparity in common."""
_FLYING = 0.05
"""Share of the depth by which a pixel may differ from its neighbours: between two surfaces lies none."""


def read_rgbd_folder(folder: Path, every: int, progress: Callable[[int, int], None]) -> Scan:
    """The frames of a folder, every `every`-th of them, in their order.

    Raises TwinError where the intrinsics or all frames but one are missing or make no sense; a frame whose
    pose is no rigid motion is left out, with its reason.
    """
    frames, left_out = rgbd_frames(folder)
    views, ups = [], []
    for number, frame in enumerate(frames[::every]):
        try:
            points = _points(frame)
        except TwinError as error:
            left_out.append(str(error))
        else:
            views.append((points @ frame.pose[:3, :3].T + frame.pose[:3, 3], frame.pose[:3, 3]))
            ups.append(-frame.pose[:3, 1])
        progress(number + 1, len(frames[::every]))
    return joined(
        views,
        up=np.mean(ups, axis=0) if ups else None,
        noise=_NOISE_PER_SQUARE * _TYPICAL**2,
        source=f"{len(views)} RGB-D frames of {folder}",
        left_out=left_out,
    )


def _points(frame: RgbdFrame) -> Float[np.ndarray, "k 3"]:
    """In the camera's optical frame."""
    import cv2

    file = frame.depth
    if file is None:
        raise TwinError(f"{frame.colour} has no depth beside it")
    image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 2 or image.dtype != np.uint16:
        raise TwinError(
            f"{file}: expected a picture of one channel of unsigned 16 bits, of depth; "
            "signed or negative depths are none"
        )
    height, width = image.shape
    matrix = frame.matrix_of(file, width, height)
    depth = np.where(np.isin(image, _INVALID), np.nan, image * frame.unit)
    steady = np.ones_like(depth, bool)
    for axis in (0, 1):
        for shift in (-1, 1):
            steady &= np.abs(np.roll(depth, shift, axis) - depth) < _FLYING * depth
    v, u = np.mgrid[1 : height - 1 : _EVERY_PIXEL, 1 : width - 1 : _EVERY_PIXEL]
    z = depth[v, u]
    kept = steady[v, u] & (z > NEAREST) & (z < FARTHEST)
    if not kept.any():
        raise TwinError(f"{file}: no depth from {NEAREST:g} to {FARTHEST:g} m in it")
    u, v, z = u[kept], v[kept], z[kept]
    x = (u - matrix[0, 2]) * z / matrix[0, 0]
    y = (v - matrix[1, 2]) * z / matrix[1, 1]
    return np.stack([x, y, z], axis=1)
