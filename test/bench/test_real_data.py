"""The arithmetic behind docs/validation.md, on cases whose answer is known, and the page itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

from real_data import (  # noqa: E402
    bedroom,
    deepsense,
    deepsense_blockage,
    dichasus,
    radios,
    responses,
)
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


def cells(count: int = 400) -> dichasus.Cells:
    """A floor on which the loss is a law of the distance, whose reference nobody knows."""
    place = np.random.default_rng(3).uniform(1, 30, (count, 3)) * [1, 1, 0]
    distance = np.linalg.norm(place, axis=1)
    questions = SimpleNamespace(distance=distance, rx_position=place)
    block = np.unique(place[:, :2] // dichasus.BLOCK, axis=0, return_inverse=True)[1].reshape(-1)
    return dichasus.Cells(None, questions, 7.0 + 30 * np.log10(distance), block)  # type: ignore[arg-type]


@pytest.mark.parametrize("blocks", [False, True])
def test_an_offset_is_no_error_and_a_law_is_learnt_from_other_cells(
    blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dichasus, "RESAMPLED", 50)
    floor = cells()
    right, steep = floor.measured - 40, floor.measured * 2
    found = dichasus.scores(floor, {"right": right, "steep": steep}, blocks)
    np.testing.assert_allclose(found["right"], 0, atol=1e-9)
    np.testing.assert_allclose(found["log-distance, fitted"], 0, atol=1e-9)
    middle, low, high = found["steep"][0]
    assert 1 < low < middle < high
    assert 0 < found["the nearest known cell"][1, 0] < found["steep"][1, 0]


def test_the_authors_predictions_err_as_they_do_in_the_datas_own_notes(
    test_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """6.8, 3.0 and 1.4 dB over all cells, a law of the distance 3.5 dB, after a mean offset; the median
    that is used here leaves a little more."""
    monkeypatch.setattr(dichasus, "RESAMPLED", 50)
    file = test_data / "channel/dichasus_inue/array_1.csv"
    rows = np.genfromtxt(file, delimiter=",", names=True)
    place = np.column_stack([rows["x_m"], rows["y_m"], np.full(len(rows), 1.04)])
    distance = np.linalg.norm(place - [1.109, 27.718, 1.505], axis=1)
    questions = SimpleNamespace(distance=distance, rx_position=place)
    block = np.unique(place[:, :2] // dichasus.BLOCK, axis=0, return_inverse=True)[1].reshape(-1)
    floor = dichasus.Cells(None, questions, -rows["gain_db"], block)  # type: ignore[arg-type]
    found = dichasus.scores(floor, {name: -rows[name] for name in dichasus.AUTHORS}, False)
    rmse = [found[name][0, 0] for name in (*dichasus.AUTHORS, "log-distance, fitted")]
    np.testing.assert_allclose(rmse, [6.8, 3.0, 1.4, 3.5], atol=0.4)


def test_cells_that_are_known_are_not_asked_nor_are_others_of_their_square() -> None:
    floor = cells()
    train = dichasus.training(floor, 1, blocks=True)
    assert 0.1 < train.mean() < 0.3
    assert not set(floor.block[train]) & set(floor.block[~train])
    error = dichasus.errors(floor, {"right": floor.measured}, train)["right"]
    assert np.isnan(error).tolist() == train.tolist()
    assert dichasus.training(floor, 1, blocks=False).sum() == 80


def made_paths(*rows: tuple[float, float, float]) -> bedroom.Paths:
    """Of (length m, power, azimuth degrees), horizontal."""
    length, power, azimuth = np.array(rows).T
    return bedroom.Paths(length, power, horizontal(azimuth))


def horizontal(azimuth: np.ndarray) -> np.ndarray:
    angle = np.deg2rad(azimuth)
    return np.column_stack([np.cos(angle), np.sin(angle), np.zeros(len(angle))])


def test_two_equal_paths_spread_by_half_of_what_lies_between_them() -> None:
    loss, delay, azimuth = made_paths((3.0, 5e-7, -60), (3.0 + 2.99792458, 5e-7, 60)).figures()
    assert loss == pytest.approx(60)
    assert delay == pytest.approx(5.0)  # 10 ns apart
    assert azimuth == pytest.approx(np.rad2deg(np.sqrt(2 * np.log(2))))  # a resultant of a half


def test_a_path_is_matched_by_length_and_direction_and_only_once() -> None:
    ours = made_paths((3.0, 1, 0), (5.0, 1, 40))
    theirs = made_paths((3.004, 1, 0.3), (3.006, 1, 0.2), (5.0, 1, 41), (5.02, 1, 40))
    assert bedroom.matched(ours, theirs).tolist() == [True, False, False, False]


def test_the_page_shows_every_figure_that_is_there_and_no_other() -> None:
    page = (ROOT / "docs/validation.md").read_text()
    shown = set(re.findall(r"\]\(validation/(\w+\.png)\)", page))
    assert shown == {file.name for file in (ROOT / "docs/validation").iterdir()}
    assert page.count("**Cannot show:**") == page.count("Licence:") == page.count("\n## ")
