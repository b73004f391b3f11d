"""What a live map has seen is kept whole on disk, bounded, and gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.cameras.camera_models import FisheyeCamera, PanoramaCamera
from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.drive_folder import DriveFolder
from visrftwin_ros.mapping.sweeps import View
from visrftwin_ros.vision.posed_pictures import PosedPicture

LENS = np.array([[50.0, 0, 15.5], [0, 50, 11.5], [0, 0, 1]])


def sweep(number: int, points: int = 100) -> View:
    rng = np.random.default_rng(number)
    return rng.normal(0, 2, (points, 3)), np.array([float(number), 0.0, 1.0])


def picture(name: str, x: float, grey: int) -> PosedPicture:
    at = np.eye(3), np.array([-x, 0.0, 0.0])
    camera = PinholeCamera(name, (32, 24), LENS, *at, np.zeros(0))
    return PosedPicture(name, camera, np.full((24, 32, 3), grey, np.uint8))


def drive(folder: Path, points: int = 10_000, pictures: int = 2, **options: bool) -> DriveFolder:
    return DriveFolder(folder / "room", "world", points, pictures, **{"resume": False, **options})


def test_what_was_kept_comes_back_and_is_numbered_on(tmp_path: Path) -> None:
    first = drive(tmp_path)
    for number in range(3):
        first.add_sweep(sweep(number))
    first.add_picture(picture("front 1", 0.0, 10))
    again = drive(tmp_path, resume=True)
    assert (again.sweeps, again.shown, again.driven) == (3, 1, pytest.approx(2.0))
    assert again.seen == first.seen > 0
    again.add_sweep(sweep(3))
    again.add_picture(picture("front 2", 5.0, 20))
    scan = again.scan("lidar")
    assert scan.points == pytest.approx(np.concatenate([sweep(k)[0] for k in range(4)]), abs=1e-5)
    assert np.unique(scan.seen_from, axis=0)[:, 0] == pytest.approx([0, 1, 2, 3])
    assert [int(one.bgr[0, 0, 0]) for one in again.pictures()] == [10, 20]
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_every_second_sweep_goes_where_there_are_too_many(tmp_path: Path) -> None:
    made = drive(tmp_path, points=400)
    for number in range(9):
        made.add_sweep(sweep(number))
    assert np.unique(made.scan("lidar").seen_from, axis=0)[:, 0] == pytest.approx([0, 4, 8])
    assert made.driven == pytest.approx(8.0)


def test_of_a_camera_pictures_from_places_apart_are_kept(tmp_path: Path) -> None:
    made = drive(tmp_path)
    for step in range(40):
        made.add_picture(picture("front 1", 0.1 * step, step))
        made.add_picture(picture("rear 1", 0.0, step))
    files = len(list(made.folder.glob("picture_*")))
    assert files == made.shown <= 7
    found = made.pictures()
    front = sorted(one.camera.center[0] for one in found if one.name == "front 1")
    assert (len(front), len(found)) == (2, 3)
    assert front[1] - front[0] > 2.0


@pytest.mark.parametrize("kind", [PinholeCamera, FisheyeCamera, PanoramaCamera])
def test_each_lens_comes_back_as_it_was(tmp_path: Path, kind: type) -> None:
    size, at = (32, 16), (np.eye(3), np.array([0.3, 0.0, 0.1]))
    camera = (
        PanoramaCamera("c", size, *at)
        if kind is PanoramaCamera
        else kind("c", size, LENS, *at, np.full(4, 0.01))
    )
    made = drive(tmp_path)
    made.add_picture(PosedPicture("c", camera, np.zeros((16, 32, 3), np.uint8)))
    (found,) = made.pictures()
    assert type(found.camera) is kind
    ahead = np.array([[0.2, 0.1, 2.0]])
    assert found.camera.project(ahead)[0] == pytest.approx(camera.project(ahead)[0])


def test_what_is_there_is_gone_on_with_or_named(tmp_path: Path) -> None:
    made = drive(tmp_path)
    made.add_sweep(sweep(0))
    with pytest.raises(TwinError, match="holds 1 sweeps of an interrupted map"):
        drive(tmp_path)
    with pytest.raises(TwinError, match="is of the frame 'world', not of 'map'"):
        DriveFolder(tmp_path / "room", "map", 100, 2, resume=True)
    (made.folder / "sweep_000000.npz").write_bytes(b"torn")
    with pytest.raises(TwinError, match=r"sweep_000000\.npz cannot be read"):
        drive(tmp_path, resume=True)
    with pytest.raises(TwinError, match="nothing to resume"):
        drive(tmp_path / "elsewhere", resume=True)
    (tmp_path / "hall.drive").mkdir()
    with pytest.raises(TwinError, match="is no interrupted map: nothing there was touched"):
        DriveFolder(tmp_path / "hall", "world", 100, 2, resume=True)
