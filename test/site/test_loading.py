"""A site is read, or the error names the field, the value and what was expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.loading import find_site_file, load_site
from visrftwin_ros.site.model import ScriptedPath
from visrftwin_ros.site.motion import pose_at


def content() -> dict:
    return yaml.safe_load(find_site_file("pets_campus").read_text())


def write(folder: Path, changed: dict) -> str:
    (folder / "site.yaml").write_text(yaml.safe_dump(changed))
    return str(folder)


def test_the_campus_has_the_devices_that_the_product_promises() -> None:
    site = load_site("pets_campus")
    assert [ap.name for ap in site.access_points] == ["ap_building", "ap_lamp"]
    assert sum(robot.position is not None for robot in site.robots) == 2
    assert sum(robot.path is not None for robot in site.robots) == 1
    assert site.radio.frequency == 60.48e9
    assert "links: 6" in describe(site)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c["radio"].update(frequency="fast"), "radio.frequency"),
        (lambda c: c["radio"].update(frequency=0.3e9), r"radio.frequency.*400000000.*300000000"),
        (
            lambda c: c["radio"].update(frequency=301e9),
            r"radio.frequency.*300000000000.*301000000000",
        ),
        (
            lambda c: c.update(
                materials={"m": {"relative_permittivity": 3, "conductivity": 0, "thickness": 11}}
            ),
            r"materials.m.thickness.* 10 .*11",
        ),
        (lambda c: c["access_points"][0].update(position=[0, 0]), "access_points.0.position"),
        (lambda c: c["access_points"][0].update(position=[0, 0, float("nan")]), "position.2"),
        (lambda c: c["scene"][1].update(size=[1, -2, 3]), "scene.1.box.size.1"),
        (lambda c: c["robots"][0].update(path=c["robots"][2]["path"]), "not both"),
        (lambda c: c["robots"][1].update(name="robot_north"), "robot_north"),
        (lambda c: c["cameras"][0].update(fx=0), "cameras.0.fx"),
        (lambda c: c.update(weather="rain"), "weather"),
        (lambda c: c.pop("scene"), "scene"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change, named: str) -> None:
    wrong = content()
    change(wrong)
    with pytest.raises(TwinError, match=named) as error:
        load_site(write(tmp_path, wrong))
    assert str(tmp_path) in str(error.value)


def test_an_unknown_site_names_those_that_exist() -> None:
    with pytest.raises(TwinError, match="pets_campus"):
        load_site("atlantis")


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("name: [")
    with pytest.raises(TwinError, match="not valid YAML"):
        load_site(str(tmp_path))


def test_an_unknown_material_is_named(tmp_path: Path) -> None:
    wrong = content()
    wrong["scene"][1]["material"] = "brik"
    with pytest.raises(TwinError, match="brick"):
        describe(load_site(write(tmp_path, wrong)))


def test_a_missing_mesh_is_named(tmp_path: Path) -> None:
    wrong = content()
    mesh = {"name": "hall", "kind": "mesh", "file": "hall.ply", "material": "concrete"}
    wrong["scene"].append(mesh)
    with pytest.raises(TwinError, match=r"hall\.ply"):
        load_site(write(tmp_path, wrong))


def test_an_access_point_inside_a_wall_is_refused(tmp_path: Path) -> None:
    wrong = content()
    wrong["access_points"][0]["position"] = [25.0, 5.0, 3.0]
    with pytest.raises(TwinError, match="inside the box 'brick_building'"):
        describe(load_site(write(tmp_path, wrong)))


def test_a_scripted_robot_keeps_its_speed_and_closes_its_loop() -> None:
    path = ScriptedPath(waypoints=[(0, 0), (4, 0), (4, 3)], speed=0.5)
    lap_ns = 24_000_000_000  # 4 + 3 + 5 m at 0.5 m/s
    np.testing.assert_allclose(pose_at(path, 0)[0], [0, 0])
    np.testing.assert_allclose(pose_at(path, 4_000_000_000)[0], [2, 0])
    np.testing.assert_allclose(pose_at(path, 11_000_000_000)[0], [4, 1.5])
    np.testing.assert_allclose(pose_at(path, 11_000_000_000)[1], np.pi / 2)
    np.testing.assert_allclose(pose_at(path, 3 * lap_ns + 4_000_000_000)[0], [2, 0], atol=1e-9)
