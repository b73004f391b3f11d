"""The colour pictures beside the depth of a folder in the layout of 7-Scenes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.cameras.rgbd_frames import DEPTH, beside, rgbd_intrinsics, rgbd_pose
from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.posed_pictures import PosedPicture, apart

_COLOUR = (".color.jpg", ".color.png")


def read_rgbd_pictures(folder: Path, most: int) -> tuple[tuple[PosedPicture, ...], tuple[str, ...]]:
    """At most `most` pictures, from places apart, and why others were left out.

    The colour camera is taken to be where the depth's is and of its intrinsics, as the data set has it.
    """
    matrix = rgbd_intrinsics(folder)
    frames, poses, left_out = [], [], []
    for frame in sorted(folder.glob(f"*{DEPTH}")):
        file = next((f for ending in _COLOUR if (f := beside(frame, ending)).is_file()), None)
        try:
            if file is not None:
                poses.append(rgbd_pose(frame))
                frames.append(file)
        except TwinError as error:
            left_out.append(str(error))
    pictures = []
    for row in apart([(pose[:3, 3], pose[:3, 2]) for pose in poses], most):
        bgr = cv2.imread(str(frames[row]))
        if bgr is None:
            left_out.append(f"{frames[row]}: no picture that can be read")
            continue
        name = frames[row].name
        left, _, right = np.linalg.svd(poses[row][:3, :3].T)
        turn = left @ right  # poses are written with few digits: the nearest rotation
        size = (bgr.shape[1], bgr.shape[0])
        camera = PinholeCamera(name, size, matrix, turn, -turn @ poses[row][:3, 3], np.zeros(0))
        pictures.append(PosedPicture(name, camera, bgr))
    return tuple(pictures), tuple(left_out)
