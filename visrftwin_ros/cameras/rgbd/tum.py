"""The layout of TUM's RGB-D benchmark (Sturm et al., IROS 2012): `depth.txt` and `rgb.txt` list stamps and files,
`groundtruth.txt` stamps, places and quaternions of the optical frame; depth in 1/5000 m. The camera's matrix, which the
benchmark keeps on its web page, is to be put beside them as `camera-intrinsics.txt`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from visrftwin_ros.cameras.rgbd.frame import Found, RgbdFrame, checked_matrix, numbers
from visrftwin_ros.cameras.rgbd.seven_scenes import INTRINSICS
from visrftwin_ros.errors import TwinError

DEPTHS, COLOURS, POSES = "depth.txt", "rgb.txt", "groundtruth.txt"
UNIT = 1 / 5000
TOGETHER = 0.02
"""s between a depth and its colour picture, as the benchmark's own tool has it."""
GAP = 0.2
"""s between two poses, over which nothing is said of the way between."""


def tum(folder: Path) -> Found:
    """Raises TwinError where a list is none, and where the camera's matrix is missing."""
    file = folder / INTRINSICS
    if not file.is_file():
        raise TwinError(
            f"{file}: the camera's matrix is missing, which TUM's folders do not have: three lines, as '525 0 319.5', "
            "'0 525 239.5' and '0 0 1' (each of the benchmark's cameras has its own)"
        )
    matrix = checked_matrix(numbers(file, (3, 3), "the camera's matrix"), file)
    depths = _listed(folder / DEPTHS)
    colours = _listed(folder / COLOURS) if (folder / COLOURS).is_file() else []
    poses = _poses(folder / POSES)
    order = np.argsort(poses[:, 0])
    stamps, places = poses[order, 0], poses[order, 1:4]
    turns = Rotation.from_quat(poses[order, 4:])
    frames, left_out = [], []
    for stamp, depth in depths:
        after = int(np.searchsorted(stamps, stamp))
        if not 0 < after < len(stamps) or stamps[after] - stamps[after - 1] > GAP:
            left_out.append(f"{depth}: {POSES} has no pose within {GAP:g} s about {stamp:.3f} s")
            continue
        pair = slice(after - 1, after + 1)
        pose = np.eye(4)
        pose[:3, :3] = Slerp(stamps[pair], turns[pair])(stamp).as_matrix()
        pose[:3, 3] = [np.interp(stamp, stamps[pair], axis) for axis in places[pair].T]
        frames.append(RgbdFrame(depth, UNIT, _nearest(colours, stamp), matrix, None, pose))
    return frames, left_out


def _listed(file: Path) -> list[tuple[float, Path]]:
    """Stamps and files, in their order."""
    found = []
    for number, line in enumerate(_lines(file), 1):
        words = line.split()
        try:
            found.append((float(words[0]), file.parent / words[1]))
        except (ValueError, IndexError) as error:
            raise TwinError(
                f"{file}: entry {number}, {line!r}: expected a stamp and a file, as '1305031102.16 depth/1.png'"
            ) from error
    return sorted(found)


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TwinError(f"{file} cannot be read: {error}") from error
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _poses(file: Path) -> np.ndarray:
    """(N, 8) stamp, place and quaternion (x, y, z, w), of one turn each."""
    try:
        rows = np.array([[float(word) for word in line.split()] for line in _lines(file)])
    except ValueError as error:
        raise TwinError(f"{file}: expected rows of eight numbers: {error}") from error
    if rows.ndim != 2 or rows.shape[1] != 8 or len(rows) < 2 or not np.isfinite(rows).all():
        raise TwinError(
            f"{file}: expected two rows and more of 'stamp tx ty tz qx qy qz qw', all finite"
        )
    if (np.linalg.norm(rows[:, 4:], axis=1) < 1e-6).any():
        raise TwinError(f"{file}: a quaternion of no length is no rotation")
    return rows


def _nearest(colours: list[tuple[float, Path]], stamp: float) -> Path | None:
    near = min(colours, key=lambda entry: abs(entry[0] - stamp), default=None)
    return near[1] if near is not None and abs(near[0] - stamp) <= TOGETHER else None
