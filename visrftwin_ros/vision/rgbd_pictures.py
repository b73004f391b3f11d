"""The colour pictures of a folder of posed frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.cameras.rgbd.folder import rgbd_frames
from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.posed_pictures import PosedPicture, apart


def read_rgbd_pictures(folder: Path, most: int) -> tuple[tuple[PosedPicture, ...], tuple[str, ...]]:
    """At most `most` pictures, from places apart, and why others were left out.

    The colour camera is taken to be where the depth's is and of its intrinsics, as the data sets have it.
    """
    frames, left_out = rgbd_frames(folder)
    coloured = [(frame, frame.colour) for frame in frames if frame.colour is not None]
    pictures = []
    for row in apart([(frame.pose[:3, 3], frame.pose[:3, 2]) for frame, _ in coloured], most):
        frame, file = coloured[row]
        bgr = cv2.imread(str(file))
        if bgr is None:
            left_out.append(f"{file}: no picture that can be read")
            continue
        left, _, right = np.linalg.svd(frame.pose[:3, :3].T)
        turn = left @ right  # poses are written with few digits: the nearest rotation
        size = (bgr.shape[1], bgr.shape[0])
        try:
            matrix = frame.matrix_of(file, *size)
        except TwinError as error:
            left_out.append(str(error))
            continue
        camera = PinholeCamera(
            file.name, size, matrix, turn, -turn @ frame.pose[:3, 3], frame.distortion
        )
        pictures.append(PosedPicture(file.name, camera, bgr))
    return tuple(pictures), tuple(left_out)
