"""Each kind of recording gives its points in the world, or says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scanned_room import room_ply
from scipy.spatial import cKDTree

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.mapping.place_map import MapSettings, map_place
from visrftwin_ros.mapping.sources.bag_clouds import read_bag_clouds
from visrftwin_ros.mapping.sources.mesh_or_cloud import read_mesh_or_cloud
from visrftwin_ros.mapping.sources.rgbd_folder import read_rgbd_folder
from visrftwin_ros.scene.ply_file import ply_of
from visrftwin_ros.scene.surface_samples import surface_samples

DEPTH = 2.0
MATRIX = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])


def quiet(done: int, total: int) -> None:
    pass


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Two frames of a wall 2 m ahead, the second from 1 m to the right and turned to the left."""
    for number, (turn, place) in enumerate(
        [(np.eye(3), [0, 0, 0]), (np.array([[0, 0, -1.0], [0, 1, 0], [1, 0, 0]]), [1, 0, 0])]
    ):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turn, place
        np.savetxt(tmp_path / f"frame-{number}.pose.txt", pose)
        depth = np.full((240, 320), round(1000 * DEPTH), np.uint16)
        depth[:, :40], depth[:, 40:50] = 0, 65535
        cv2.imwrite(str(tmp_path / f"frame-{number}.depth.png"), depth)
    np.savetxt(tmp_path / "camera-intrinsics.txt", MATRIX)
    return tmp_path


def test_depths_become_places_in_the_world_and_holes_do_not(frames: Path) -> None:
    scan = read_rgbd_folder(frames, 1, quiet)
    first = scan.points[scan.view == 0]
    assert first[:, 2] == pytest.approx(DEPTH)
    # Columns 51 to 318 of 320: beside the holes and the picture's rim a depth has no neighbour.
    assert first[:, 0].min() == pytest.approx((51 - 160) / 300 * DEPTH)
    assert np.abs(scan.points[scan.view == 1][:, 0] - (1 - DEPTH)).max() < 1e-9
    assert scan.seen_from is not None
    assert scan.seen_from[scan.view == 1][0] == pytest.approx([1, 0, 0])
    assert scan.up == pytest.approx([0, -1, 0])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: [p.unlink() for p in f.glob("*.depth.png")], r"no \*.depth.png in it"),
        (lambda f: (f / "frame-1.depth.png").unlink(), "1 of its views can be used"),
        (lambda f: (f / "camera-intrinsics.txt").unlink(), "camera's matrix is missing"),
        (lambda f: np.savetxt(f / "camera-intrinsics.txt", MATRIX * np.nan), "finite numbers"),
        (lambda f: np.savetxt(f / "camera-intrinsics.txt", -MATRIX), "focal lengths -300"),
        (lambda f: np.savetxt(f / "camera-intrinsics.txt", 3 * MATRIX), "of another size"),
        (lambda f: np.savetxt(f / "frame-1.pose.txt", 2 * np.eye(4)), "is no rotation"),
        (
            lambda f: cv2.imwrite(str(f / "frame-1.depth.png"), np.full((240, 320), 9, np.uint8)),
            "unsigned 16 bits.*negative depths",
        ),
    ],
)
def test_frames_that_make_no_sense_are_named(frames: Path, spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    spoil(frames)
    with pytest.raises(TwinError, match=f"(?s){said}"):
        read_rgbd_folder(frames, 1, quiet)


def test_millimetres_are_asked_for_and_never_guessed(tmp_path: Path) -> None:
    file = room_ply(tmp_path, (10_000, 8_000, 2_500))
    with pytest.raises(TwinError, match=r"13048 m across.*Say --unit mm"):
        read_mesh_or_cloud(file, None, None)
    with pytest.raises(TwinError, match=r"200 m are mapped\.$"):
        read_mesh_or_cloud(file, "m", None)
    scan = read_mesh_or_cloud(file, "mm", None)
    assert scan.points.max(axis=0) == pytest.approx([10, 8, 2.5], abs=0.05)


def test_a_mesh_with_y_up_is_asked_about(tmp_path: Path) -> None:
    file = room_ply(tmp_path, (10, 2.5, 8))
    with pytest.raises(TwinError, match="faces along y: say --up y"):
        read_mesh_or_cloud(file, None, None)
    assert np.ptp(read_mesh_or_cloud(file, None, "z").points, axis=0)[2] == pytest.approx(
        8, abs=0.1
    )
    turned = read_mesh_or_cloud(file, None, "y").points
    assert np.ptp(turned, axis=0) == pytest.approx([10, 8, 2.5], abs=0.1)


def test_up_keeps_a_mesh_right_handed(tmp_path: Path) -> None:
    """x stays, y becomes up, and so -z becomes y."""
    places = np.array([[1.0, 2.0, 3.0]] * 100)
    (tmp_path / "c.ply").write_bytes(ply_of(places, np.zeros((0, 3), int)))
    assert read_mesh_or_cloud(tmp_path / "c.ply", None, "y").points[0] == pytest.approx([1, -3, 2])


def test_a_cloud_without_faces_is_read(tmp_path: Path) -> None:
    rows = "".join(f"{k / 100} 0.5 {k / 50}\n" for k in range(200)) + "nan 0 0\n"
    head = "ply\nformat ascii 1.0\nelement vertex 201\nproperty float x\nproperty float y\n"
    (tmp_path / "c.ply").write_text(f"{head}property float z\nend_header\n{rows}")
    scan = read_mesh_or_cloud(tmp_path / "c.ply", None, None)
    assert len(scan) == 200
    assert scan.points[150] == pytest.approx([1.5, 0.5, 3.0])


def test_a_cloud_of_next_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.ply").write_bytes(ply_of(np.zeros((3, 3)), np.zeros((0, 3), int)))
    with pytest.raises(TwinError, match="3 points in it"):
        read_mesh_or_cloud(tmp_path / "c.ply", None, None)


def test_sweeps_of_a_bag_lie_on_the_floor_of_its_world() -> None:
    scan = read_bag_clouds(shipped.BAG, "", "world", 1, 30.0, quiet)
    assert scan.views == 4
    floor = scan.points[np.abs(scan.points[:, 2]) < 0.3, 2]
    assert len(floor) > 3000
    assert abs(np.median(floor)) < 0.01


def test_every_second_sweep_is_half_of_them() -> None:
    scan = read_bag_clouds(shipped.BAG, "lidar_top/points", "world", 2, 30.0, quiet)
    assert scan.views == 2


def test_a_bag_without_those_clouds_or_that_frame_says_what_it_has() -> None:
    with pytest.raises(TwinError, match="no clouds on /front; it has: /lidar_top/points"):
        read_bag_clouds(shipped.BAG, "/front", "world", 1, 30.0, quiet)
    with pytest.raises(TwinError, match=r"0 of its views.*(?s:.)*in 'odom_2' is not known"):
        read_bag_clouds(shipped.BAG, "", "odom_2", 1, 30.0, quiet)


def test_planes_of_a_real_room_are_flat_and_square(test_data: Path) -> None:
    """Of 7-Scenes: half of what lies about the floor is within a centimetre of it, two for walls."""
    scan = read_rgbd_folder(test_data / "rgbd_7scenes", 4, quiet)
    place = map_place(scan, MapSettings(), lambda _: None)
    large = [s for s in place.surfaces if s.kind in ("floor", "wall") and s.area > 1.0]
    assert {s.kind for s in large} == {"floor", "wall"}
    for surface in large:
        samples = surface_samples(surface.vertices, surface.faces, 0.03)
        points = place.scan.points[::5]
        points = points[np.isfinite(cKDTree(samples).query(points, distance_upper_bound=0.06)[0])]
        a, b, c = surface.vertices[surface.faces[0]]
        normal = np.cross(b - a, c - a)
        away = np.abs((points - a) @ normal) / np.linalg.norm(normal)
        assert np.median(away) < (0.01 if surface.kind == "floor" else 0.02), surface.name
    assert sum(s.snapped for s in large) >= 2
