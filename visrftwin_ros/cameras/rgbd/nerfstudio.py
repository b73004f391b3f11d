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
_BENT = ("k1", "k2", "p1", "p2", "k3")
"""OpenCV's distortion, in its order."""
_LENSES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
"""Of COLMAP's, those that these five describe."""
_OPTICAL = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenGL's camera looks along -z with y up."""


def nerfstudio(folder: Path) -> Found:
    """Raises TwinError where the file is none, and where no frame can be used: its lens is missing, of another kind,
    or bends its depth too, or it has neither depth nor picture."""
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
        raise TwinError(f"{file}: no frame of {len(listed)} can be used: {'; '.join(left_out[:3])}")
    return frames, left_out


def _frame(file: Path, number: int, entry: Mapping[str, Any]) -> RgbdFrame:
    where = f"{file}: frame {number}"
    depth = file.parent / str(entry["depth_file_path"]) if "depth_file_path" in entry else None
    bends = {name: float(entry.get(name, 0.0)) for name in _BENT}
    bent = [name for name, k in bends.items() if abs(k) > 1e-6]
    lens_kind = str(entry.get("camera_model", _LENSES[0]))
    if (
        lens_kind not in _LENSES
        or not np.isfinite([*bends.values()]).all()
        or float(entry.get("k4", 0.0))
    ):
        raise TwinError(
            f"{where}: its lens is {lens_kind}, of {', '.join(_LENSES)} with finite {', '.join(_BENT)} are read: "
            "undistort others first"
        )
    if depth is not None and bent:
        raise TwinError(
            f"{where}: its lens bends ({', '.join(bent)}): undistort pictures and depth first"
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
    if depth is None and not colour.is_file():
        raise TwinError(f"{where} has no depth_file_path, and there is no picture {colour}")
    return RgbdFrame(
        depth,
        float(entry.get("depth_unit_scale_factor", MILLIMETRES)),
        colour if colour.is_file() else None,
        checked_matrix(matrix, file),
        size,
        rigid(pose, where) @ _OPTICAL,
        np.array([*bends.values()] if bent else []),
    )
