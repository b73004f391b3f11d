"""`visrftwin map` writes a site that every command takes, and leaves alone what it should."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scanned_room import SIZE, room_ply, room_scan, to_room

from visrftwin_ros.cli import main
from visrftwin_ros.mapping import map_site
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.ply_file import ply_of
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Propagation

RADIO = ["--frequency", "60.48GHz", "--bandwidth", "2.16GHz", "--access-point", "ap=1,1.5,2.1"]
SPEED = 299_792_458.0


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A room with a table as a cloud alone, in its own axes."""
    points = to_room(room_scan(5, rays=15_000, walker=False).points)
    file = tmp_path_factory.mktemp("cloud") / "room.ply"
    file.write_bytes(ply_of(points, np.zeros((0, 3), int)))
    return file


@pytest.fixture(scope="module")
def mapped(cloud: Path) -> Path:
    site = cloud.parent / "room"
    given = ["--material", "wall=brick", "--material", "floor_1=wood", "--thickness", "0.2"]
    assert main(["map", str(cloud), "--out", str(site), *RADIO, *given]) == 0
    return site


def test_the_site_passes_its_check_with_what_was_stated(
    mapped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["site", "check", "--site", str(mapped)]) == 0
    assert "ap: at (1.00, 1.50, 2.10) m" in capsys.readouterr().out
    site = load_site(str(mapped))
    of = {surface.name: surface.material for surface in site.scene}
    assert (of["wall_1"], of["floor_1"], of["ceiling_1"]) == ("brick", "wood", "unknown")
    unknown = site.materials["unknown"]
    assert unknown.thickness == 0.2
    concrete = material_values("concrete", 60.48e9)
    assert unknown.relative_permittivity == pytest.approx(concrete.relative_permittivity)


def test_the_report_says_what_was_found_and_what_was_not_seen(mapped: Path) -> None:
    report = mapped / "report"
    page = (report / "report.md").read_text()
    assert "are of the material `unknown`" in page
    facts = json.loads((report / "surfaces.json").read_text())
    walls = [s for s in facts["surfaces"] if s["kind"] == "wall"]
    assert len(walls) == 4
    assert all(0 < s["sd"] < 0.01 and s["share_seen"] > 0.7 for s in walls)
    assert (report / "floor_plan.png").read_bytes().startswith(b"\x89PNG")


def test_first_reflections_come_within_a_third_of_a_nanosecond(mapped: Path) -> None:
    """Off the four walls and the ceiling, by mirror images in the true room: 0.3 ns are 9 cm."""
    prepare(threads=1)
    site = load_site(str(mapped))
    sender, receiver = np.array([1.0, 1.5, 2.1]), np.array([3.7, 3.1, 1.2])
    paths = solve(
        surface_meshes(site),
        Devices(("ap",), sender[None]),
        Devices(("rx",), receiver[None]),
        site.radio.frequency,
        Propagation(max_depth=1, samples=1000, diffuse=False, refraction=False, diffraction=False),
    )
    for axis, side in [(0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0), (2, 1.0)]:
        image = sender.copy()
        image[axis] = 2 * side * SIZE[axis] - image[axis]
        delay = np.linalg.norm(receiver - image) / SPEED
        assert np.abs(paths.delay - delay).min() < 0.3e-9, (axis, side)


def test_the_error_against_a_reference_is_reported(
    cloud: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The room's true mesh, imported, is the reference; its table is not in it."""
    mesh = room_ply(tmp_path, (5.0, 4.0, 2.5))
    truth = str(tmp_path / "truth")
    assert (
        main(["site", "import", str(mesh), "--out", truth, *RADIO, "--material", "=concrete"]) == 0
    )
    out = tmp_path / "room"
    assert main(["map", str(cloud), "--out", str(out), *RADIO, "--reference", truth]) == 0
    page = (out / "report" / "report.md").read_text()
    line = next(line for line in page.splitlines() if line.startswith("Against the reference"))
    within = float(line.split(": ")[1].split(" %")[0])
    offset = float(line.split("off by ")[1].split(" cm")[0])
    assert 93 < within < 100
    assert offset < 1.0
    assert (out / "report" / "error.png").exists()


def test_a_site_that_is_there_is_kept(
    cloud: Path, mapped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (mapped / "site.yaml").read_bytes()
    assert main(["map", str(cloud), "--out", str(mapped), *RADIO]) == 2
    assert "--force to replace that mapped site" in capsys.readouterr().err
    assert (mapped / "site.yaml").read_bytes() == before


def test_ctrl_c_leaves_nothing_and_keeps_what_was_there(
    cloud: Path, mapped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(map_site, "write_report", stop)
    before = sorted(p.name for p in cloud.parent.iterdir())
    command = ["map", str(cloud), "--out", str(mapped), *RADIO, "--cell", "0.1", "--force"]
    assert main(command) == 130
    assert sorted(p.name for p in cloud.parent.iterdir()) == before
    load_site(str(mapped))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--material", "roof=brick"], "no surface of that name was mapped; give a kind"),
        (["--cell", "0"], "expected metres from 0.001"),
        (["--robot", "cart"], "--robot cart: expected"),
        (["--topic", "points"], "--topic would be ignored, as --topic is for a rosbag2"),
        (["--every", "2", "--farthest", "9"], "--every and --farthest would be ignored"),
        (["--embedder", "packaged"], "has no pictures: --embedder packaged would be ignored"),
        (["--embedder-weights", "w.pth"], "weights would be ignored"),
        (["--pictures", "3"], "--pictures would be ignored"),
    ],
)
def test_options_that_make_no_sense_are_named(
    cloud: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    command = [
        "map",
        str(cloud),
        "--out",
        str(tmp_path / "room"),
        *RADIO,
        "--cell",
        "0.1",
        *options,
    ]
    try:
        code = main(command)
    except SystemExit as stopped:  # argparse's own
        code = int(stopped.code or 0)
    assert code == 2
    assert re.search(said, capsys.readouterr().err, re.DOTALL)


def test_what_is_no_source_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("no")
    for source in ("a.txt", "missing", "."):
        assert main(["map", str(tmp_path / source), "--out", str(tmp_path / "room"), *RADIO]) == 2
    said = capsys.readouterr().err
    assert "expected a rosbag2, a folder of posed frames, a mesh or a cloud" in said
    assert "nothing at" in said
    assert "no *.depth.png in it" in said
