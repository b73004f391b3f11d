"""Files beside the depth pictures of a folder in the layout of 7-Scenes (Shotton et al., CVPR 2013)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError

DEPTH = ".depth.png"
INTRINSICS = "camera-intrinsics.txt"


def beside(frame: Path, ending: str) -> Path:
    """Another file of the frame of this depth picture."""
    return frame.with_name(frame.name.removesuffix(DEPTH) + ending)


def rgbd_intrinsics(folder: Path) -> Float[np.ndarray, "3 3"]:
    """The camera's matrix of such a folder; TwinError where it is missing or none."""
    file = folder / INTRINSICS
    matrix = _matrix(file, 3, "the camera's matrix")
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0 and (matrix[:2, 2] > 0).all()):
        raise TwinError(
            f"{file}: focal lengths {matrix[0, 0]:g}, {matrix[1, 1]:g} and centre {matrix[0, 2]:g}, "
            f"{matrix[1, 2]:g} px: expected all four over 0, as 585 585 320 240"
        )
    return matrix


def rgbd_pose(frame: Path) -> Float[np.ndarray, "4 4"]:
    """Camera to world, of the frame of this depth picture; TwinError where it is no rigid motion."""
    file = beside(frame, ".pose.txt")
    pose = _matrix(file, 4, "the camera-to-world pose")
    turn = pose[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-2) or np.linalg.det(turn) < 0:
        raise TwinError(f"{file}: its upper left 3x3 is no rotation")
    return pose


def _matrix(file: Path, rows: int, what: str) -> Float[np.ndarray, "n n"]:
    try:
        matrix = np.loadtxt(file)
    except OSError as error:
        raise TwinError(f"{file}: {what} is missing") from error
    except ValueError as error:
        raise TwinError(f"{file}: {what} is no table of numbers: {error}") from error
    if matrix.shape != (rows, rows) or not np.isfinite(matrix).all():
        raise TwinError(f"{file}: {what} is no {rows}x{rows} matrix of finite numbers")
    return np.asarray(matrix)
