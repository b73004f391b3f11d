"""A fixed camera's pose from listed pairs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cameras.pose_calibration import calibrated_pose, read_pairs
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Camera

PETS = load_site("pets_campus").camera()
FISHEYE = Camera(
    name="dome",
    model="fisheye",
    image_width=960,
    image_height=720,
    fx=420,
    fy=420,
    cx=480,
    cy=360,
    distortion=[-0.02, 0.004, -0.001, 0.0001],
    rvec=(1.9, 0.2, -0.1),
    t=(0.5, 1.0, 9.0),
)
PANORAMA = Camera(
    name="pano",
    model="equirectangular",
    image_width=1600,
    image_height=800,
    rvec=(1.5, 0.1, 0.05),
    t=(0.3, 1.5, 2.0),
)


def pairs(camera: Camera, noise: float = 0.3, flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    world = random.uniform([-12, -12, 0], [3, 3, 0 if flat else 3], (14, 3))
    pixels, seen = fixed_camera(camera).project(world)
    return world[seen], (pixels + noise * random.standard_normal(pixels.shape))[seen]


@pytest.mark.parametrize("camera", [PETS, FISHEYE, PANORAMA], ids=lambda camera: camera.name)
def test_the_pose_comes_back_with_its_residual(camera: Camera) -> None:
    found = calibrated_pose(camera, *pairs(camera))
    assert camera.pose is not None
    rotation, truth = (cv2.Rodrigues(np.array(v))[0] for v in (found.rvec, camera.pose[0]))
    centre = -rotation.T @ found.t
    assert np.linalg.norm(centre + truth.T @ np.array(camera.pose[1])) < 0.1
    assert np.linalg.norm(rotation - truth) < 0.01
    assert 0.1 < found.rms < 0.6


def test_points_on_the_ground_alone_fix_the_pose() -> None:
    found = calibrated_pose(PETS, *pairs(PETS, noise=0.0, flat=True))
    np.testing.assert_allclose(found.t, PETS.t, atol=1e-3)
    assert found.rms < 1e-3


def test_the_focal_length_is_found_where_it_is_asked_for() -> None:
    world, pixels = pairs(PETS, noise=0.0)
    wrong = PETS.model_copy(update={"fx": 1000.0, "fy": 1000.0})
    assert calibrated_pose(wrong, world, pixels).rms > 0.3
    found = calibrated_pose(wrong, world, pixels, find_focal=True)
    assert found.focal == pytest.approx(1215.79, rel=1e-3) and found.rms < 0.05


def test_one_wrong_pair_shows_in_its_residual() -> None:
    world, pixels = pairs(PETS)
    pixels[5] += [60.0, -40.0]
    assert int(np.argmax(calibrated_pose(PETS, world, pixels).residual)) == 5


@pytest.mark.parametrize(
    ("chosen", "focal", "named"),
    [
        (lambda w, p: (w[:3], p[:3]), False, "3 pairs; 4"),
        (lambda w, p: (w * [1, 0, 0], p), False, "on a line"),
        (lambda w, p: (w * [1, 1, 0], p), True, "in a plane"),
    ],
)
def test_points_that_fix_no_pose_are_named(chosen, focal: bool, named: str) -> None:
    with pytest.raises(TwinError, match=named):
        calibrated_pose(PETS, *chosen(*pairs(PETS)), find_focal=focal)


@pytest.mark.parametrize(
    ("text", "named"),
    [("a,b\n", "line 1"), ("x,y,z,u,v\n1,2,3,4\n", "line 2"), ("x,y,z,u,v\n1,2,3,4,w\n", "'w'")],
)
def test_a_wrong_list_names_its_line(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(TwinError, match=named):
        read_pairs(tmp_path / "pairs.csv")


def test_the_command_prints_what_goes_into_the_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pairs.csv"
    rows = np.column_stack(pairs(PETS, noise=0.0))
    np.savetxt(file, rows, delimiter=",", header="x,y,z,u,v", comments="", fmt="%.6f")
    assert main(["site", "calibrate-camera", "--site", "pets_campus", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "residual 0.00 px" in printed
    np.testing.assert_allclose(yaml.safe_load(printed)["t"], PETS.t, atol=1e-3)
    assert (
        main(["site", "calibrate-camera", "--site", "pets_campus", str(file), "--camera", "x"]) == 2
    )
