"""A map of a place of which there are pictures and poses, and no depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from painted_room import ROOM, all_pixels, picture, pinhole

from visrftwin_ros.cameras.rgbd.folder import rgbd_frames
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.mapping.map_source import MapSource
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site

SIZE = (240, 180)
BENT = np.array([-0.12, 0.03, 0.001, -0.001])
RADIO = ["--frequency", "60.48GHz", "--bandwidth", "2.16GHz", "--access-point", "ap=1,0,2.2"]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk along the room in nerfstudio's layout, by a lens that bends."""
    folder = tmp_path_factory.mktemp("photographs")
    frames = []
    for k in range(12):
        place = np.array([-1.2 + 0.15 * k, -1.0 + 0.14 * (k % 4) + 0.1 * k, 1.2 + 0.1 * (k % 3)])
        camera = pinhole(place, -0.3 + 0.04 * k, BENT, SIZE)
        cv2.imwrite(str(folder / f"{k}.png"), picture(camera, all_pixels(*SIZE)).bgr)
        pose = np.eye(4)
        pose[:3, :3] = camera.rotation.T @ np.diag([1.0, -1.0, -1.0])
        pose[:3, 3] = place
        frames.append({"file_path": f"{k}.png", "transform_matrix": pose.tolist()})
    matrix = pinhole(np.zeros(3), 0.0, BENT, SIZE).matrix
    content = {
        "camera_model": "OPENCV", "w": SIZE[0], "h": SIZE[1], "frames": frames,
        "fl_x": matrix[0, 0], "fl_y": matrix[1, 1], "cx": matrix[0, 2], "cy": matrix[1, 2],
        **dict(zip(("k1", "k2", "p1", "p2"), BENT.tolist(), strict=True)),
    }  # fmt: skip
    (folder / "transforms.json").write_text(json.dumps(content))
    return folder


def changed(folder: Path, out: Path, **values: Any) -> Path:
    content = json.loads((folder / "transforms.json").read_text())
    out.mkdir()
    for file in folder.glob("*.png"):
        (out / file.name).symlink_to(file)
    (out / "transforms.json").write_text(json.dumps(content | values))
    return out


def quiet(done: int, total: int) -> None:
    pass


def test_the_command_makes_a_site_of_pictures_alone(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "room"
    words = ["map", str(photographs), "--out", str(out), *RADIO, "--embedder", "none"]
    assert main(words) == 0
    assert f"12 pictures of {photographs.name}" in (out / "report" / "report.md").read_text()
    site = load_site(str(out))
    walls = [mesh for mesh in surface_meshes(site) if mesh.name.startswith("wall")]
    ahead = max(walls, key=lambda mesh: float(np.prod(np.sort(np.ptp(mesh.vertices, axis=0))[1:])))
    breadth = np.sort(np.ptp(ahead.vertices, axis=0))
    assert breadth[0] < 0.02  # m: upright, and along an axis of the map
    assert breadth[1] > 1.5 and breadth[2] > 2.5
    floor = next(mesh for mesh in surface_meshes(site) if mesh.name.startswith("floor"))
    height = ahead.vertices[:, 2].max() - floor.vertices[:, 2].mean()
    assert height == pytest.approx(ROOM[1, 2] - ROOM[0, 2], abs=0.1)  # cut to cells of 5 cm


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"camera_model": "OPENCV_FISHEYE"}, "its lens is OPENCV_FISHEYE, of OPENCV, .* are read"),
        ({"k4": 0.1}, "its lens is OPENCV, of OPENCV, .* with finite k1"),
        ({"k1": float("nan")}, "with finite k1"),
        ({"k1": "much"}, "ValueError"),
    ],
)
def test_lenses_that_are_not_read_are_named(
    photographs: Path, tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(TwinError, match=f"(?s)no frame of 12 can be used: .*{said}"):
        MapSource(changed(photographs, tmp_path / "other", **values)).read(quiet)


def test_a_picture_that_is_not_there_is_named(photographs: Path, tmp_path: Path) -> None:
    folder = changed(photographs, tmp_path / "fewer")
    (folder / "3.png").unlink()
    frames, left_out = rgbd_frames(folder)
    assert len(frames) == 11
    assert left_out == [
        f"{folder / 'transforms.json'}: frame 3 has no depth_file_path, and there is no picture {folder / '3.png'}"
    ]


def test_depth_that_is_asked_of_a_sensor_is_not_made_of_pictures(photographs: Path) -> None:
    with pytest.raises(TwinError, match=r"0 of its views can be used.* has no depth beside it"):
        MapSource(photographs, depth="sensor").read(quiet)


@pytest.mark.parametrize(
    "more",
    [{"every": 2}, {"topic": "/points"}, {"farthest": 10.0}, {"poses": "lidar", "every": 2}],
)
def test_what_is_for_sweeps_is_not_ignored(more: dict[str, Any]) -> None:
    with pytest.raises(TwinError, match=r"mapped from its pictures: --\w+ would be ignored"):
        MapSource(shipped.BAG, depth="pictures", **more)


def test_nor_is_it_where_nobody_had_to_say_that_there_are_pictures_only(photographs: Path) -> None:
    with pytest.raises(TwinError, match="mapped from its pictures: --every would be ignored"):
        MapSource(photographs, every=2)


def test_why_no_picture_has_a_place_is_told() -> None:
    with pytest.raises(
        TwinError, match=r"0 pictures of lobby_short: .* left out: pictures of .*'nowhere'"
    ):
        MapSource(shipped.BAG, world_frame="nowhere", depth="pictures").read(quiet)


def test_a_mesh_has_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "room.ply").touch()
    with pytest.raises(
        TwinError, match="--depth would be ignored, as --depth is for a rosbag2 or a folder"
    ):
        MapSource(tmp_path / "room.ply", depth="pictures")


def test_a_bags_pictures_that_hardly_overlap_are_told() -> None:
    """In 8 s the shipped bag's robot takes few panoramas; the other cameras hang on walls."""
    said = (
        r"hardly a place that one of \d+ views shows is confirmed by 4 others: take more pictures"
    )
    with pytest.raises(TwinError, match=said):
        MapSource(shipped.BAG, depth="pictures").read(quiet)
