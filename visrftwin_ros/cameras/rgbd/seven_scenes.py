"""The layout of 7-Scenes (Shotton et al., CVPR 2013): `NAME.depth.png` of 16-bit millimetres, `NAME.pose.txt` of a 4x4
camera-to-world matrix, `NAME.color.jpg` or `.png`, and the camera's 3x3 matrix in `camera-intrinsics.txt`."""

from __future__ import annotations

from pathlib import Path

from visrftwin_ros.cameras.rgbd.frame import Found, RgbdFrame, checked_matrix, numbers, rigid
from visrftwin_ros.errors import TwinError

DEPTH = ".depth.png"
INTRINSICS = "camera-intrinsics.txt"
MILLIMETRES = 1e-3
_COLOUR = (".color.jpg", ".color.png")


def seven_scenes(folder: Path) -> Found:
    """Raises TwinError where there is no depth, or no camera's matrix."""
    files = sorted(folder.glob(f"*{DEPTH}"))
    if not files:
        raise TwinError(
            f"{folder}: no *.depth.png in it; expected the layout of 7-Scenes (NAME.depth.png, "
            "NAME.pose.txt), of TUM (depth.txt, groundtruth.txt) or of nerfstudio (transforms.json), or give a "
            "rosbag2, a mesh or a cloud"
        )
    file = folder / INTRINSICS
    matrix = checked_matrix(numbers(file, (3, 3), "the camera's matrix"), file)
    frames, left_out = [], []
    for depth in files:
        name = depth.name.removesuffix(DEPTH)
        pose_file = depth.with_name(f"{name}.pose.txt")
        try:
            pose = rigid(numbers(pose_file, (4, 4), "the camera-to-world pose"), str(pose_file))
        except TwinError as error:
            left_out.append(str(error))
            continue
        colours = (depth.with_name(name + ending) for ending in _COLOUR)
        colour = next((file for file in colours if file.is_file()), None)
        frames.append(RgbdFrame(depth, MILLIMETRES, colour, matrix, None, pose))
    return frames, left_out
