"""The same real frames (7-Scenes) laid out as TUM and nerfstudio have them are the same frames; faults are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.rgbd.folder import rgbd_frames
from visrftwin_ros.cameras.rgbd.frame import RgbdFrame
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.sources.rgbd_folder import read_rgbd_folder
from visrftwin_ros.vision.rgbd_pictures import read_rgbd_pictures

FEW = 3
MATRIX = "525 0 319.5\n0 525 239.5\n0 0 1\n"


@pytest.fixture(scope="module")
def real(test_data: Path) -> tuple[Path, list[RgbdFrame]]:
    folder = test_data / "rgbd_7scenes"
    return folder, rgbd_frames(folder)[0][:FEW]


def as_tum(folder: Path, frames: list[RgbdFrame]) -> Path:
    """The frames a second apart, poses half a second before and after them: halfway lies the frame's own."""
    folder.mkdir()
    depths, colours, poses = [], ["# colour"], ["# stamp tx ty tz qx qy qz qw"]
    for number, frame in enumerate(frames):
        counts = cv2.imread(str(frame.depth), cv2.IMREAD_UNCHANGED)
        assert counts is not None
        counts[counts == 65535] = 0
        cv2.imwrite(str(folder / f"d{number}.png"), counts * 5)
        depths.append(f"{1000 + number:.4f} d{number}.png")
        colours.append(f"{1000 + number + 0.01:.4f} {frame.colour}")
        quaternion = Rotation.from_matrix(frame.pose[:3, :3]).as_quat()
        for when, step in ((-0.05, -0.1), (0.05, 0.1)):
            place = frame.pose[:3, 3] + [step, 0.0, 0.0]
            row = [1000 + number + when, *place, *(-quaternion if step > 0 else quaternion)]
            poses.append(" ".join(f"{value:.9f}" for value in row))
    (folder / "depth.txt").write_text("\n".join(depths))
    (folder / "rgb.txt").write_text("\n".join(colours))
    (folder / "groundtruth.txt").write_text("\n".join(poses))
    np.savetxt(folder / "camera-intrinsics.txt", frames[0].matrix)
    return folder


def as_nerfstudio(folder: Path, frames: list[RgbdFrame], **more: Any) -> Path:
    """Colour of the data set's size, and depth of half of it, as phones have it."""
    folder.mkdir()
    listed = []
    for number, frame in enumerate(frames):
        counts = cv2.imread(str(frame.depth), cv2.IMREAD_UNCHANGED)
        assert counts is not None
        cv2.imwrite(str(folder / f"d{number}.png"), counts[::2, ::2])
        turn = frame.pose @ np.diag([1.0, -1.0, -1.0, 1.0])
        listed.append(
            {
                "file_path": str(frame.colour),
                "depth_file_path": f"d{number}.png",
                "transform_matrix": turn.tolist(),
            }
        )
    m = frames[0].matrix
    lens = {"fl_x": m[0, 0], "fl_y": m[1, 1], "cx": m[0, 2], "cy": m[1, 2], "w": 640, "h": 480}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": listed, **more}))
    return folder


def quiet(done: int, total: int) -> None:
    pass


def test_frames_of_tums_layout_are_those_of_7_scenes(
    real: tuple[Path, list[RgbdFrame]], tmp_path: Path
) -> None:
    frames, left_out = rgbd_frames(as_tum(tmp_path / "tum", real[1]))
    assert not left_out and len(frames) == FEW
    for ours, theirs in zip(frames, real[1], strict=True):
        assert ours.pose == pytest.approx(theirs.pose, abs=2e-3)  # 7-Scenes' turns are rounded
        assert ours.colour == theirs.colour
    got, want = (
        read_rgbd_folder(folder, 1, quiet) for folder in (tmp_path / "tum", only(real[1], tmp_path))
    )
    assert len(got) == len(want)
    assert np.abs(got.points - want.points).max() < 0.02
    assert len(read_rgbd_pictures(tmp_path / "tum", 5)[0]) == FEW


def only(frames: list[RgbdFrame], tmp_path: Path) -> Path:
    """A folder in the layout of 7-Scenes with these alone."""
    folder = tmp_path / "few"
    folder.mkdir(exist_ok=True)
    for frame in frames:
        stem = frame.depth.name.removesuffix(".depth.png")
        for file in frame.depth.parent.glob(f"{stem}.*"):
            (folder / file.name).symlink_to(file)
    (folder / "camera-intrinsics.txt").symlink_to(frames[0].depth.parent / "camera-intrinsics.txt")
    return folder


def test_frames_of_nerfstudios_layout_are_those_of_7_scenes(
    real: tuple[Path, list[RgbdFrame]], tmp_path: Path
) -> None:
    folder = as_nerfstudio(tmp_path / "ns", real[1])
    scan = read_rgbd_folder(folder, 1, quiet)
    whole = read_rgbd_folder(only(real[1], tmp_path), 1, quiet)
    assert scan.up is not None and whole.up is not None
    assert scan.up == pytest.approx(whole.up, abs=1e-9)
    # Half the rows and columns, from the same place.
    low, high = (np.percentile(s.points, [2, 98], axis=0) for s in (scan, whole))
    assert low == pytest.approx(high, abs=0.05)
    pictures, left_out = read_rgbd_pictures(folder, 5)
    assert len(pictures) == FEW and not left_out


def change(**values: Any) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        file = folder / "transforms.json"
        content = json.loads(file.read_text())
        for name, value in values.items():
            for place in (content, *content["frames"]):
                if name in place or name not in ("transform_matrix", "depth_file_path"):
                    place[name] = value
        file.write_text(json.dumps(content))

    return changed


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "transforms.json").write_text("[]"), "no list of frames as nerfstudio"),
        (change(k1=0.1), r"its lens bends \(k1\): undistort"),
        (change(fl_x=-3), "focal lengths -3"),
        (change(transform_matrix=[[1, 2]]), "no 4x4 matrix"),
        (change(w=640, h=100), "not the view of the intrinsics' 640 x 100 px"),
        (change(depth_file_path="none.png"), "of one channel of unsigned 16 bits"),
        (change(w="wide"), "ValueError"),
        (change(w=0), "pictures of 0 x 480 px are none"),
        (change(w=float("inf")), "OverflowError"),
        (lambda f: (f / "transforms.json").write_text("[" * 100_000), "no list of frames"),
    ],
)
def test_what_is_wrong_with_a_nerfstudio_folder_is_named(
    real: tuple[Path, list[RgbdFrame]],
    tmp_path: Path,
    spoil: Callable[[Path], None],
    said: str,
) -> None:
    folder = as_nerfstudio(tmp_path / "ns", real[1])
    spoil(folder)
    with pytest.raises(TwinError, match=f"(?s){said}"):
        read_rgbd_folder(folder, 1, quiet)


def test_pictures_without_depth_are_frames_too(
    real: tuple[Path, list[RgbdFrame]], tmp_path: Path
) -> None:
    folder = as_nerfstudio(tmp_path / "ns", real[1])
    file = folder / "transforms.json"
    file.write_text(file.read_text().replace("depth_file_path", "mask_path"))
    frames, left_out = rgbd_frames(folder)
    assert [frame.depth for frame in frames] == [None] * FEW
    assert not left_out
    with pytest.raises(TwinError, match="has no depth beside it"):
        read_rgbd_folder(folder, 1, quiet)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("camera-intrinsics.txt", None, "which TUM's folders do not have: three lines"),
        ("groundtruth.txt", None, "groundtruth.txt cannot be read"),
        ("groundtruth.txt", "1000 0 0 0 0 0 0 1\n", "two rows and more of 'stamp tx"),
        ("groundtruth.txt", "a b\n", "rows of eight numbers"),
        ("groundtruth.txt", "1 0 0 0 0 0 0 0\n2 0 0 0 0 0 0 1\n", "a quaternion of no length"),
        ("groundtruth.txt", "1 0 0 0 0 0 0 1\n2 0 0 0 0 0 0 1\n", "0 of its views can be used"),
        ("depth.txt", "1000.0\n", "entry 1, '1000.0': expected a stamp and a file"),
    ],
)
def test_what_is_wrong_with_a_tum_folder_is_named(
    real: tuple[Path, list[RgbdFrame]], tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    folder = as_tum(tmp_path / "tum", real[1])
    (folder / "camera-intrinsics.txt").write_text(MATRIX)
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(TwinError, match=f"(?s){said}"):
        read_rgbd_folder(folder, 1, quiet)
