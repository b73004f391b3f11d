"""`site check` finds what is in no schema: degrees for radians, devices beyond the scene; and draws the site."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.loading import find_site_file, load_site


def changed(folder: Path, change) -> str:  # type: ignore[no-untyped-def]
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    change(content)
    (folder / "site.yaml").write_text(yaml.safe_dump(content))
    return str(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["access_points"][0].update(yaw=-29), r"ap_building: yaw is -29 rad.*-0\.5061"),
        (lambda c: c["access_points"][1].update(pitch=10), "ap_lamp: pitch is 10 rad"),
        (lambda c: c["robots"][0].update(yaw=90), "yaw is 90 rad"),
        (lambda c: c["scene"][1].update(yaw=-45), "scene .*: yaw is -45 rad"),
        (lambda c: c["cameras"][0].update(rvec=[109, 0, 0]), "view1: length of rvec is 109 rad"),
        (
            lambda c: c.update(
                lidars=[{"name": "mast", "position": [0, 0, 3], "rpy": [0, 0, 180]}]
            ),
            "LiDAR mast: rpy is 180 rad",
        ),
        (
            lambda c: c["access_points"][0].update(position=[-5800, 0, 3]),
            r"ap_building at .* is \d+ m outside the scene.*in metres\?",
        ),
    ],
)
def test_units_that_cannot_be_right_are_named(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TwinError, match=said):
        describe(load_site(changed(tmp_path, change)))


def test_cameras_are_placed_and_what_is_beyond_the_scene_is_pointed_out(tmp_path: Path) -> None:
    """The camera of the campus by its own calibration: x_cam = R x + t."""

    def change(content: dict) -> None:
        content["cameras"][0].update(rvec=[-np.pi / 2, 0, 0], t=[1.0, 2.0, 400.0])
        content["access_points"][0]["position"][2] = -3.0

    text = describe(load_site(changed(tmp_path, change)))
    # Level, along -y; -R^T t of a turn by -90 degrees about x.
    assert "at (-1.00, 400.00, -2.00) m, looking to -90 deg, " in text
    assert "look at this: camera view1 is 3" in text
    assert "look at this: ap_building is 3.0 m under the scene" in text


def test_the_site_is_always_drawn_from_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["site", "check", "--site", "pets_campus"]) == 0
    drawn = tmp_path / "cache" / "visrftwin" / "plans" / "pets_campus.png"
    assert f"drawn from above: {drawn}" in capsys.readouterr().out
    picture = cv2.imread(str(drawn)).astype(int)
    red = (np.abs(picture - (0x56, 0x57, 0xE4)).max(axis=-1) < 20).sum()
    assert red > 100  # the access points
    assert main(["site", "check", "--site", "pets_campus", "--plan", str(drawn)]) == 2
    assert "--force to replace that picture" in capsys.readouterr().err
