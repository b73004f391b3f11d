"""Which layout a folder of frames has."""

from __future__ import annotations

from pathlib import Path

from visrftwin_ros.cameras.rgbd.frame import Found
from visrftwin_ros.cameras.rgbd.nerfstudio import FILE, nerfstudio
from visrftwin_ros.cameras.rgbd.seven_scenes import seven_scenes
from visrftwin_ros.cameras.rgbd.tum import DEPTHS, tum


def rgbd_frames(folder: Path) -> Found:
    """The frames of a folder, and why others were left out. Raises TwinError as its layout does."""
    if (folder / FILE).is_file():
        return nerfstudio(folder)
    return tum(folder) if (folder / DEPTHS).is_file() else seven_scenes(folder)
