"""`visrftwin` answers wrong input with one line and exit code 2, before any long work."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from visrftwin_ros import cli
from visrftwin_ros.cli import GROUPS, main
from visrftwin_ros.lab import shipped

TRACKS = "frame,id,x,y,vx,vy,height,score\n1,1,-6.0,-8.0,1.0,0.0,1.75,0.9\n"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Noise, as large as the site's calibration asks for."""
    file = tmp_path / "noise.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 7.0, (768, 576))
    noise = np.random.default_rng(0)
    for _ in range(12):
        small = noise.integers(0, 256, (18, 24, 3), np.uint8)
        writer.write(cv2.resize(small, (768, 576), interpolation=cv2.INTER_NEAREST))
    writer.release()
    return file


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("site check --site atlantis", "atlantis"),
        ("site check --site pets_campus --overlay /proc/no/o.png --video VIDEO", "/proc/no"),
        ("site check --site pets_campus --overlay TMP/o.txt --video VIDEO", ".png or .jpg"),
        ("site check --site pets_campus --overlay TMP/o.png --video none", "give --video"),
        ("track --site pets_campus --video /no.avi --out TMP/t.csv", "/no.avi"),
        ("track --site pets_campus --video VIDEO --out /proc/no/t.csv", "/proc/no"),
        (
            "track --site pets_campus --video VIDEO --out TMP/t.csv --detector yolo "
            "--weights /no/net.pt",
            "/no/net.pt",
        ),
        ("predict --site pets_campus --tracks /no.csv --out TMP/c.csv", "/no.csv"),
        ("predict --site pets_campus --tracks TRACKS --out /proc/no/c.csv", "/proc/no"),
        ("up --site atlantis", "atlantis"),
        ("up --site pets_campus --video /no.avi", "/no.avi"),
        ("demo --site pets_campus --video none --out TMP", "give --video"),
    ],
)
def test_wrong_input_is_named_in_one_line(
    command: str, named: str, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks = tmp_path / "tracks.csv"
    tracks.write_text(TRACKS)
    places = {"VIDEO": str(video), "TMP": str(tmp_path), "TRACKS": str(tracks)}
    for place, path in places.items():
        command = command.replace(place, path)
    assert main(command.split()) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("visrftwin: ")
    assert named in said[-1]


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("track --site pets_campus --out t.csv --frames -3", "-3"),
        ("up --site pets_campus --rate 999", "0.05 to 20"),
        ("up --site pets_campus --rate fast", "fast"),
        ("dance", "dance"),
        ("up lobby", "--site"),
        ("site check lobby", "--site"),
    ],
)
def test_a_wrong_option_ends_with_the_usage(
    command: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_tracks_are_written_into_a_new_folder_and_only_with_force_over_old_ones(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder" / "tracks.csv"
    command = ["track", "--site", "pets_campus", "--video", str(video), "--out", str(out)]
    command += ["--detector", "motion", "--frames", "5"]
    assert main(command) == 0
    assert str(out) in capsys.readouterr().out
    first = out.read_text()
    assert first.startswith("frame,id,x,y,vx,vy,height,score\n")
    kept = first + "1,7,0,0,0,0,1.7,0.9\n"
    out.write_text(kept)
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == kept
    assert main([*command, "--force"]) == 0
    assert out.read_text() == first
    assert [file.name for file in out.parent.iterdir()] == ["tracks.csv"]


@pytest.mark.parametrize(
    "command",
    [
        "track --site pets_campus --video VIDEO --out NOTES",
        "predict --site pets_campus --tracks TRACKS --out NOTES",
        "site check --site pets_campus --video VIDEO --overlay NOTES",
        "bench retrace --json NOTES",
        "campaign recover BAG --out FOLDER",
        "evaluate BAG --site lobby --out FOLDER",
        "lab record --site lobby --people 1 --seconds 1 --seed 1 --no-images --out FOLDER",
        "demo --site lobby --bag BAG --out FOLDER",
    ],
)
def test_what_is_no_result_of_the_command_stays_even_with_force(
    command: str, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "folder" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("years of work")
    tracks = tmp_path / "tracks.csv"
    tracks.write_text(TRACKS)
    places = {"VIDEO": video, "TRACKS": tracks, "NOTES": notes, "FOLDER": notes.parent}
    for place, path in {**places, "BAG": shipped.BAG}.items():
        command = command.replace(place, str(path))
    assert main([*command.split(), "--force"]) == 2
    assert "nothing there was touched" in capsys.readouterr().err
    assert notes.read_text() == "years of work"
    assert list(notes.parent.iterdir()) == [notes]


def test_an_overlay_is_drawn(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "overlay.png"
    assert (
        main(
            ["site", "check", "--site", "pets_campus", "--overlay", str(out), "--video", str(video)]
        )
        == 0
    )
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape == (1152, 1536, 3)
    magenta = (np.abs(picture.astype(int) - (230, 0, 230)).max(axis=-1) < 20).sum()
    assert magenta > 100  # the access points


def test_ctrl_c_ends_a_command_in_one_line(video: Path, tmp_path: Path) -> None:
    program = (
        "import sys, time; from visrftwin_ros import cli; from visrftwin_ros.site import loading\n"
        "def slow(name): print('working', flush=True); time.sleep(30)\n"
        "loading.load_site = slow; sys.exit(cli.main(['site', 'check', '--site', 'pets_campus']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said == "visrftwin: stopped\n"


def test_without_a_command_all_of_them_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    for group, commands in GROUPS.items():
        assert f"\n{group}:\n" in said
        for command in commands:
            assert re.search(rf"^  {command.NAME} +{re.escape(command.HELP)}$", said, re.MULTILINE)


def test_a_family_lists_its_own_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site"]) == 0
    said = capsys.readouterr().out
    assert "site check" in said and "site calibrate-camera" in said and "track" not in said


def test_every_file_of_a_command_is_listed_once() -> None:
    listed = [command.NAME for commands in GROUPS.values() for command in commands]
    files = {file.stem for file in Path(cli.__file__).parent.joinpath("commands").glob("*.py")}
    shared = {
        "__init__",
        "command",
        "options",
        "site_options",
        "importing",
        "channel_table",
        "json_rows",
        "progress",
    }
    assert sorted(listed) == sorted(set(listed))
    assert {name.replace(" ", "_").replace("-", "_") for name in listed} == files - shared


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    manifest = ElementTree.parse(Path(cli.__file__).parents[1] / "package.xml")
    assert capsys.readouterr().out == f"visrftwin {manifest.findtext('version')}\n"


def test_the_list_of_commands_loads_nothing_heavy() -> None:
    code = (
        "import sys; from visrftwin_ros import cli; cli.main([]); "
        "print([m for m in ('torch', 'sionna', 'mitsuba', 'rclpy', 'numpy', 'cv2', 'pydantic') "
        "if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_has_heard_enough_is_no_error() -> None:
    said = subprocess.Popen(
        [sys.executable, "-m", "visrftwin_ros.cli", "site", "check", "--site", "pets_campus"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert said.stdout is not None and said.stderr is not None
    said.stdout.close()
    assert said.wait(timeout=60) == 0
    assert said.stderr.read() == b""
