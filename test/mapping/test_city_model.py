"""CityJSON becomes surfaces where the city has them, or a reason why not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping import city_model
from visrftwin_ros.mapping.city_model import CityModel, is_city_model, read_city_model
from visrftwin_ros.scene.mitsuba_scene import ScenePart
from visrftwin_ros.site.loading import load_site

EAST, NORTH, UP = 85000.0, 446000.0, -1.5
"""m, where the corner of the city's coordinates is."""
RADIO = ["--frequency", "60.48GHz", "--bandwidth", "2.16GHz", "--access-point", "ap=-9,0,6"]
GABLE = [[0, 0, 0], [10, 0, 0], [10, 8, 0], [0, 8, 0], [0, 0, 5], [10, 0, 5], [10, 8, 5], [0, 8, 5],
         [0, 4, 8], [10, 4, 8]]  # fmt: skip
"""A house of 10 x 8 m with a ridge along x: eaves at 5 m, the ridge at 8 m."""
WINDOW = [[2, 0, 1], [4, 0, 1], [4, 0, 2.5], [2, 0, 2.5]]
"""In the wall at y = 0."""
SURFACES = [
    [[3, 2, 1, 0]],
    [[0, 1, 5, 4], [13, 12, 11, 10]],
    [[10, 11, 12, 13]],
    [[2, 3, 7, 6]],
    [[1, 2, 6, 9, 5]],
    [[3, 0, 4, 8, 7]],
    [[4, 5, 9, 8]],
    [[6, 7, 8, 9]],
]
KINDS = ["GroundSurface", "WallSurface", "Window", "RoofSurface"]
MEANING = [0, 1, 2, 1, 1, 1, 3, 3]


def house(lod: str = "3", **more: Any) -> dict[str, Any]:
    geometry = {
        "type": "Solid",
        "lod": lod,
        "boundaries": [SURFACES],
        "semantics": {"surfaces": [{"type": kind} for kind in KINDS], "values": [MEANING]},
    }
    return {"type": "Building", "geometry": [geometry], **more}


def footprint() -> dict[str, Any]:
    return {"type": "MultiSurface", "lod": "0", "boundaries": [[[3, 2, 1, 0]]]}


def city(folder: Path, objects: dict[str, Any], more: Any = (), **changed: Any) -> Path:
    """The corners of the house, and more, in whole millimetres as CityJSON has them."""
    corners = np.array([*GABLE, *WINDOW, *more], float)
    model = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "transform": {"scale": [0.001] * 3, "translate": [EAST, NORTH, UP]},
        "vertices": np.round(corners * 1000).astype(int).tolist(),
        "CityObjects": objects,
    } | changed
    file = folder / "town.city.json"
    file.write_text(json.dumps(model))
    return file


def named(model: CityModel) -> dict[str, ScenePart]:
    return {part.name: part for part in model.parts}


def volume(*parts: ScenePart) -> float:
    """By the divergence theorem: right only where the parts are closed and face outwards."""
    total = 0.0
    for part in parts:
        a, b, c = (part.mesh.vertices[part.mesh.faces[:, k]] for k in range(3))
        total += float((a * np.cross(b, c)).sum() / 6)
    return total


def test_a_house_with_a_gable_and_a_window_is_closed_and_where_it_stands(tmp_path: Path) -> None:
    model = read_city_model(city(tmp_path, {"villa": house()}), (EAST, NORTH), None, None)
    parts = named(model)
    assert list(parts) == ["villa", "villa_window", "ground"]
    body, window = parts["villa"], parts["villa_window"]
    assert (body.material.name, window.material.name) == ("building", "window")
    assert volume(body, window) == pytest.approx(10 * 8 * 5 + 10 * 8 * 3 / 2)
    a, b, c = (window.mesh.vertices[window.mesh.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    assert np.abs(np.linalg.norm(normals, axis=1)).sum() / 2 == pytest.approx(2 * 1.5)
    assert (normals[:, 1] < 0).all()  # outwards
    faces = [part.mesh.vertices[part.mesh.faces] for part in (body, window)]
    sides = Counter(
        tuple(sorted(map(tuple, np.round(face[[i, (i + 1) % 3]], 6).tolist())))
        for face in np.concatenate(faces)
        for i in range(3)
    )
    assert set(sides.values()) == {2}
    assert body.mesh.vertices.min(axis=0) == pytest.approx([0, 0, 0])
    assert body.mesh.vertices.max(axis=0) == pytest.approx([10, 8, 8])
    assert model.origin == pytest.approx([EAST, NORTH, UP]) and "7415" in model.reference


def test_each_building_is_put_on_flat_ground_with_its_parts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tower = [[30, 0, 14], [34, 0, 14], [34, 4, 14], [30, 0, 20], [34, 0, 20], [34, 4, 20]]
    prism = [[2, 1, 0]], [[3, 4, 5]], [[0, 1, 4, 3]], [[1, 2, 5, 4]], [[2, 0, 3, 5]]
    corners = len(GABLE) + len(WINDOW)
    shells = [[[[number + corners for number in ring] for ring in rings] for rings in prism]]
    part = {
        "type": "BuildingPart",
        "parents": ["hotel"],
        "geometry": [{"type": "Solid", "lod": 1.2, "boundaries": shells}],
    }
    low = {"type": "BuildingPart", "parents": ["hotel"], "geometry": house()["geometry"]}
    objects = {"hotel": {"type": "Building", "geometry": [footprint()]}, "low": low, "tower": part}
    parts = named(read_city_model(city(tmp_path, objects, tower), None, None, None))
    # One building: its tower stays where it is over its lower part.
    assert parts["low"].mesh.vertices[:, 2].min() == 0 and not caplog.records
    assert parts["tower"].mesh.vertices[:, 2].min() == pytest.approx(14)
    assert volume(parts["tower"]) == pytest.approx(4 * 4 / 2 * 6)
    objects["tower"] = {**part, "parents": ["bank"]}
    parts = named(read_city_model(city(tmp_path, objects, tower), None, None, None))
    assert parts["tower"].mesh.vertices[:, 2].min() == 0
    assert "14.0 m apart" in caplog.text


def test_terrain_is_the_ground_and_keeps_the_heights(tmp_path: Path) -> None:
    slope = [[-50, -50, -4], [60, -50, 0], [60, 58, 0], [-50, 58, -4]]
    first = len(GABLE) + len(WINDOW)
    triangles = [[[first, first + 1, first + 2]], [[first, first + 2, first + 3]]]
    relief = {
        "type": "TINRelief",
        "geometry": [{"type": "CompositeSurface", "lod": "1", "boundaries": triangles}],
    }
    model = read_city_model(
        city(tmp_path, {"villa": house(), "hill": relief}, slope), (EAST, NORTH), None, None
    )
    parts = named(model)
    assert parts["hill"].material.name == "ground" and "ground" not in parts
    assert parts["hill"].mesh.vertices[:, 2].min() == 0
    assert parts["villa"].mesh.vertices[:, 2].min() == pytest.approx(4)
    assert model.origin[2] == pytest.approx(UP - 4)


def test_levels_of_detail_and_distance_choose(tmp_path: Path) -> None:
    many = house()
    block = {"type": "MultiSurface", "lod": "1", "boundaries": SURFACES[:1]}
    many["geometry"] = [footprint(), *many["geometry"], block]
    file = city(tmp_path, {"villa": many})
    assert "villa_window" in named(read_city_model(file, None, None, None))
    coarse = named(read_city_model(file, None, 1.3, None))
    assert "villa_window" not in coarse and len(coarse["villa"].mesh.faces) == 2
    with pytest.raises(TwinError, match="no building within 20 m"):
        read_city_model(file, (EAST + 100, NORTH), None, 20.0)
    assert read_city_model(file, (EAST + 20, NORTH), None, 20.0).parts


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"CityObjects": {}}, "no building with a shape"),
        (
            {"CityObjects": {"b": {"type": "Building", "geometry": [footprint()]}}},
            "level of detail",
        ),
        ({"CityObjects": [1]}, "expected objects"),
        ({"transform": {"scale": [1e-6] * 3, "translate": [4.4, 52.0, 0]}}, "are these degrees"),
        ({"transform": {"scale": "x"}}, "vertices and transform"),
        ({"vertices": [[0, 0]]}, "vertices and transform"),
        ({"vertices": [[0, 0, 0]] * 3}, "no known vertices"),
        ({"CityObjects": {"b": {"type": "Building", "geometry": [{"lod": "2"}]}}}, "without type"),
        ({"CityObjects": {"b": {"type": "Building", "geometry": 3}}}, "not as CityJSON is"),
        ({"CityObjects": {"b": house() | {"parents": 3}}}, "not as CityJSON is"),
        ({"metadata": "EPSG"}, "not as CityJSON is"),
        (
            {"CityObjects": {"b": {"type": "Building", "geometry": [{"type": [], "lod": "2"}]}}},
            "not as CityJSON is",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    file = city(tmp_path, {"villa": house()}, **changed)
    with pytest.raises(TwinError, match=reason):
        read_city_model(file, None, None, None)


@pytest.mark.parametrize(
    ("surface", "reason"),
    [
        ([[0, 1]], "three corners"),
        ([[0, 1, -2]], "no known vertices"),
        ([[0, 1, 6, 3]], "off its plane"),
        ([[0, 1, 3, 2]], "crosses itself"),
        ([[0, 9, 3, 1, 2]], "off its plane"),
        ([[4, 6, 2, 5, 1]], "town.city.json"),
        (3, "town.city.json"),
    ],
)
def test_a_surface_that_is_none_is_named(tmp_path: Path, surface: Any, reason: str) -> None:
    bad = {"type": "MultiSurface", "lod": "2", "boundaries": [surface]}
    file = city(tmp_path, {"villa": {"type": "Building", "geometry": [bad]}})
    with pytest.raises(TwinError, match=reason):
        read_city_model(file, None, None, None)


def test_more_buildings_than_are_traced_want_a_distance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(city_model, "MOST_BUILDINGS", 1)
    file = city(tmp_path, {"villa": house(), "other": house()})
    with pytest.raises(TwinError, match=r"2 buildings.*--within"):
        read_city_model(file, None, None, None)


def test_the_command_makes_a_site_that_says_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = city(tmp_path, {"villa": house()})
    assert is_city_model(file)
    out = tmp_path / "site"
    command = ["site", "import", str(file), "--out", str(out), "--origin", f"{EAST:g},{NORTH:g}"]
    assert main([*command, *RADIO, "--material", "building=brick"]) == 0
    site = load_site(str(out))
    assert {surface.name: surface.material for surface in site.scene} == {
        "villa": "brick",
        "villa_window": "glass",
        "ground": "concrete",
    }
    assert "is 85000.00, 446000.00, -1.50 in https" in site.description
    for option, value in (("--height", "3"), ("--within", "-1"), ("--origin", "x")):
        assert main([*command, *RADIO, "--force", option, value]) == 2
        assert option in capsys.readouterr().err
    assert load_site(str(out)) == site
