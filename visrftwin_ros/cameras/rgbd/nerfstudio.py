"""The layout of nerfstudio (Tancik et al., SIGGRAPH 2023), which `ns-process-data` makes of recordings of Record3D,
Polycam and others: `transforms.json` with the lens, and of each frame its files and its pose by OpenGL's axes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.cameras.rgbd.frame import Found, RgbdFrame, checked_matrix, rigid
from visrftwin_ros.errors import TwinError

FILE = "transforms.json"
MILLIMETRES = 1e-3
_BENT = ("k1", "k2", "k3", "k4", "p1", "p2")
_OPTICAL = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenGL's camera looks along -z with y up."""


def nerfstudio(folder: Path) -> Found:
    """Raises TwinError where the file is none, the lens is missing or bends, and where no frame has depth."""
    file = folder / FILE
    try:
        content = json.loads(file.read_text())
        listed = list(content["frames"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TwinError(f"{file} is no list of frames as nerfstudio has it: {error}") from error
    frames, left_out = [], []
    for number, own in enumerate(listed):
        try:
            frames.append(_frame(file, number, {**content, **own}))
        except TwinError as error:
            left_out.append(str(error))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            left_out.append(f"{file}: frame {number}: {type(error).__name__}: {error}")
    if not frames:
        raise TwinError(
            f"{file}: no frame of {len(listed)} can be used: {'; '.join(left_out[:3])}; a map takes depth, as "
            "`ns-process-data record3d` writes it"
        )
    return frames, left_out


def _frame(file: Path, number: int, entry: Mapping[str, Any]) -> RgbdFrame:
    where = f"{file}: frame {number}"
    if "depth_file_path" not in entry:
        raise TwinError(f"{where} has no depth_file_path")
    if bent := [name for name in _BENT if abs(float(entry.get(name, 0.0))) > 1e-6]:
        raise TwinError(
            f"{where}: its lens bends ({', '.join(bent)}): undistort the pictures first"
        )
    lens = [float(entry[name]) for name in ("fl_x", "fl_y", "cx", "cy")]
    matrix = np.array([[lens[0], 0.0, lens[2]], [0.0, lens[1], lens[3]], [0.0, 0.0, 1.0]])
    pose = np.array(entry["transform_matrix"], float)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise TwinError(f"{where}: its transform_matrix is no 4x4 matrix of finite numbers")
    size = (int(entry["w"]), int(entry["h"]))
    if min(size) < 1:
        raise TwinError(f"{where}: pictures of {size[0]} x {size[1]} px are none")
    colour = file.parent / str(entry["file_path"])
    return RgbdFrame(
        file.parent / str(entry["depth_file_path"]),
        float(entry.get("depth_unit_scale_factor", MILLIMETRES)),
        colour if colour.is_file() else None,
        checked_matrix(matrix, file),
        size,
        rigid(pose, where) @ _OPTICAL,
    )
