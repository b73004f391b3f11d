"""Ten questions, and a site that every command takes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cli import main
from visrftwin_ros.site.loading import load_site


def answered(monkeypatch: pytest.MonkeyPatch, out: Path, *lines: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    return main(["site", "new", str(out)])


def test_enter_alone_makes_a_room_that_passes_its_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my_room"
    assert answered(monkeypatch, out, *[""] * 10) == 0
    assert f"visrftwin up --site {out}" in capsys.readouterr().out
    site = load_site(str(out))
    assert (site.name, site.radio.frequency, len(site.scene)) == ("my_room", 60.48e9, 6)
    assert not set("&*") & set((out / "site.yaml").read_text())  # plain lines, to be edited
    # The camera looks at the middle of the floor, the access point along the room.
    pixels, ahead = fixed_camera(site.camera()).project(np.array([[6.0, 4.0, 0.0]]))
    assert ahead.all()
    np.testing.assert_allclose(pixels[0], [640, 360], atol=0.5)
    ap = site.access_points[0]
    assert site.robots[0].position == (9, 4)  # it stands: links are there before anybody sets up TF
    assert ap.yaw == 0 and ap.pitch == pytest.approx(np.arctan2(1.7, 5.8), abs=1e-3)
    assert main(["site", "check", "--site", str(out)]) == 0
    assert answered(monkeypatch, out, *[""] * 10) == 2
    assert "--force" in capsys.readouterr().err


def test_out_of_doors_with_two_access_points_and_no_camera(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = "odom|28GHz|400MHz|60,40,0|asphalt|1,1,4; 59,39,5|cart; tug=30,20.5|none"
    assert answered(monkeypatch, tmp_path / "yard", *answers.split("|")) == 0
    site = load_site(str(tmp_path / "yard"))
    assert [surface.name for surface in site.scene] == ["floor"]
    assert [ap.position for ap in site.access_points] == [(1, 1, 4), (59, 39, 5)]
    assert [robot.name for robot in site.robots] == ["cart", "tug"] and not site.cameras
    assert [robot.position for robot in site.robots] == [None, (30, 20.5)]


def test_what_cannot_be_is_said_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["my map", "map", "60", "60GHz", "", "12,x,3", "12,0,3", "", "wool", "", "", "1,2", "",
             "A b", "a;a", "a=1", "", "1,2", "", "10,10,90", "640,480,400", ""]  # fmt: skip
    assert answered(monkeypatch, tmp_path / "room", *lines) == 0
    told = capsys.readouterr().out
    for wanted in ("a name of letters", "60GHz", "length, width, height in metres",
                   "at least 1 m each", "expected one of", "x,y,z in metres", "each once", "x,y on the floor of a",
                   "x,y on the floor", "16 to 16384", "5 to 150"):  # fmt: skip
        assert wanted in told


def test_nothing_is_written_where_nobody_answers_or_the_name_cannot_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answered(monkeypatch, tmp_path / "room", "", "") == 2
    assert "nothing is written" in capsys.readouterr().err
    assert answered(monkeypatch, tmp_path / "My Room", *[""] * 10) == 2
    assert "lower case" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
