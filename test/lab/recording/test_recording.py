"""Recordings of the lab: complete, repeatable, refused and stopped in good order."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.radio.static_truth import Fineness
from visrftwin_ros.lab.recording.lidar import LidarModel
from visrftwin_ros.lab.recording.record import record
from visrftwin_ros.lab.recording.request import START_NS, Request, cast
from visrftwin_ros.site.loading import load_site

QUICK = Request(
    world="lobby",
    people=2,
    seconds=0.6,
    seed=11,
    camera_rate=0.0,
    panorama_rate=0.0,
    lidar_rate=2.0,
    lidar=LidarModel(beams=16, step=np.deg2rad(2.0)),
    fineness=Fineness(2, 10_000),
    processes=1,
    command="visrftwin lab record --site lobby",
)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lab") / "bag"
    steps: list[tuple[int, int]] = []
    report = record(QUICK, out, False, None, lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1]
    assert report.counts["clouds"] == 2
    return out


def messages(bag: Path) -> dict[str, list[bytes]]:
    from rosbags.rosbag2 import Reader

    found: dict[str, list[bytes]] = {}
    with Reader(bag) as reader:
        for connection, _, data in reader.messages():
            found.setdefault(connection.topic, []).append(bytes(data))
    return found


def test_a_recording_reads_back_with_everything_that_was_seen(bag: Path) -> None:
    site = load_site("lobby")
    campaign = read_campaign(bag, site)
    assert not campaign.problems
    assert campaign.facts["gain_reference"] == "relative"
    assert campaign.facts["seed"] == 11
    drive = cast(QUICK).drive
    assert len(campaign.snapshots) == len(site.access_points) * len(drive.soundings)
    first = campaign.snapshots[0]
    assert first.stamp_ns == START_NS
    # Where TF has the robot: its localisation errs by a centimetre.
    np.testing.assert_allclose(first.rx_position[:2], drive.position[0], atol=0.05)
    assert first.rx_position[2] == pytest.approx(1.2, abs=1e-6)
    assert len(first.paths) > 3
    assert len(campaign.truth_people) == 13
    assert len(campaign.truth_channels) == 13 * 9
    assert campaign.truth_materials
    topics = messages(bag)
    assert len(topics["/lidar_top/points"]) == 2
    assert len(topics["/sounder_robot/odom"]) == 13


def test_the_sounder_hears_what_the_truth_says_up_to_its_reference(bag: Path) -> None:
    campaign = read_campaign(bag, load_site("lobby"))
    truth = {(c.stamp_ns, c.tx, c.rx): c for c in campaign.truth_channels}
    off = defaultdict(list)
    for snapshot in campaign.snapshots:
        true = truth[snapshot.stamp_ns, snapshot.tx, snapshot.rx]
        heard = 10 * np.log10(np.sum(10 ** (snapshot.paths.gain_db / 10)))
        off[snapshot.tx].append(heard + true.path_loss_db)
        # Late or early by the campaign's offset; the earliest path may be too weak to be listed.
        strongest = snapshot.paths.delay[snapshot.paths.gain_db.argmax()]
        assert np.abs(true.paths.delay - strongest).min() < 4e-9
    # One reference for each link of a campaign; fading within the resolution scatters about it.
    assert all(np.ptp(of_link) < 8 for of_link in off.values())


def test_a_bag_has_its_survey_beside_it_and_says_its_set(bag: Path) -> None:
    assert load_site(str(bag)).scene == load_site("lobby").scene
    facts = read_campaign(bag, load_site("lobby")).facts
    assert facts["set"] == "none"
    assert facts["layout"] == "plain"
    assert 0 <= facts["hidden_share"] <= 1


def test_equal_seeds_make_equal_bags_to_the_byte_by_one_process_or_two(
    bag: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    record(replace(QUICK, processes=2), again, False, None, lambda done, total: None)
    one, other = messages(bag), messages(again)
    assert one.keys() == other.keys()
    for topic in one:
        digests = [hashlib.sha256(b"".join(bags[topic])).hexdigest() for bags in (one, other)]
        assert digests[0] == digests[1], topic


def test_a_bag_that_is_there_stays_without_force(bag: Path, capsys: pytest.CaptureFixture) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in bag.iterdir()}
    arguments = "lab record --site lobby --people 2 --seconds 1 --seed 1 --no-images --out"
    assert main([*arguments.split(), str(bag)]) == 2
    assert "--force" in capsys.readouterr().err
    assert {file.name: file.stat().st_mtime_ns for file in bag.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"world": "moon"}, "no world 'moon'; it has: .*lobby"),
        ({"people": 0}, "at least 1"),
        ({"people": 500}, "500 people do not fit into lobby"),
        ({"seconds": 0.0}, "more than 0"),
        ({"seconds": float("nan")}, "more than 0"),
        ({"seed": -1}, "seed"),
        ({"drive": -1}, "drive -1"),
    ],
)
def test_bad_requests_are_refused_before_any_work(change: dict[str, object], text: str) -> None:
    with pytest.raises(TwinError, match=text):
        cast(Request(**{**QUICK.__dict__, **change}))


def test_another_drive_is_another_way_among_other_people_in_the_same_place() -> None:
    first, again, other = (cast(replace(QUICK, drive=drive)) for drive in (0, 0, 1))
    assert np.array_equal(first.drive.position, again.drive.position)
    assert not np.allclose(first.drive.position, other.drive.position)
    assert not np.allclose(first.walks.position, other.walks.position)
    assert first.world.true_site == other.world.true_site


def test_ctrl_c_leaves_a_marked_bag_and_no_process(tmp_path: Path) -> None:
    """In a process group of its own, as from a terminal, with the renderer's process in it."""
    out = tmp_path / "bag"
    arguments = ["--site", "lobby", "--people", "2", "--seconds", "120", "--seed", "3"]
    arguments += ["--camera-rate", "0.1", "--lidar-rate", "0", "--threads", "1", "--out", str(out)]
    running = subprocess.Popen(
        [sys.executable, "-m", "visrftwin_ros.cli", "lab", "record", *arguments],
        start_new_session=True,
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )
    until = time.monotonic() + 150
    while not list(out.glob("*.mcap")) and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(4.0)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=100)
    assert running.returncode == 130, errors
    assert f"what was recorded until then is in {out}, not complete" in errors.decode()
    assert _gone(running.pid, 20)
    with open_bag(out) as stopped:
        assert stopped.stopped_by == "Ctrl-C"


def _gone(group: int, seconds: float) -> bool:
    """Whether the process group ends within so long; Python's resource tracker goes last."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.2)
    return False
