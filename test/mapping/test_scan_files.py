"""Scans and meshes of other programs: written by the libraries that these use, read back as places in metres."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pye57
import pytest
import trimesh

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.map_source import MapSource
from visrftwin_ros.mapping.place_map import MapSettings, map_place
from visrftwin_ros.mapping.sources import e57_scans, las_cloud
from visrftwin_ros.mapping.sources.mesh_or_cloud import read_mesh_or_cloud

SIZE = np.array([6.0, 4.0, 2.5])
UTM = np.array([513_000.25, 5_402_000.5, 248.0])


def room_points(spacing: float = 0.05) -> np.ndarray:
    """Evenly on the walls, the floor and the ceiling of a room of SIZE."""
    faces = []
    for axis in range(3):
        across = [np.arange(0.0, SIZE[k] + 1e-9, spacing) for k in range(3) if k != axis]
        grid = np.stack(np.meshgrid(*across, indexing="ij"), axis=-1).reshape(-1, 2)
        for side in (0.0, SIZE[axis]):
            faces.append(np.insert(grid, axis, side, axis=1))
    return np.concatenate(faces)


def write_las(file: Path, points: np.ndarray) -> None:
    header = laspy.LasHeader(point_format=3, version="1.4")
    header.scales, header.offsets = np.full(3, 1e-3), np.floor(points.min(axis=0))
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T
    cloud.write(str(file))


NOT_TURNED = np.array([1.0, 0.0, 0.0, 0.0])


def write_e57(
    file: Path, scans: list[tuple[np.ndarray, np.ndarray]], rotation: np.ndarray = NOT_TURNED
) -> None:
    """Points of the world, and from where each scan was taken; every other one of a scanner that is turned (w, x, y,
    z) is no point."""
    out = pye57.E57(str(file), mode="w")
    for points, place in scans:
        local = points - place
        data = {f"cartesian{axis}": local[:, k].copy() for k, axis in enumerate("XYZ")}
        if rotation is not NOT_TURNED:
            data["cartesianInvalidState"] = (np.arange(len(points)) % 2).astype(np.int8)
        out.write_scan_raw(data, translation=place, rotation=rotation)
    out.close()


def write_glb(file: Path) -> None:
    """A room of SIZE with y up, whose corner a node moves to the origin."""
    x, y, z = SIZE
    box = trimesh.creation.box(extents=(x, z, y))
    scene = trimesh.Scene()
    move = trimesh.transformations.translation_matrix([x / 2, z / 2, -y / 2])
    scene.add_geometry(box, transform=move)
    file.write_bytes(scene.export(file_type="glb"))


@pytest.mark.parametrize("ending", ["las", "laz"])
def test_a_surveyors_cloud_is_read_and_moved_to_its_own_corner(tmp_path: Path, ending: str) -> None:
    points = room_points()
    write_las(tmp_path / f"room.{ending}", points + UTM)
    scan = read_mesh_or_cloud(tmp_path / f"room.{ending}", None, None)
    assert scan.points == pytest.approx(points + UTM % 1.0, abs=1.1e-3)
    assert f"{len(points)} of {len(points)} points" in scan.source
    assert "moved by -513000 -5402000 -248 m" in scan.source
    small = tmp_path / f"small.{ending}"
    write_las(small, points)
    assert read_mesh_or_cloud(small, None, None).points == pytest.approx(points, abs=1.1e-3)


def test_of_a_cloud_larger_than_memory_each_nth_point_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(las_cloud, "MOST_POINTS", 1000)
    monkeypatch.setattr(las_cloud, "CHUNK", 777)
    points = room_points()
    write_las(tmp_path / "room.las", points)
    scan = read_mesh_or_cloud(tmp_path / "room.las", None, None)
    every = -(-len(points) // 1000)
    assert scan.points == pytest.approx(points[::every], abs=1.1e-3)
    assert f"{len(scan)} of {len(points)} points" in scan.source


def test_scans_of_a_scanner_keep_the_places_they_were_taken_from(tmp_path: Path) -> None:
    points = room_points()
    left, right = points[points[:, 0] < 4.0], points[points[:, 0] >= 2.0]
    places = np.array([[1.5, 2.0, 1.4], [4.5, 2.0, 1.4]])
    write_e57(tmp_path / "room.e57", [(left, places[0]), (right, places[1])])
    scan = read_mesh_or_cloud(tmp_path / "room.e57", None, None)
    assert scan.views == 2 and scan.seen_from is not None
    assert scan.points == pytest.approx(np.concatenate([left, right]), abs=1e-5)
    assert scan.seen_from[0] == pytest.approx(places[0])
    assert scan.seen_from[-1] == pytest.approx(places[1])
    place = map_place(scan, MapSettings(), lambda _: None)
    kinds = [surface.kind for surface in place.surfaces]
    assert (kinds.count("floor"), kinds.count("ceiling"), kinds.count("wall")) == (1, 1, 4)


def test_each_nth_point_of_a_large_e57(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e57_scans, "MOST_POINTS", 1000)
    points = room_points()
    write_e57(tmp_path / "room.e57", [(points, np.zeros(3))])
    scan = read_mesh_or_cloud(tmp_path / "room.e57", None, None)
    assert scan.points == pytest.approx(points[:: -(-len(points) // 1000)], abs=1e-5)


def test_an_e57_read_by_pieces_is_as_its_library_reads_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = np.array([np.cos(0.4), 0.0, 0.0, np.sin(0.4)])
    file, place = tmp_path / "room.e57", np.array([1.0, 2.0, 0.5])
    write_e57(file, [(room_points(), place)], turn)
    opened = pye57.E57(str(file))
    whole = opened.read_scan(0, ignore_missing_fields=True)
    opened.close()
    points = np.column_stack([whole[f"cartesian{axis}"] for axis in "XYZ"])
    monkeypatch.setattr(e57_scans, "CHUNK", 700)
    ((found, seen_from),), _ = e57_scans.read_e57(file)
    assert found == pytest.approx(points, abs=1e-6) and seen_from == pytest.approx(place)
    monkeypatch.setattr(e57_scans, "MOST_POINTS", len(room_points()) // 4 + 1)
    ((fourth, _),), _ = e57_scans.read_e57(file)  # the valid ones are the even rows
    assert fourth == pytest.approx(points[::2], abs=1e-6)


@pytest.mark.parametrize("up", [None, "y"])
def test_a_glb_has_y_up_and_its_nodes_are_moved(tmp_path: Path, up: str | None) -> None:
    write_glb(tmp_path / "room.glb")
    points = read_mesh_or_cloud(tmp_path / "room.glb", None, up).points
    assert points.min(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert points.max(axis=0) == pytest.approx(SIZE, abs=1e-6)


def test_a_glb_that_is_not_as_the_standard_has_it_stays_as_it_lies(tmp_path: Path) -> None:
    write_glb(tmp_path / "room.glb")
    points = read_mesh_or_cloud(tmp_path / "room.glb", None, "z").points
    assert np.ptp(points, axis=0) == pytest.approx(SIZE[[0, 2, 1]], abs=1e-6)


@pytest.mark.parametrize("ending", ["las", "laz", "e57", "glb"])
def test_what_is_no_such_file_says_so(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"room.{ending}"
    file.write_bytes(b"glTF nothing of the kind, and some more of it to be a header " * 20)
    with pytest.raises(TwinError, match=f"room.{ending} is no readable"):
        MapSource(file).read(lambda done, total: None)


def test_a_torn_e57_is_no_map(tmp_path: Path) -> None:
    write_e57(tmp_path / "whole.e57", [(room_points(), np.zeros(3))])
    content = (tmp_path / "whole.e57").read_bytes()
    (tmp_path / "torn.e57").write_bytes(content[: len(content) // 2])
    with pytest.raises(TwinError, match=r"torn.e57 is no readable E57"):
        read_mesh_or_cloud(tmp_path / "torn.e57", None, None)


def test_next_to_no_points_are_refused(tmp_path: Path) -> None:
    write_las(tmp_path / "room.las", room_points()[:5])
    with pytest.raises(TwinError, match="5 points in it"):
        read_mesh_or_cloud(tmp_path / "room.las", None, None)
    write_e57(tmp_path / "room.e57", [])
    with pytest.raises(TwinError, match="no scan with a point"):
        read_mesh_or_cloud(tmp_path / "room.e57", None, None)


@pytest.mark.parametrize(
    ("ending", "name"), [("las", "laspy"), ("e57", "pye57"), ("glb", "trimesh")]
)
def test_without_its_library_a_file_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, name: str
) -> None:
    real: Callable[..., Any] = builtins.__import__

    def missing(asked: str, *more: Any, **named: Any) -> Any:
        if asked == name:
            raise ImportError(asked)
        return real(asked, *more, **named)

    monkeypatch.setattr("importlib.import_module", missing)
    (tmp_path / f"room.{ending}").write_bytes(b"x")
    with pytest.raises(TwinError, match=rf"{name} is missing.*visrftwin_ros\[scans\]"):
        read_mesh_or_cloud(tmp_path / f"room.{ending}", None, None)
