"""One picture with its pose, and its depth where there is one, of whatever layout its folder has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError

Found = tuple[list["RgbdFrame"], list[str]]
"""Frames in their order, and why others were left out."""
Layout = Callable[[Path], Found]


@dataclass(frozen=True)
class RgbdFrame:
    """depth: file of one channel of 16 bits, in `unit` m; None without. colour: beside it, of the same lens; None
    without. matrix: (3, 3) px, of pictures of `size` (width, height); None: of the depth's own. pose: (4, 4) m, optical
    frame to world. distortion: (0,) or OpenCV's k1 k2 p1 p2 k3, of colour without depth.
    """

    depth: Path | None
    unit: float
    colour: Path | None
    matrix: Float[np.ndarray, "3 3"]
    size: tuple[int, int] | None
    pose: Float[np.ndarray, "4 4"]
    distortion: Float[np.ndarray, " k"] = field(default_factory=lambda: np.zeros(0))

    def matrix_of(self, picture: Path, width: int, height: int) -> Float[np.ndarray, "3 3"]:
        """Of a picture of that size, of the same view. Raises TwinError where the view would be another."""
        if self.size is None or self.size == (width, height):
            if not (self.matrix[0, 2] < width and self.matrix[1, 2] < height):
                raise TwinError(
                    f"{picture}: {width} x {height} px, but the camera's centre is at {self.matrix[0, 2]:g}, "
                    f"{self.matrix[1, 2]:g}: the intrinsics are of another size"
                )
            return self.matrix
        across, down = width / self.size[0], height / self.size[1]
        if abs(across / down - 1) > 0.02:
            raise TwinError(
                f"{picture}: {width} x {height} px is not the view of the intrinsics' {self.size[0]} x "
                f"{self.size[1]} px"
            )
        return np.asarray(np.diag([across, down, 1.0]) @ self.matrix)


def rigid(pose: Float[np.ndarray, "4 4"], where: str) -> Float[np.ndarray, "4 4"]:
    """`pose` itself; TwinError where it is no rigid motion."""
    turn = pose[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-2) or np.linalg.det(turn) < 0:
        raise TwinError(f"{where}: its upper left 3x3 is no rotation")
    return pose


def numbers(file: Path, shape: tuple[int, int], what: str) -> Float[np.ndarray, "n m"]:
    """A table of finite numbers of a file; TwinError where it is missing or something else."""
    try:
        matrix = np.loadtxt(file)
    except OSError as error:
        raise TwinError(f"{file}: {what} is missing") from error
    except ValueError as error:
        raise TwinError(f"{file}: {what} is no table of numbers: {error}") from error
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise TwinError(f"{file}: {what} is no {shape[0]}x{shape[1]} matrix of finite numbers")
    return np.asarray(matrix)


def checked_matrix(matrix: Float[np.ndarray, "3 3"], where: Path) -> Float[np.ndarray, "3 3"]:
    """`matrix` itself; TwinError where it is no camera's."""
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0 and (matrix[:2, 2] > 0).all()):
        raise TwinError(
            f"{where}: focal lengths {matrix[0, 0]:g}, {matrix[1, 1]:g} and centre {matrix[0, 2]:g}, "
            f"{matrix[1, 2]:g} px: expected all four over 0, as 585 585 320 240"
        )
    return matrix
