"""`visrftwin site edit` changes what it is told to, checks what comes of it, and keeps what was there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from visrftwin_ros.cli import main
from visrftwin_ros.scene.ply_file import ply_of
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site

SQUARE = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A floor of two meshes and a box between four AP-less walls of nothing; what soundings found."""
    folder = tmp_path / "hall"
    (folder / "meshes").mkdir(parents=True)
    for name, shift in (("a", 0.0), ("b", 2.0)):
        mesh = ply_of(SQUARE + [shift, 0, 0], FACES)
        (folder / "meshes" / f"floor_{name}.ply").write_bytes(mesh)
    content: dict[str, Any] = {
        "name": "hall",
        "radio": {"mcs_table": "table.csv"},
        "materials": {"shell": {"relative_permittivity": 3.0, "conductivity": 0.1}},
        "scene": [
            *(
                {
                    "name": f"floor_{n}",
                    "kind": "mesh",
                    "file": f"meshes/floor_{n}.ply",
                    "material": m,
                }
                for n, m in (("a", "wood"), ("b", "concrete"))
            ),
            {
                "name": "desk",
                "kind": "box",
                "center": [1, 1, 0.4],
                "size": [1, 1, 0.8],
                "material": "wood",
            },
        ],
        "access_points": [{"name": "ap", "position": [3.5, 1.0, 2.0]}],
        "robots": [{"name": "cart"}],
    }
    (folder / "site.yaml").write_text(f"# By hand.\n{yaml.safe_dump(content)}")
    (folder / "table.csv").write_text("any")
    return folder


def edit(site: Path, *options: str) -> int:
    return main(["site", "edit", "--site", str(site), *options])


def test_names_materials_places_and_merged_surfaces_are_as_told(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "hall_2"
    told = ["--rename", "floor_a=west", "--rename", "cart=tug", "--merge", "west,floor_b=floor"]
    told += ["--material", "floor=shell", "--material", "desk=metal", "--move", "ap=0.5,1.5,2.5"]
    assert edit(site, *told, "--out", str(out)) == 0
    assert "ap: at (0.50, 1.50, 2.50) m" in capsys.readouterr().out
    new = load_site(str(out))
    assert [(s.name, s.material) for s in new.scene] == [("floor", "shell"), ("desk", "metal")]
    floor = surface_meshes(new)[0]
    assert np.ptp(floor.vertices, axis=0).tolist() == [4.0, 2.0, 0.0]
    assert len(floor.faces) == 4
    assert (new.access_points[0].position, new.robots[0].name) == ((0.5, 1.5, 2.5), "tug")
    assert Path(new.radio.mcs_table).parent == out
    assert [s.name for s in load_site(str(site)).scene] == ["floor_a", "floor_b", "desk"]
    # An edited site is edited on, and only a site makes room for one.
    assert edit(out, "--material", "desk=wood", "--out", str(out)) == 2
    assert edit(out, "--material", "desk=wood", "--out", str(tmp_path / "hall_3")) == 0
    assert edit(out, "--material", "desk=brick", "--out", str(tmp_path / "hall_3"), "--force") == 0
    assert load_site(str(tmp_path / "hall_3")).scene[1].material == "brick"


def test_in_place_keeps_what_was_there_each_time(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (site / "site.yaml").read_bytes()
    assert edit(site, "--merge", "floor_a,desk=floor", "--in-place") == 0
    assert f"what was there: {site / 'site.before.yaml'}" in capsys.readouterr().out
    assert (site / "site.before.yaml").read_bytes() == before
    assert [s.name for s in load_site(str(site)).scene] == ["floor", "floor_b"]
    assert edit(site, "--move", "ap=1,1,2", "--in-place") == 0
    first = yaml.safe_load((site / "site.before_2.yaml").read_text())
    assert first["access_points"][0]["position"] == [3.5, 1.0, 2.0]
    (site / "site.yaml").write_bytes(before)
    assert [s.name for s in load_site(str(site)).scene] == ["floor_a", "floor_b", "desk"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([], "nothing to change: give --rename"),
        (["--rename", "floor_c=west"], "nothing is named 'floor_c' there; it has: floor_"),
        (["--rename", "floor_a=desk"], "something is named desk already"),
        (["--rename", "floor_a=My Floor"], "scene.0.mesh.name"),
        (["--rename", "floor_a"], "--rename floor_a: expected OLD=NEW"),
        (["--merge", "floor_a,floor_b=floor"], "concrete, wood; say --material floor=NAME"),
        (["--merge", "floor_a=floor"], "give two surfaces or more"),
        (["--merge", "floor_a,desk=floor_b"], "another surface is named floor_b"),
        (["--material", "desk=marmor"], "marmor"),
        (["--move", "ap=1,1"], r"--move ap=1,1: expected AP=X,Y,Z in metres"),
        (["--move", "ap=1,1,0.4"], "inside the box 'desk'"),
        (["--move", "ap=1,1000,2"], "998 m outside the scene"),
        (["--move", "ap=1,nan,2"], "access_points.0.position"),
    ],
)
@pytest.mark.parametrize("place", ["new", "same"])
def test_what_makes_no_sound_site_is_told_and_changes_nothing(
    site: Path, capsys: pytest.CaptureFixture[str], told: list[str], said: str, place: str
) -> None:
    before = sorted((p, p.read_bytes()) for p in site.rglob("*") if p.is_file())
    where = ["--in-place"] if place == "same" else ["--out", str(site.with_name("other"))]
    assert edit(site, *told, *where) == 2
    assert re.search(said, capsys.readouterr().err)
    assert sorted((p, p.read_bytes()) for p in site.rglob("*") if p.is_file()) == before
    assert [p.name for p in site.parent.iterdir()] == ["hall"]


def test_what_soundings_found_goes_with_what_they_were_taken_in(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "found.npz").write_bytes(b"any")
    with (site / "site.yaml").open("a") as file:
        file.write("residuals: found.npz\n")
    assert edit(site, "--rename", "desk=table", "--out", str(tmp_path / "renamed")) == 0
    assert load_site(str(tmp_path / "renamed")).residuals == "found.npz"
    assert edit(site, "--move", "ap=1,1,2", "--out", str(tmp_path / "moved")) == 0
    assert "found.npz is left out" in capsys.readouterr().out
    assert not (tmp_path / "moved" / "found.npz").exists()
