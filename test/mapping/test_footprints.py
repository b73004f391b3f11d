"""Footprints with heights become closed bodies where the Earth has them, or a reason why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visrftwin_ros.campaign.importers.local_frame import LocalFrame
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping import footprints
from visrftwin_ros.mapping.footprints import read_footprints
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site

LATITUDE, LONGITUDE = 48.7406, 9.0970
ORIGIN = LocalFrame(np.pi / 2, *np.radians((LATITUDE, LONGITUDE)))
RADIO = ["--frequency", "60.48GHz", "--bandwidth", "2.16GHz", "--access-point", "ap=-5,5,6"]
YARD = [[10, 10], [20, 10], [20, 16], [10, 16]]
"""m east and north: a hole."""
HOUSE = [[0, 0], [30, 0], [30, 25], [12, 25], [12, 20], [0, 20]]


def degrees(places: list[list[float]]) -> list[list[float]]:
    """Longitudes and latitudes of metres east and north, by the radii of curvature of WGS 84 (an independent way: no
    Earth-centred places), closed as GeoJSON has it."""
    a, f = 6378137.0, 1 / 298.257223563
    square, sine = f * (2 - f), np.sin(np.radians(LATITUDE))
    across = a / np.sqrt(1 - square * sine**2)
    along = across * (1 - square) / (1 - square * sine**2)
    east = np.degrees(1 / (across * np.cos(np.radians(LATITUDE))))
    north = np.degrees(1 / along)
    rows = [[LONGITUDE + east * x, LATITUDE + north * y] for x, y in places]
    return [*rows, rows[0]]


def feature(*loops: list[list[float]], **said: Any) -> dict[str, Any]:
    rings = [degrees(loop) for loop in loops]
    return {
        "type": "Feature",
        "properties": {name.replace("__", ":"): value for name, value in said.items()},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


def collection(folder: Path, *features: Any) -> Path:
    file = folder / "block.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return file


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_a_building_with_a_yard_is_closed_and_where_it_stands(tmp_path: Path) -> None:
    file = collection(tmp_path, feature(HOUSE, YARD, name="school", height=12.5))
    house, ground = read_footprints(file, ORIGIN, None)
    assert (house.name, ground.name) == ("school", "ground")
    vertices, faces = house.mesh.vertices, house.mesh.faces
    area = 30 * 20 + 18 * 5 - 60
    assert volume(vertices, faces) == pytest.approx(
        12.5 * area, rel=1e-3
    )  # outwards, or it is less
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there = {tuple(side) for side in sides.tolist()}
    assert len(there) == len(sides) and all((b, a) in there for a, b in there)  # each side twice
    assert vertices.min(axis=0) == pytest.approx([0, 0, 0], abs=5e-3)
    assert vertices.max(axis=0) == pytest.approx([30, 25, 12.5], abs=5e-3)
    assert ground.mesh.vertices[:, 2] == pytest.approx(0)
    assert ground.mesh.vertices.max(axis=0)[0] == pytest.approx(30 + footprints.AROUND, abs=5e-3)


def test_heights_come_from_levels_and_from_who_asks_and_bodies_may_stand_on_pillars(
    tmp_path: Path,
) -> None:
    file = collection(
        tmp_path,
        feature(HOUSE, building__levels="4"),
        feature(YARD, height="9 m", min_height=3),
        feature(YARD, building__material="brick"),
    )
    parts = read_footprints(file, ORIGIN, 7.0)
    spans = [(p.mesh.vertices[:, 2].min(), p.mesh.vertices[:, 2].max()) for p in parts[:-1]]
    assert spans == [(0, 12), (3, 9), (0, 7)]
    named = [part.material.name for part in parts]
    assert named == ["building", "building", "itu_brick", "ground"]
    with pytest.raises(
        TwinError, match=r"1 building\(s\) have no height .*as .*building 2: say --h"
    ):
        read_footprints(file, ORIGIN, None)


def test_many_bodies_of_one_feature_and_what_is_no_polygon(tmp_path: Path) -> None:
    two = feature(HOUSE, height=5)
    two["geometry"] = {
        "type": "MultiPolygon",
        "coordinates": [[degrees(YARD)], [degrees([[40, 0], [50, 0], [50, 9]])]],
    }
    tree = {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "Point", "coordinates": [9, 48]},
    }
    nothing = {"type": "Feature", "properties": None, "geometry": None}
    assert len(read_footprints(collection(tmp_path, two, tree, nothing), ORIGIN, None)) == 2 + 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (feature(HOUSE, height="tall"), "height is 'tall'; expected metres"),
        (feature(HOUSE, height=3, min_height=4), "reaches from 4 to 3 m"),
        (feature(HOUSE, height=3e5), "expected up to 1000 m"),
        (feature([[0, 0], [10, 10], [10, 0], [0, 10]], height=3), "crosses itself, or has no area"),
        (feature([[0, 0], [1, 0]], height=3), "a ring of 3 places"),
        (
            {**feature(height=3), "geometry": {"type": "Polygon", "coordinates": [[[9, "x"]] * 5]}},
            "could not convert",
        ),
        (
            {**feature(height=3), "geometry": {"type": "Polygon", "coordinates": [[[0, 0]] * 5]}},
            "km from the world's origin",
        ),
    ],
)
def test_a_building_that_makes_no_sense_is_named(tmp_path: Path, wrong: Any, said: str) -> None:
    with pytest.raises(TwinError, match=f"building 0.*{said}"):
        read_footprints(collection(tmp_path, wrong), ORIGIN, None)


def test_what_is_no_collection_of_buildings_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "block.geojson"
    for text in ("", "[1]", '{"features": 3}', '{"features": [7]}', "[" * 100_000):
        file.write_text(text)
        with pytest.raises(TwinError, match="no FeatureCollection of GeoJSON"):
            read_footprints(file, ORIGIN, None)
    with pytest.raises(TwinError, match="no polygon of a building"):
        read_footprints(collection(tmp_path), ORIGIN, None)
    monkeypatch.setattr(footprints, "MOST_BUILDINGS", 1)
    with pytest.raises(TwinError, match="2 buildings; at most 1"):
        read_footprints(collection(tmp_path, *[feature(HOUSE, height=3)] * 2), ORIGIN, None)


def test_a_block_becomes_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = collection(tmp_path, feature(HOUSE, YARD, name="school", height=12), feature(YARD))
    words = ["site", "import", str(file), "--out", str(tmp_path / "block"), *RADIO]
    assert main(words) == 2 and "say where the site's origin is" in capsys.readouterr().err
    words += ["--origin", f"{LATITUDE},{LONGITUDE}"]
    assert main(words) == 2 and "say --height" in capsys.readouterr().err
    assert main([*words, "--height", "-3"]) == 2 and "up to 1000" in capsys.readouterr().err
    assert main([*words, "--height", "3", "--material", "building=brick"]) == 0
    materials = {m.name: m.material for m in surface_meshes(load_site(str(tmp_path / "block")))}
    assert set(materials) == {"school", "building_2", "ground"}
    brick = materials["school"].relative_permittivity
    assert brick == materials["building_2"].relative_permittivity
    assert brick != materials["ground"].relative_permittivity
    mesh = tmp_path / "room.stl"
    mesh.write_bytes(b"solid")
    bad = ["site", "import", str(mesh), "--out", str(tmp_path / "x"), *RADIO, "--height", "3"]
    assert main(bad) == 2 and "--height is for footprints" in capsys.readouterr().err
