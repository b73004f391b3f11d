"""The arithmetic behind docs/validation.md, on cases whose answer is known, and the page itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

from real_data import deepsense, deepsense_blockage, radios, responses  # noqa: E402
from real_data.deepsense import Drives  # noqa: E402

BEAMS = 64


def made_drives(count: int = 6, frames: int = 40) -> Drives:
    """A car that passes 15 m east of the station; beams by the sine of the bearing, 90 degrees."""
    north = np.tile(np.linspace(-14, 14, frames), count)
    place = np.column_stack([np.full(len(north), 15.0), north])
    bearing = np.arctan2(place[:, 0], place[:, 1])
    beam = 31.5 + 40 * np.sin(bearing - np.pi / 2)
    power = np.exp(-0.5 * ((np.arange(BEAMS) - beam[:, None]) / 3) ** 2)
    return Drives(power, place, np.repeat(np.arange(count) + 1, frames))


def test_rating_by_the_measured_power_itself_is_always_right() -> None:
    drives = made_drives()
    score = deepsense.scored(drives.power, drives)
    assert score["top1"] == 1.0 and score["loss90"] == 0.0


def test_a_rating_one_beam_off_is_found_by_three_but_not_by_one() -> None:
    drives = made_drives()
    off = -np.abs(np.arange(BEAMS) - (drives.best[:, None] + 1.2))
    score = deepsense.scored(off, drives)
    assert score["top1"] == 0.0 and score["top3"] == 1.0 and score["loss"] > 0


def test_the_geometry_finds_the_law_that_made_the_beams() -> None:
    drives = made_drives()
    score = deepsense.scored(deepsense.geometry(drives, drives, 3), drives)
    assert score["top3"] > 0.98


def test_a_gps_that_lags_is_found_by_the_geometry_that_knows_the_travel() -> None:
    drives = made_drives()
    rows = np.arange(len(drives.drive)).reshape(6, -1)
    rows[1::2] = rows[1::2, ::-1]  # every other drive the other way
    there = Drives(drives.power[rows.ravel()], drives.place[rows.ravel()], drives.drive)
    both_ways = Drives(there.power, there.place - 2.0 * deepsense.travel(there), there.drive)
    blind = deepsense.scored(deepsense.geometry(both_ways, both_ways, 3), both_ways)
    knows = deepsense.scored(deepsense.geometry(both_ways, both_ways, 4), both_ways)
    assert knows["top1"] > blind["top1"] + 0.3


def test_drives_that_are_asked_are_not_learnt_from(test_data: Path) -> None:
    drives = deepsense.read(test_data / "channel/deepsense", 1)
    scores = deepsense.rows_of(drives, int(drives.drive.max()))
    nearest = scores["nearest known position"]
    assert 0.3 < nearest["top1"] < 0.7  # 1 where a frame could find itself or its neighbour
    assert nearest["top1"] > 4 * scores["always the most frequent beams"]["top1"]


def test_a_blockage_is_measured_against_the_frames_before_it() -> None:
    power_db = np.full((30, 4), -40.0)
    power_db[:, 1] = -20.0
    blocked = np.zeros(30, int)
    blocked[15:18] = 1
    power_db[15:18, 1] = [-25.0, -33.0, -28.0]
    power_db[16, 3] = -30.0
    events = deepsense_blockage.blockages(power_db, blocked, np.arange(30))
    assert events.frames.tolist() == [3]
    assert events.deepest[0] == pytest.approx(13.0)
    assert (events.switched[0], events.gain[0]) == (2, pytest.approx(3.0))
    assert (events.frame_switch > 0).mean() == pytest.approx(1 / 3)


def test_a_blockage_at_the_start_of_a_clip_is_left_out() -> None:
    power_db = np.tile(np.arange(4.0), (40, 1))
    blocked = np.zeros(40, int)
    blocked[[5, 25, 38]] = 1
    index = np.r_[np.arange(20), 100 + np.arange(20)]
    events = deepsense_blockage.blockages(power_db, blocked, index)
    assert len(events.frames) == 1  # the third; the first two have a cut in the ten frames before


def test_free_space_at_60_48_ghz_over_10_m_loses_88_decibels() -> None:
    assert radios.free_space_loss_db(np.array([10.0]))[0] == pytest.approx(88.08, abs=0.01)
    assert responses.free_space_db(10.0, radios.CARRIER) == pytest.approx(-88.08, abs=0.01)


def test_mikrotik_ranges_are_decimetres_after_the_devices_own_offset(test_data: Path) -> None:
    ranges = radios.ranging(test_data / "channel/mikrotik_60GHz_csi")
    assert len(ranges) == 14
    assert 0 < ranges.mean() < 1 and ranges.std() < 0.1


def test_the_page_shows_every_figure_that_is_there_and_no_other() -> None:
    page = (ROOT / "docs/validation.md").read_text()
    shown = set(re.findall(r"\]\(validation/(\w+\.png)\)", page))
    assert shown == {file.name for file in (ROOT / "docs/validation").iterdir()}
    assert page.count("**Cannot show:**") == page.count("Licence:") == page.count("\n## ")
