"""NIST Q-D exports become campaign bags; broken lines are named and the rest is kept."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from imported_files import OPTIONS, SAID, run_import
from made_campaign import made_site

from visrftwin_ros.bags import topics as bag_topics
from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.importers.nist_qd import read_nist_qd
from visrftwin_ros.errors import TwinError

NODES = {0: "ap1", 1: "robot1"}
LIGHT = 299792458.0


def line(steps: int = 2, **changes: object) -> str:
    """A pair of nodes 3 m apart, one level path a step that departs along +x."""
    record = {
        "TX": 0, "RX": 1, "PAA_TX": 0, "PAA_RX": 0,
        "Delay": [[3 / LIGHT]] * steps, "Gain": [[-77.55]] * steps, "Phase": [[0.0]] * steps,
        "AODEL": [[90.0]] * steps, "AODAZ": [[0.0]] * steps,
        "AOAEL": [[120.0]] * steps, "AOAAZ": [[270.0]] * steps,
    }  # fmt: skip
    return json.dumps(record | changes)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "qdOutput.json"


def test_elevation_from_the_zenith_becomes_elevation_over_the_horizon(export: Path) -> None:
    export.write_text(line())
    snapshot = read_nist_qd(export, SAID, NODES).snapshots[1]
    assert (snapshot.tx, snapshot.rx) == ("ap1", "robot1")
    assert snapshot.stamp_ns == 100_100_000_000
    assert snapshot.paths.aod_elevation[0] == pytest.approx(0.0)
    assert snapshot.paths.aoa_elevation[0] == pytest.approx(-np.pi / 6)
    assert snapshot.paths.aoa_azimuth[0] == pytest.approx(-np.pi / 2)


def test_a_line_of_sight_of_the_real_export_obeys_friis(test_data: Path) -> None:
    file = test_data / "channel/nist_qd/L-Room_qdOutput.json"
    reading = read_nist_qd(file, SAID, NODES)
    assert len(reading.snapshots) == 400 and not reading.problems
    first = reading.snapshots[0].paths
    distance = first.delay[0] * LIGHT
    assert first.gain_db[0] == pytest.approx(
        20 * np.log10(LIGHT / 60e9 / (4 * np.pi * distance)), abs=0.5
    )


def test_a_cut_off_line_is_named_and_the_others_are_kept(export: Path) -> None:
    export.write_text(line() + "\n" + line()[:200])
    reading = read_nist_qd(export, SAID, NODES)
    assert len(reading.snapshots) == 2
    assert len(reading.problems) == 1
    assert "line 2: not JSON" in reading.problems[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Gain": [[-70.0, -80.0]] * 2}, "time step 1: expected as many paths"),
        ({"Gain": [[float("nan")]] * 2}, "time step 1: NaN or null"),
        ({"Gain": [[None]] * 2}, "time step 1: NaN or null"),
        ({"Gain": [["loud"]] * 2}, "time step 1: expected numbers"),
        ({"Gain": [[3.0]] * 2}, "a gain of 3 dB over the transmitted power"),
        ({"Delay": [[10.0]] * 2}, "a delay of 10 s"),
        ({"AODEL": [[-20.0]] * 2}, "expected elevations of 0 to 180"),
        ({"AODEL": [[90.0]]}, "line 1: expected as many time steps"),
        ({"PAA_RX": 1}, "line 1: an antenna array other than 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    export: Path, changes: dict[str, object], said: str
) -> None:
    export.write_text(line(**changes) + "\n" + line())
    reading = read_nist_qd(export, SAID, NODES)
    assert len(reading.snapshots) == 2
    assert said in reading.problems[0] and "line 1" in reading.problems[0]


@pytest.mark.parametrize("text", ["", "\n\n", '{"tx": 0}', "[1, 2]", line()[:90]])
def test_a_file_without_a_channel_is_refused(export: Path, text: str) -> None:
    export.write_text(text)
    with pytest.raises(TwinError, match="no channel of the NIST Q-D format"):
        read_nist_qd(export, SAID, NODES)


def test_a_binary_file_is_refused(export: Path) -> None:
    export.write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe")
    with pytest.raises(TwinError, match="expected JSON lines"):
        read_nist_qd(export, SAID, NODES)


@pytest.mark.parametrize(
    ("missing", "option"),
    [("frequency", "--frequency"), ("bandwidth", "--bandwidth"), ("rate", "--rate"),
     ("start", "--start"), ("noise_floor_dbm", "--noise-floor"),
     ("gain_reference", "--gain-reference")],
)  # fmt: skip
def test_what_the_file_does_not_say_is_asked_for_by_its_option(
    export: Path, missing: str, option: str
) -> None:
    export.write_text(line())
    with pytest.raises(TwinError, match=option):
        read_nist_qd(export, dataclasses.replace(SAID, **{missing: None}), NODES)


@pytest.mark.parametrize(
    "wrong", [{"rate": 0.0}, {"rate": float("nan")}, {"start": -1.0}, {"start": 1e12}]
)
def test_a_rate_or_start_that_no_clock_has_is_refused(
    export: Path, wrong: dict[str, float]
) -> None:
    export.write_text(line())
    with pytest.raises(TwinError, match=f"--{next(iter(wrong))} is"):
        read_nist_qd(export, dataclasses.replace(SAID, **wrong), NODES)


def test_a_node_without_a_name_is_asked_for(export: Path) -> None:
    export.write_text(line())
    with pytest.raises(TwinError, match="give --node 1=NAME"):
        read_nist_qd(export, SAID, {0: "ap1"})


def test_the_command_writes_a_bag_that_holds_the_file(export: Path, tmp_path: Path) -> None:
    export.write_text(line(steps=3))
    bag = tmp_path / "bag"
    nodes = ("--node=0=ap1", "--node=1=robot1")
    assert run_import("nist-qd", export, "--out", bag, *nodes, *OPTIONS) == 0
    with open_bag(bag) as opened:
        counts = {c.topic: c.msgcount for c in opened.connections}
    assert counts[bag_topics.SNAPSHOTS] == 3
    assert counts[bag_topics.TF_STATIC] == 1


def test_places_from_a_file_of_positions_come_back_with_the_snapshots(
    export: Path, tmp_path: Path
) -> None:
    site = made_site(tmp_path / "site")
    export.write_text(line(steps=3))
    (tmp_path / "walk.dat").write_text("1,0,0\n1.5,0,0\n2,0.25,0\n")
    options = [o for o in OPTIONS if not o.startswith(("--position", "--frame"))]
    command = ("nist-qd", export, "--node=0=ap", "--node=1=rover", "--site", tmp_path / "site")
    bag, walk = tmp_path / "bag", f"--position=rover={tmp_path / 'walk.dat'}"
    assert run_import(*command, "--out", bag, walk, *options) == 0
    campaign = read_campaign(bag, site)
    assert not campaign.problems
    places = np.array([snapshot.rx_position for snapshot in campaign.snapshots])
    np.testing.assert_allclose(places, [[1, 0, 1.1], [1.5, 0, 1.1], [2, 0.25, 1.1]])
    np.testing.assert_allclose(campaign.snapshots[0].tx_position, [0, 0, 3])
    np.testing.assert_allclose(campaign.snapshots[2].paths.aoa_elevation, -np.pi / 6, rtol=1e-6)


@pytest.mark.parametrize("wrong", ["ap1=1,2", "ap1=here", "ap1=1,2,nan", "nobody=1,2,3"])
def test_a_position_that_is_none_is_refused(
    export: Path, tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export.write_text(line())
    command = ("nist-qd", export, "--node=0=ap1", "--node=1=robot1", *OPTIONS)
    assert run_import(*command, "--out", tmp_path / "bag", "--position", wrong) == 2
    assert f"--position {wrong.split('=')[0]}" in capsys.readouterr().err
    assert not (tmp_path / "bag").exists()


def test_parts_left_out_are_marked_in_the_bag(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.write_text(line() + "\n" + line()[:200])
    bag = tmp_path / "bag"
    nodes = ("--node=0=ap1", "--node=1=robot1")
    assert run_import("nist-qd", export, "--out", bag, *nodes, *OPTIONS) == 2
    assert "line 2" in capsys.readouterr().err
    facts = facts_of(bag)
    assert facts["partial"] is True and "line 2" in facts["problems"][0]


def test_a_bag_that_is_there_stays_without_force(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.write_text(line())
    bag = tmp_path / "bag"
    arguments = ("nist-qd", export, "--out", bag, "--node=0=ap1", "--node=1=robot1", *OPTIONS)
    assert run_import(*arguments) == 0
    before = {file: file.read_bytes() for file in bag.iterdir()}
    assert run_import(*arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in bag.iterdir()} == before
    assert run_import(*arguments, "--force") == 0


def test_a_device_that_nobody_places_is_asked_for(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.write_text(line())
    options = [option for option in OPTIONS if not option.startswith("--position=robot1")]
    nodes = ("--node=0=ap1", "--node=1=robot1")
    assert run_import("nist-qd", export, "--out", tmp_path / "bag", *nodes, *options) == 2
    assert "give --position robot1=X,Y,Z" in capsys.readouterr().err
    assert not (tmp_path / "bag").exists()


def facts_of(bag: Path) -> dict[str, object]:
    """What the `campaign` topic of a bag says, read with rosbags alone."""
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    with AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        kept = [c for c in reader.connections if c.topic.strip("/") == "campaign"]
        message = next(data for _, _, data in reader.messages(kept))
        text = reader.deserialize(message, kept[0].msgtype).data
    return dict(yaml.safe_load(text))
