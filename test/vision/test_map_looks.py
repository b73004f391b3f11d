"""`visrftwin map` names the materials that its pictures show, and says how sure it is."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.vision.material_posterior import COLUMNS

SIZE = np.array([4.0, 3.0, 2.5])
EYE = np.array([2.0, 1.5, 1.3])
WIDTH, HEIGHT, FOCAL = 160, 120, 80.0
RADIO = ["--frequency", "60.48GHz", "--bandwidth", "2.16GHz", "--access-point", "ap=1,1,2"]


def frame(folder: Path, number: int, yaw: float) -> None:
    """Depth and colour of a box of a room from its middle, as a hand-held camera takes them: walls of bricks."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array(
        [[s, 0, c], [-c, 0, s], [0, -1, 0]]
    )  # camera to world, level, looking along yaw
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, EYE
    np.savetxt(folder / f"f{number}.pose.txt", pose)
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    rays = np.stack([(u - 79.5) / FOCAL, (v - 59.5) / FOCAL, np.ones(u.shape)], axis=-1)
    way = rays @ turn.T
    with np.errstate(divide="ignore"):
        reach = np.where(way > 0, (SIZE - EYE) / way, -EYE / way)
    depth = reach.min(axis=-1)
    cv2.imwrite(str(folder / f"f{number}.depth.png"), np.round(1000 * depth).astype(np.uint16))
    place = EYE + depth[..., None] * way
    along = np.where(reach.argmin(axis=-1) == 0, place[..., 1], place[..., 0])
    course = np.floor(place[..., 2] / 0.1)
    mortar = (np.mod(place[..., 2], 0.1) < 0.015) | (np.mod(along + 0.12 * course, 0.24) < 0.015)
    wall = reach.argmin(axis=-1) < 2
    bgr = np.where(mortar[..., None], [170, 175, 180], [55, 75, 150])
    bgr = np.where(wall[..., None], bgr, 150)
    cv2.imwrite(str(folder / f"f{number}.color.png"), bgr.astype(np.uint8))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    matrix = np.array([[FOCAL, 0, 79.5], [0, FOCAL, 59.5], [0, 0, 1]])
    np.savetxt(folder / "camera-intrinsics.txt", matrix)
    for number in range(8):
        frame(folder, number, number * np.pi / 4)
    out = folder.parent / "room"
    assert main(["map", str(folder), "--out", str(out), *RADIO, "--material", "floor=wood"]) == 0
    return out


def test_every_surface_has_a_posterior_and_the_site_the_values(site: Path) -> None:
    loaded = load_site(str(site))
    of = {surface.name: surface.material for surface in loaded.scene}
    facts = {
        row["surface"]: row for row in json.loads((site / "report/materials.json").read_text())
    }
    assert set(facts) == set(of)
    for name, row in facts.items():
        assert sum(row["posterior"].values()) == pytest.approx(1.0, abs=2e-3)
        assert tuple(row["posterior"]) == COLUMNS
        named = "unknown" if row["class"] == "unknown" else f"seen_{row['class']}"
        assert of[name] == ("wood" if name.startswith("floor") else named)
        if of[name] != "wood":
            assert loaded.materials[of[name]].relative_permittivity > 1
    seen = [row["share_seen"] for name, row in facts.items() if name.startswith("wall")]
    assert np.mean(seen) > 0.5


def test_the_report_shows_what_was_seen(site: Path) -> None:
    page = (site / "report" / "report.md").read_text()
    assert "Read off pictures by `efficientnet_lite0`" in page
    for picture in ("material_plan.png", "material_view_1.jpg"):
        assert picture in page
        assert cv2.imread(str(site / "report" / picture)) is not None


def test_nobody_looks_where_nobody_is_to(site: Path, tmp_path: Path) -> None:
    frames = next(site.parent.glob("frames*"))
    out = tmp_path / "room"
    assert main(["map", str(frames), "--out", str(out), *RADIO, "--embedder", "none"]) == 0
    assert {surface.material for surface in load_site(str(out)).scene} == {"unknown"}
    assert not (out / "report" / "materials.json").exists()
